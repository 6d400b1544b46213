"""MediaWiki export XML (https://www.mediawiki.org/wiki/Help:Export) to pages, one in memory at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from s2.dumps import read_chunks
from s2.errors import S2Error


@dataclass(frozen=True)
class Page:
    """One page: its latest revision's wikitext, and where it stands."""

    id: int
    title: str
    namespace: int
    redirect: bool
    text: str
    file: str


def read_pages(paths: Iterable[Path]) -> Iterator[Page]:
    """Pages of dumps; raises `S2Error` that names the file and the last whole page if one is damaged."""
    for path in paths:
        last = "none"
        try:
            for element in _page_elements(path):
                page = _page(element, path)
                yield page
                last = f"{page.title!r} (id {page.id})"
        except ParseError as error:
            raise S2Error(f"{path} is damaged: {error}; last whole page: {last}") from None


def _page_elements(path: Path) -> Iterator[Element]:
    parser: Any = XMLPullParser(["start", "end"])
    root = None
    for chunk in read_chunks(path):
        parser.feed(chunk)
        for event, element in parser.read_events():
            root = element if root is None else root
            if event == "end" and _local(element) == "page":
                yield element
                root.clear()
    parser.close()


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _page(element: Element, path: Path) -> Page:
    fields = {_local(child): child for child in element}
    revision = {_local(child): child for child in fields.get("revision", Element("none"))}
    try:
        return Page(
            id=int(fields["id"].text or ""),
            title=fields["title"].text or "",
            namespace=int(fields["ns"].text or ""),
            redirect="redirect" in fields,
            text=(revision["text"].text or "") if "text" in revision else "",
            file=path.name,
        )
    except (KeyError, ValueError) as error:
        title = fields["title"].text if "title" in fields else "without a title"
        raise S2Error(f"{path}: page {title!r} has no proper id, title or ns ({error})") from None
