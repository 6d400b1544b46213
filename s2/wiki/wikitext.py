"""Wikitext to paragraphs of prose.

Link text stays; templates, tables, files, references, galleries, formulas, comments, headings and
list items go. The few templates that carry running text or a number are spelled out.
"""

import re

import mwparserfromhell
from mwparserfromhell.nodes import (
    Argument,
    Comment,
    ExternalLink,
    Heading,
    HTMLEntity,
    Node,
    Tag,
    Template,
    Text,
    Wikilink,
)
from mwparserfromhell.wikicode import Wikicode

_GONE_TAGS = {
    *("ref", "references", "table", "gallery", "math", "chem", "timeline", "imagemap"),
    *("score", "syntaxhighlight", "source", "pre", "dl", "dd", "dt", "li", "ul", "ol"),
}
_MEDIA = re.compile(r"^:?(?:file|image|category|media)\s*:", re.IGNORECASE)
_INTERWIKI = re.compile(r"^[a-z]{2,3}(?:-[a-z]+)?:")
_DISAMBIGUATION = re.compile(
    r"^(?:disambig.*|.*[ -]disambiguation|dab|hndis|geodis|numberdis|shipindex)$", re.IGNORECASE
)
_REDIRECT = re.compile(r"^\s*#redirect\b", re.IGNORECASE)
_RESIDUE = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|\|-|'''|</?[a-z]+[ />]|\b(?:thumb|\d+px)\|", re.I)
_LIST_LINE = re.compile(r"^[ \t]*[*#:;].*$", re.MULTILINE)
_MAGIC = re.compile(r"__[A-Z]+__")
_HOLLOW_BRACKETS = re.compile(r"\(\s*[;,:]*\s*\)")
_AFTER_OPENING = re.compile(r"\(\s*[;,:]\s*")
_SPACE_BEFORE = re.compile(r" +(?=[,.;:!?)])")


def is_redirect(wikitext: str) -> bool:
    """Whether the page begins with #REDIRECT."""
    return bool(_REDIRECT.match(wikitext))


def is_disambiguation(wikitext: str) -> bool:
    """Whether one of the page's templates marks it as a disambiguation page."""
    names = re.findall(r"\{\{\s*([^|{}]+?)\s*(?:\|[^{}]*)?\}\}", wikitext)
    return any(_DISAMBIGUATION.match(name) for name in names)


def has_residue(paragraphs: list[str]) -> bool:
    """Whether markup is left in the prose, as it is after broken tags or tables."""
    return any(_RESIDUE.search(paragraph) for paragraph in paragraphs)


def paragraphs(wikitext: str) -> list[str]:
    """The page's paragraphs from the top, white space folded."""
    text = _MAGIC.sub("", _render(mwparserfromhell.parse(wikitext)))
    found = []
    for block in re.split(r"\n\s*\n", _LIST_LINE.sub("", text)):
        prose = " ".join(block.split())
        prose = _AFTER_OPENING.sub("(", _HOLLOW_BRACKETS.sub("", prose))
        prose = " ".join(_SPACE_BEFORE.sub("", prose).split())
        if any(character.isalnum() for character in prose):
            found.append(prose)
    return found


def _render(code: Wikicode | None) -> str:
    return "".join(_render_node(node) for node in code.nodes) if code is not None else ""


def _render_node(node: Node) -> str:
    match node:
        case Text():
            return str(node.value)
        case Heading():
            return "\n\n"
        case Comment() | Argument():
            return ""
        case HTMLEntity():
            return str(node.normalize() or "")
        case Wikilink():
            return _render_link(node)
        case ExternalLink():
            return _render(node.title) if node.brackets else ""
        case Template():
            return _render_template(node)
        case Tag():
            return _render_tag(node)
    return str(node)


def _render_link(node: Wikilink) -> str:
    title = str(node.title).strip()
    if _MEDIA.match(title) or (_INTERWIKI.match(title) and node.text is None):
        return ""
    return _render(node.text) if node.text is not None else title.lstrip(":")


def _render_tag(node: Tag) -> str:
    name = str(node.tag).strip().lower()
    if name == "br":
        return "\n"
    if name in {"li", "dd", "dt"} and node.wiki_markup:
        return str(node.wiki_markup)
    return "" if name in _GONE_TAGS else _render(node.contents)


def _render_template(node: Template) -> str:
    name = str(node.name).strip().lower()
    values = [_render(parameter.value).strip() for parameter in node.params if not parameter.showkey]
    if name in {"convert", "cvt"} and len(values) >= 2:
        if values[1] in {"to", "-", "–", "by", "x", "and"} and len(values) >= 4:
            return f"{values[0]} {values[1]} {values[2]} {values[3]}"
        return f"{values[0]} {values[1]}"
    if name in {"lang", "transl", "transliteration"} and len(values) >= 2:
        return values[-1]
    if name in {"nowrap", "abbr", "small", "nobold", "nihongo"} and values:
        return values[0]
    if name in {"nbsp", "spaces", "snd", "spaced ndash", "ndash"}:
        return " – " if "nd" in name else " "
    return ""
