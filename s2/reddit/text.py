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
_SUPERSCRIPT = re.compile(r"\^\(([^()]*)\)|\^(?=\w)")
_URL = re.compile(r"(?:https?://|www\.)[^\s)\]]+|_?\bURL_\d+\b_?", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]")
_EDIT = re.compile(r"^\W*(?:edit|update|eta)\s*\d*\s*[:\-–—]", re.IGNORECASE)
_ELI5_TAG = re.compile(r"^\W*(?:eli5|eli\s5|elif|explain like i'?m five)\b\W*", re.IGNORECASE)

_GONE = {"[deleted]", "[removed]", "[deleted by user]", "[removed by reddit]"}
_BOT = re.compile(r"(?:^automoderator$|[_-]bot$|^bot[_-]|(?-i:(?<=[a-z])Bot$))", re.IGNORECASE)
_META = re.compile(
    r"mega\s?thread|\[(?:meta|mod|mod post)\]"
    r"|^\W*(?:meta|mod\s?post|announcement|rule change|weekly|daily)\b",
    re.IGNORECASE,
)
_QUESTION_WORD = re.compile(
    r"\b(?:how|why|what|what's|whats|when|where|who|which|whose|explain|difference between)\b"
    r"|^(?:is|are|was|were|do|does|did|can|could|would|should|will|has|have|had)\b",
    re.IGNORECASE,
)


def blocks(markdown: str) -> list[str]:
    """The prose of each paragraph, heading or list item, white space folded.

    Links keep their text; quotes, code blocks, tables, pictures, URLs and `_URL_n_` placeholders
    go; superscripts and spoilers lose their marks.
    """
    text = _INVISIBLE.sub("", html.unescape(html.unescape(markdown)))
    # A quote ends with its last quoted line: the answer often follows without a blank line, and
    # would count as quoted by CommonMark's lazy continuation.
    text = _AFTER_QUOTE.sub(r"\1\n", _SPOILER.sub("", text))
    found = []
    for prose in _paragraphs(_MARKDOWN.parse(text)):
        prose = _URL.sub("", _SUPERSCRIPT.sub(lambda match: match.group(1) or "", prose))
        prose = " ".join(_EMPTY_BRACKETS.sub("", prose).split())
        if any(character.isalnum() for character in prose):
            found.append(re.sub(r" (?=[.,;:!?])", "", prose))
    return found


def prose(markdown: str) -> str:
    """The whole text as one line of prose."""
    return " ".join(blocks(markdown))


def _paragraphs(tokens: Sequence[Token]) -> Iterator[str]:
    gone = 0
    for token in tokens:
        gone += token.nesting if token.tag in {"table", "blockquote"} else 0
        if token.type == "inline" and not gone:
            yield "".join(_inline(token.children or []))


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"text", "code_inline", "text_special"}:
            yield token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield " "


def is_gone(text: str) -> bool:
    """Whether a text or an author's name stands for something deleted or removed."""
    return text.strip().lower() in _GONE


def is_bot(author: str) -> bool:
    """Whether an author's name is that of a bot."""
    return bool(_BOT.search(author))


def is_question(title: str) -> bool:
    """Whether a post's title asks something, and is no megathread or announcement."""
    bare = question_title(title)
    return not _META.search(title) and ("?" in bare or bool(_QUESTION_WORD.search(bare)))


def question_title(title: str) -> str:
    """A title as prose, without its `ELI5:` tag, so that a model learns to answer simply unasked."""
    return _ELI5_TAG.sub("", prose(title))


def ends_with_edit(blocks: Sequence[str]) -> bool:
    """Whether one of a text's blocks after the first begins with `Edit:` or the like."""
    return any(_EDIT.match(block) for block in blocks[1:])
