"""Wikitext to paragraphs of prose, in one pass with a stack.

Link text stays; templates, tables, files, references, galleries, formulas, comments, headings and
list items go. The few templates that carry running text or a number are spelled out. As in
MediaWiki's preprocessor, a closing mark closes only what was opened last; what is never closed
stays as it is written. The time is linear in the length of the text.
"""

import html
import re
from collections.abc import Iterable
from functools import cache

from s2.wiki import templates

_OPAQUE = (
    *("ref", "references", "table", "gallery", "math", "chem", "ce", "timeline", "imagemap", "score"),
    *("syntaxhighlight", "source", "pre", "ul", "ol", "dl", "hiero", "graph", "mapframe", "maplink"),
    *("templatestyles", "includeonly", "inputbox", "categorytree", "section", "indicator", "poem"),
)
_OPENING = re.compile(rf"<!--|<(nowiki|{'|'.join(_OPAQUE)})(?=[\s/>])[^<>]*?(/?)>", re.IGNORECASE)
_TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\||^[ \t:]*\{\|", re.MULTILINE)
_TABLE_END = re.compile(r"\}(?!\})")
_ARGUMENT = re.compile(r"\{\{\{[^{}]*\}\}\}")

_TAG = re.compile(rf"</?(?!(?:{'|'.join(_OPAQUE)})\b)[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_EXTERNAL_LINK = re.compile(r"\[(?:https?:|ftp:|mailto:)?//[^\s\[\]]*[ \t]*([^\[\]\n]*)\]")
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\[\]|{}]+")
_NOT_PROSE = re.compile(
    r"^(?:=+[^\n]*=+[ \t]*|[ \t]*[*#:;][^\n]*|-{4,}[^\n]*)$", re.MULTILINE
)
_ITALIC_POSSESSIVE = re.compile(r"(?<!')''([^'\n]+)'''(?=s\b)")
_QUOTES = re.compile(r"'{5}|'{3}|'{2}")
_MAGIC = re.compile(r"__[A-Z]+__")
_HOLLOW_BRACKETS = re.compile(r"\([\s;,:]*\)")
_AFTER_OPENING = re.compile(r"\([\s;,:]+")
_SPACE_BEFORE = re.compile(r" +(?=[,.;:!?)])")
_COMMAS = re.compile(r",(?:\s*,)+")

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
    text = _flat(_ARGUMENT.sub("", text), frozenset(media))
    text = _URL.sub("", _EXTERNAL_LINK.sub(r"\1", text))
    text = _NOT_PROSE.sub("", _TAG.sub("", _BREAK.sub("\n", text)))
    text = _QUOTES.sub("", _ITALIC_POSSESSIVE.sub(r"\1'", text))
    text = html.unescape(_MAGIC.sub("", text))
    found = []
    for block in re.split(r"\n\s*\n", text):
        prose = " ".join(block.split())
        prose = _AFTER_OPENING.sub("(", _HOLLOW_BRACKETS.sub("", prose))
        prose = " ".join(_COMMAS.sub(",", _SPACE_BEFORE.sub("", prose)).split())
        if any(character.isalnum() for character in prose):
            found.append(_with_literals(prose, literals))
    return found


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

    __slots__ = ("arguments", "kind", "opening")

    def __init__(self, kind: str, opening: str) -> None:
        self.kind = kind
        self.opening = opening
        self.arguments: list[list[str]] = [[]]


def _flat(text: str, media: frozenset[str]) -> str:
    """The text with every template, link and table replaced by what it shows."""
    stack = [_Frame("", "")]
    position = 0
    for token in _TOKEN.finditer(text):
        if token.start() < position:
            continue
        top = stack[-1]
        if token.start() > position:
            top.arguments[-1].append(text[position : token.start()])
        position = token.end()
        mark = token[0]
        if mark == "|":
            position = _bar(text, token, stack)
        elif mark in ("{{", "[["):
            stack.append(_Frame(mark, mark))
        elif mark == "}}" or mark == "]]":
            _close(mark, stack, media)
        else:
            stack.append(_Frame("{|", mark))
    stack[-1].arguments[-1].append(text[position:])
    return "".join(_as_written(frame) for frame in stack)


def _bar(text: str, bar: re.Match[str], stack: list[_Frame]) -> int:
    """Deal with a `|`: the end of a table, of an argument, or a mere character. Returns where the
    text goes on."""
    top = stack[-1]
    if top.kind == "{|" and _TABLE_END.match(text, bar.end()):
        line = text[text.rfind("\n", 0, bar.start()) + 1 : bar.start()]
        if not line.strip(" \t:"):
            stack.pop()
            return bar.end() + 1
    if top.kind in ("{{", "[["):
        top.arguments.append([])
    else:
        top.arguments[-1].append("|")
    return bar.end()


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
    return frame.opening + "|".join(map("".join, frame.arguments))


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
