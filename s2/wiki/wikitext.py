"""Wikitext to paragraphs of prose, in one pass with a stack.

Link text stays; templates, tables, files, references, galleries, formulas, comments, headings, list
items and whole sections of references, links and literature go. The few templates that carry running
text or a number are spelled out. As in MediaWiki's preprocessor, a closing mark closes only what was
opened last; what is never closed stays as it is written. The time is linear in the length of the text.
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache
from operator import itemgetter

from s2.wiki import templates

_OPAQUE = (
    *("ref", "references", "table", "gallery", "math", "chem", "ce", "timeline", "imagemap", "score"),
    *("syntaxhighlight", "source", "pre", "ul", "ol", "dl", "hiero", "graph", "mapframe", "maplink"),
    *("templatestyles", "includeonly", "inputbox", "categorytree", "section", "indicator", "poem"),
)
_OPENING = re.compile(rf"<!--|<(nowiki|{'|'.join(_OPAQUE)})(?=[\s/>])[^<>]*?(/?)>", re.IGNORECASE)
_MARK = re.compile(r"(\{\{|\}\}|\[\[|\]\]|\{\||\|\}(?!\})|\|)")
_PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|{}:\n]*\|)?([^\[\]|{}:\n]+)\]\]")
_ARGUMENT = re.compile(r"\{\{\{[^{}]*\}\}\}")

_TAG = re.compile(rf"</?(?!(?:{'|'.join(_OPAQUE)})\b)[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_EXTERNAL_LINK = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\[\]]*[ \t]*([^\[\]\n]*)\]")
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\[\]|{}]+")
_POSSESSIVE = re.compile(r"(?<!')''([^'\n]+)'''(?=s\b)")
_MAGIC = re.compile(r"__[A-Z]+__")
_HOLLOW_BRACKETS = re.compile(r"\([\s;,:]*\)")
_AFTER_OPENING = re.compile(r"\([\s;,:]+")
# Sections of no article text, in the words of Simple and of English Wikipedia.
_TERM = (
    r"(?:(?:general|additional|other|more|cited|selected|primary|secondary|explanatory)\s+)?"
    r"(?:references?|(?:other|related|external)\s+(?:web\s*sites?|pages?|links?)|websites?|see\s+also"
    r"|(?:foot|end)?-?notes?|(?:further|more|additional|suggested)\s+reading|citations?|works\s+cited"
    r"|(?:annotated\s+)?bibliograph(?:y|ies)|sources?)"
)
_APPENDIX = re.compile(rf"{_TERM}(?:\s*(?:,|/|&|\band\b)\s*{_TERM})*", re.IGNORECASE)
_LIST_MARKS = "*#:;"

_MEDIA = ("file", "image", "media", "category")
_INTERWIKI = re.compile(r"^[a-z]{2,3}(?:-[a-z]+)?:")
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:disambig[^|{}\n]*|[^|{}\n]*[ -_]disambiguation|dab|hndis|geodis|numberdis|shipindex)"
    r"\s*(?:\||\}\})|__DISAMBIG__",
    re.IGNORECASE,
)
_LISTS = re.compile(r"\[\[\s*category\s*:\s*(?:lists?\b|[^\]|]*\blists\s*[\]|])", re.IGNORECASE)
_REDIRECT = re.compile(r"\s*#redirect\b", re.IGNORECASE)


def is_redirect(wikitext: str) -> bool:
    """Whether the page begins with #REDIRECT."""
    return bool(_REDIRECT.match(wikitext))


def is_disambiguation(wikitext: str) -> bool:
    """Whether a template or the magic word __DISAMBIG__ makes it a disambiguation page."""
    return bool(_DISAMBIGUATION.search(wikitext))


def is_list(wikitext: str) -> bool:
    """Whether one of the page's categories is of lists."""
    return bool(_LISTS.search(wikitext))


def paragraphs(wikitext: str, media: Iterable[str] = _MEDIA) -> list[str]:
    """The page's paragraphs from the top, white space folded.

    `media` are the lower-case names of the namespaces whose links show no text: files and
    categories.
    """
    literals: list[str] = []
    text = _without_opaque(wikitext.replace("\0", ""), literals)
    text = _PLAIN_LINK.sub(itemgetter(1), _ARGUMENT.sub("", text))
    text = _without_marks(_flat(text, frozenset(media)))
    found = []
    for block in _blocks(text):
        prose = _tidy(" ".join(block.split()))
        if any(map(str.isalnum, prose)):
            found.append(_with_literals(prose, literals))
    return found


def _without_marks(text: str) -> str:
    """The text without external links, URLs, tags, quotes and magic words, each looked for only
    where its marks are."""
    if "//" in text:
        text = _URL.sub("", _EXTERNAL_LINK.sub(r"\1", text))
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    if "'''s" in text:
        text = _POSSESSIVE.sub(r"\1'", text)
    for quotes in ("'" * 5, "'" * 3, "'" * 2):
        text = text.replace(quotes, "")
    if "__" in text:
        text = _MAGIC.sub("", text)
    return html.unescape(text)


