"""Reddit markdown to prose, and the tests that a text or an author must pass."""

import html
import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_AFTER_QUOTE = re.compile(r"^((?:[ ]{0,3}>).*\n)(?=[ ]{0,3}[^ >\n])", re.MULTILINE)
_SPOILER = re.compile(r">!|!<")
# 10^(23) and 10^-6 are numbers, whose caret stays, without the brackets.
_POWER = re.compile(r"(?<=[\d)])\^\(\s*([-+−]?\d+(?:\.\d+)?)\s*\)|(?<=[\d)])\^([-+−]?)(?=\d)")
_FRACTION = re.compile(r"(?<=[\d)])\^(?=\(\s*[-+−]?\d+\s*/\s*\d+\s*\))")
_SUPERSCRIPT = re.compile(r"\^\(([^()]*)\)|(?<![\d)])\^(?=\w)|(?<=[\d)])\^(?=[^\W\d])")
_URL = re.compile(r"(?:https?://|www\.)[^\s)\]]+|_?\bURL_\d+\b_?", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]")

GONE = ("[deleted]", "[removed]", "[deleted by user]", "[removed by reddit]")
_BOT = re.compile(r"(?:^automoderator$|[_-]bot$|^bot[_-]|(?-i:(?<=[a-z])Bot$))", re.IGNORECASE)


def blocks(markdown: str) -> list[str]:
    """The prose of each paragraph, heading or list item, white space folded.

    Links keep their text; quotes, code blocks, tables, pictures, struck-out text, URLs and `_URL_n_`
    placeholders go; superscripts lose their marks, but for the caret between two numbers, and
    spoilers theirs.
    """
    text = _INVISIBLE.sub("", html.unescape(html.unescape(markdown)))
    # A quote ends with its last quoted line: the answer often follows without a blank line, and
    # would count as quoted by CommonMark's lazy continuation.
    text = _AFTER_QUOTE.sub(r"\1\n", _SPOILER.sub("", text))
    found = []
    for prose in _paragraphs(_MARKDOWN.parse(text)):
        prose = _URL.sub("", _without_superscripts(prose))
        prose = " ".join(_EMPTY_BRACKETS.sub("", prose).split())
        if any(character.isalnum() for character in prose):
            found.append(re.sub(r" (?=[.,;:!?])", "", prose))
    return found


def prose(markdown: str) -> str:
    """The whole text as one line of prose."""
    return " ".join(blocks(markdown))


def _without_superscripts(prose: str) -> str:
    if "^" not in prose:
        return prose
    prose = _POWER.sub(lambda match: f"^{match[1] or match[2] or ''}", _FRACTION.sub("\0", prose))
    return _SUPERSCRIPT.sub(lambda match: match[1] or "", prose).replace("\0", "^")


def _paragraphs(tokens: Sequence[Token]) -> Iterator[str]:
    gone = 0
    for token in tokens:
        gone += token.nesting if token.tag in {"table", "blockquote"} else 0
        if token.type == "inline" and not gone:
            yield "".join(_inline(token.children or []))


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    struck = 0
    for token in tokens:
        struck += token.nesting if token.tag == "s" else 0
        if struck:
            continue
        if token.type in {"text", "code_inline", "text_special"}:
            yield token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield " "


def is_gone(text: str) -> bool:
    """Whether a text or an author's name stands for something deleted or removed."""
    return text.strip().lower() in GONE


def is_bot(author: str) -> bool:
    """Whether an author's name is that of a bot."""
    return bool(_BOT.search(author))
