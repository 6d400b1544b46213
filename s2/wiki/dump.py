"""MediaWiki export XML (https://www.mediawiki.org/wiki/Help:Export) to pages.

A dump is cut at the ends of pages into blocks of some megabytes, which are parsed each by itself:
many at once, no more than a few in memory. Only pages are ever given to the XML parser, so a
document type declaration, and with it an entity that blows up, is never read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, fromstring

from s2.dumps.quarantine import Bad, unreadable
from s2.dumps.reading import DamagedDump, read_chunks

MAX_PAGE = 64 * 2**20
MAX_HEAD = 2**20
LONGEST_KEY = 18  # digits of a namespace

_OPEN, _CLOSE = re.compile(rb"<page(?:\s[^>]*)?>"), b"</page>"
_INT64 = 2**63
_NAMESPACE = re.compile(r'<namespace key="(-?\d+)"[^>]*?(?:/>|>([^<]*)</namespace>)')
_CANONICAL = {"media": -2, "talk": 1, "user": 2, "file": 6, "image": 6, "template": 10, "category": 14}
_WITHOUT_TEXT = (-2, 6, 14)


class Site(NamedTuple):
    """A wiki's namespaces: number by lower-case name, English names always among them."""

    namespaces: dict[str, int]

    @property
    def media(self) -> frozenset[str]:
        """Names of the namespaces whose links show no text: media, files and categories."""
        return frozenset(name for name, key in self.namespaces.items() if key in _WITHOUT_TEXT)


class Block(NamedTuple):
    """Whole pages of one dump as XML, and the byte of the decompressed file at which they begin."""

    file: str
    site: Site
    offset: int
    text: bytes


@dataclass(frozen=True)
class Page:
    """One page: its latest revision's wikitext, and where it stands."""

    id: int
    title: str
    namespace: int
    redirect: bool
    text: str
    file: str
    offset: int


def read_blocks(paths: Iterable[Path]) -> Iterator[Block | Bad]:
    """The blocks of dumps, and what could not be read."""
    for path in paths:
        start, waiting, site, skipping = 0, b"", None, False
        try:
            for chunk in read_chunks(path):
                waiting += chunk
                if site is None:
                    first = _OPEN.search(waiting)
                    if not first and len(waiting) < MAX_HEAD:
                        continue
                    site = _read_site(waiting[: first.start() if first else None])
                if skipping:
                    _, closed, rest = waiting.partition(_CLOSE)
                    rest = rest if closed else waiting[-len(_CLOSE) :]
                    start, waiting = start + len(waiting) - len(rest), rest
                    if not closed:
                        continue
                    skipping = False
                end = waiting.rfind(_CLOSE) + len(_CLOSE)
                if end >= len(_CLOSE):
                    first = _OPEN.search(waiting)
                    begin = first.start() if first else 0
                    yield Block(path.name, site, start + begin, waiting[begin:end])
                    start, waiting = start + end, waiting[end:]
                elif len(waiting) > MAX_PAGE:
                    detail = f"{MAX_PAGE:,} bytes without the end of a page"
                    yield Bad(path.name, start, "page_too_long", detail, waiting)
                    start, waiting, skipping = start + len(waiting), b"", True
        except DamagedDump as error:
            yield Bad(path.name, start, "damaged", str(error), waiting)
            continue
        if not waiting.rstrip().endswith(b"</mediawiki>"):
            detail = f"{path} ends before </mediawiki>, in the middle of a page or between two"
            yield Bad(path.name, start, "damaged", detail, waiting)
        elif cut := _OPEN.search(waiting):
            detail = f"the last page of {path} has no end"
            yield Bad(path.name, start + cut.start(), "not_xml", detail, waiting[cut.start() :])


def _read_site(head: bytes) -> Site:
    """The namespaces that a dump's head names (https://www.mediawiki.org/wiki/Help:Namespaces)."""
    found = _NAMESPACE.findall(head.decode("utf-8", "replace"))
    known = {name.lower(): int(key) for key, name in found if name and len(key) < LONGEST_KEY}
    return Site(_CANONICAL | known)


def pages(block: Block) -> Iterator[Page | Bad]:
    """The pages of a block, and what is no proper page."""
    cuts = [match.start() for match in _OPEN.finditer(block.text)]
    if not cuts:
        yield Bad(
            block.file, block.offset, "not_xml", "the end of a page without its beginning", block.text
        )
        return
    texts = [
        (block.offset + begin, block.text[begin:end])
        for begin, end in zip(cuts, [*cuts[1:], len(block.text)], strict=True)
    ]
    try:
        elements = list(fromstring(b"<pages>" + block.text + b"</pages>"))
    except ParseError:
        elements = []
    for number, (offset, text) in enumerate(texts):
        try:
            element = elements[number] if len(elements) == len(texts) else fromstring(text)
            yield _page(element, block, offset)
        except ParseError as error:
            yield Bad(block.file, offset, "not_xml", f"a page that is not XML ({error})", text)
        except (KeyError, ValueError) as error:
            detail = f"a page without a proper id, title or ns ({error})"
            yield Bad(block.file, offset, "not_a_page", detail, text)
        except Exception as error:  # one page must not end a dump, whatever it makes the parser raise
            yield unreadable(block.file, offset, error, text)


def _page(element: Element, block: Block, offset: int) -> Page:
    """Raises `KeyError` or `ValueError` where a field is missing or no number."""
    fields = {child.tag: child for child in element}
    revision = {child.tag: child for child in fields.get("revision", ())}
    title = fields["title"].text or ""
    prefix, colon, _ = title.partition(":")
    # Dumps from before 2012 say the namespace in the title alone.
    namespace = block.site.namespaces.get(prefix.lower(), 0) if colon else 0
    return Page(
        id=int(fields["id"].text or ""),
        title=title,
        namespace=_int64(fields["ns"].text or "") if "ns" in fields else namespace,
        redirect="redirect" in fields,
        text=(revision["text"].text or "") if "text" in revision else "",
        file=block.file,
        offset=offset,
    )


def _int64(text: str) -> int:
    number = int(text)
    if not -_INT64 <= number < _INT64:
        raise ValueError(f"{text[:30]} is no namespace")
    return number