def _blocks(text: str) -> Iterator[str]:
    """What stands between blank lines, headings, list items and rules, but for sections of references
    and the like, with their subsections."""
    lines: list[str] = []
    appendix = 0
    for line in text.split("\n"):
        bare = line.lstrip(" \t")
        heading = _heading(line)
        if not bare or bare[0] in _LIST_MARKS or line.startswith("----") or heading:
            if lines:
                yield " ".join(lines)
                lines = []
        elif not appendix:
            lines.append(line)
        if heading and (not appendix or heading[0] <= appendix):
            appendix = heading[0] if _APPENDIX.fullmatch(heading[1]) else 0
    if lines:
        yield " ".join(lines)


def _heading(line: str) -> tuple[int, str] | None:
    """The level and the words of a line that is a heading."""
    bare = line.rstrip(" \t")
    if len(bare) < 3 or bare[0] != "=" or bare[-1] != "=":
        return None
    words = bare.strip("=")
    return min(len(bare) - len(bare.lstrip("=")), 6), words.strip(" \t:")


def _tidy(prose: str) -> str:
    """Prose without the brackets, spaces and commas that what is gone has left hollow."""
    if "(" in prose:
        prose = _AFTER_OPENING.sub("(", _HOLLOW_BRACKETS.sub("", prose))
        prose = " ".join(prose.split())
    for stop in ",.;:!?)":
        prose = prose.replace(f" {stop}", stop)
    while ",," in prose:
        prose = prose.replace(",,", ",")
    return prose.strip()


def _without_opaque(text: str, literals: list[str]) -> str:
    """The text without comments and without tags whose content is no wikitext or no prose. What
    `nowiki` holds goes to `literals`, and its number between NULs takes its place."""
    parts, done, unclosed = [], 0, set()
    for opening in _OPENING.finditer(text):
        name = (opening[1] or "").lower()
        if opening.start() < done or name in unclosed:
            continue
        end = opening if opening[2] else _closing(name).search(text, opening.end())
        if end is None:
            unclosed.add(name)
            continue
        parts.append(text[done : opening.start()])
        if name == "nowiki" and end is not opening:
            parts.append(f"\0{len(literals)}\0")
            literals.append(html.unescape(text[opening.end() : end.start()]))
        done = end.end()
    return "".join((*parts, text[done:]))


@cache
def _closing(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>" if name else r"-->|\Z", re.IGNORECASE)


def _with_literals(prose: str, literals: list[str]) -> str:
    if "\0" not in prose:
        return prose
    whole = re.sub("\0(\\d+)\0", lambda match: literals[int(match[1])], prose)
    return " ".join(whole.split())


class _Frame:
    """A template, link or table that is still open: the text of each of its arguments so far."""

    __slots__ = ("arguments", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.arguments: list[list[str]] = [[]]


def _flat(text: str, media: frozenset[str]) -> str:
    """The text with every template, link and table replaced by what it shows."""
    stack = [_Frame("")]
    pieces = _MARK.split(text)
    before = "\n"
    for piece, mark in zip(pieces[::2], pieces[1::2], strict=False):
        before = piece if "\n" in piece else before + piece
        top = stack[-1]
        if piece:
            top.arguments[-1].append(piece)
        if mark in ("{{", "[["):
            stack.append(_Frame(mark))
        elif mark in ("}}", "]]"):
            _close(mark, stack, media)
        elif mark == "{|" and _begins_line(before):
            stack.append(_Frame(mark))
        elif mark == "|}" and top.kind == "{|" and _begins_line(before):
            stack.pop()
        elif mark in ("|", "|}") and top.kind in ("{{", "[["):
            top.arguments.append(["}"] if mark == "|}" else [])
        elif top.kind != "{|":
            top.arguments[-1].append(mark)
        before = mark
    stack[-1].arguments[-1].append(pieces[-1])
    return "".join(_as_written(frame) for frame in stack)


def _begins_line(before: str) -> bool:
    """Whether a mark after this text stands first in its line, but for blanks and indentation."""
    return "\n" in before and not before.rpartition("\n")[2].strip(" \t:")


def _close(mark: str, stack: list[_Frame], media: frozenset[str]) -> None:
    """Deal with a closing mark: what was opened last is shown, if the mark closes it."""
    if mark == "}}":
        while stack[-1].kind == "{|" and stack[-2].kind == "{{":
            unclosed = stack.pop()
            stack[-1].arguments[-1].append(_as_written(unclosed))
    top = stack[-1]
    if top.kind == "{{" and mark == "}}":
        shown = _template(stack.pop())
    elif top.kind == "[[" and mark == "]]":
        shown = _link(stack.pop(), media)
    else:
        shown = mark
    stack[-1].arguments[-1].append(shown)


def _as_written(frame: _Frame) -> str:
    return frame.kind + "|".join(map("".join, frame.arguments))


def _template(frame: _Frame) -> str:
    name, colon, value = "".join(frame.arguments[0]).strip().partition(":")
    name = " ".join(name.replace("_", " ").lower().split())
    if colon:
        return templates.render(name, [value]) if name == "formatnum" else ""
    if not templates.is_shown(name):
        return ""
    return templates.render(name, list(map("".join, frame.arguments[1:])))


def _link(frame: _Frame, media: frozenset[str]) -> str:
    target = "".join(frame.arguments[0]).strip()
    prefix, colon, _ = target.partition(":")
    if colon and prefix.strip().lower() in media:
        return ""
    if len(frame.arguments) > 1:
        shown = "|".join(map("".join, frame.arguments[1:]))
        return shown or target.partition(" (")[0]
    return "" if _INTERWIKI.match(target) else target.removeprefix(":")
