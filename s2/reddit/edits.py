"""What an author added to a text later, or says to the readers: edits, postscripts, thanks.

The marks of an edit were read off real answers of r/explainlikeimfive; tests/reddit holds 200 of
them by id, with labels.
"""

import re

from s2.reddit.text import blocks

_WHICH = (
    r"(?:(?:final|last|quick|small|minor|tiny|late|new|another|other|first|second|third|fourth|1st|2nd"
    r"|3rd|ninja|obligatory|big|important)\s+)?"
)
# Where a sentence, a line or a bracket begins.
_START = r"(?:^|(?<=\n)|(?<=[.!?:;)\]\"'”’…*]\s)|(?<=[.!?]{2}\s)|(?<=[(\[*])|(?<=\n[(\[*]))"
_WHAT_FOR = (
    r"for\b|to\s+(?:add|clarify|fix|correct|include|say|mention|note|reflect|answer)\b|typos?\b"
    r"|spell\w*|gramm\w*|word\w*|format\w*|clar\w+|correct\w*|fix\w*|link\b|sources?\b|add\w*|remov\w+"
    r"|chang\w+|a\s+(?:few|word|typo|missing|couple)\b|some\b|punctuation\b|thanks?\b|wow\b|sorry\b|ps\b"
)
_EDIT = re.compile(
    rf"""\b(?i:{_WHICH}edit(?:s|ed|\(s\))?)\s?\#?\d*\s?:      # edit: wherever it stands
    | {_START}(?:
        (?i:{_WHICH})EDIT(?:S|ED)?\b
      | (?i:{_WHICH}edits?)\s?\d*(?=\s*(?:[-–—](?:[\s\-–—]|$)|[*\])]|$)|\s+(?i:{_WHAT_FOR})|\s?\[)
      | (?i:edited)(?=\s+(?i:{_WHAT_FOR})|\s?[-–—)\]])
      | (?i:editing)(?=\s+(?:to|for)\b)
      | (?<=\*)\s?(?i:edit)\b | (?<=[(\[])(?i:edited)\b(?!\s+(?:by|volume|collection|version|and)\b)
      | (?:ETA|Eta|eta|(?i:update[ds]?))\s?\d*\s?(?::|\s[-–—]\s)
      | UPDATE(?=\s?\d*\s?(?:[:\-–—]|$)|\s[A-Z]?[a-z])
    )""",
    re.VERBOSE,
)
_ETA = re.compile(r"\beta\b")
_POSTSCRIPT = re.compile(
    r"(?:^|(?<=\n)|(?<=[.!?…]\s))(?:P\.\s?(?:P\.\s?)?S\.?|PP?S|ps)(?=\s?[:.,\-–—]|\s[A-Z])\s?"
)

_LINE = re.compile(rf"^(?=\W{{0,4}}{_WHICH}(?:edit|eta|update|p\.?\s?s\b))", re.I | re.M)
_EMPHASISED = re.compile(
    rf"""(?:{_START}[*_]{{1,3}}|[*_]{{1,3}}(?=[A-Z]))\s?
    (?P<mark>(?i:{_WHICH}edit(?:s|ed|\(s\))?)\s?\d*)(?P<more>\s(?i:{_WHAT_FOR})[^*_\n]{{0,40}})?
    \s?[*_]{{1,3}}(?=\W|$):?""",
    re.VERBOSE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
_THANKS = re.compile(
    r"^(?:many |much |a lot of )?(?:thanks|thank (?:you|u)|thx)\b"
    r"(?! to (?!(?:every|any)(?:one|body)\b|all\b)\w| in (?:part|large)\b)"
    r"|^(?:cheers|tia)\b(?:\W*$| (?:guys|all|everyone|in advance)\b)"
    r"|^\W*(?:[\w'’]+\W+){0,3}(?:thanks|thank you|thx)\W*$",
    re.IGNORECASE,
)


def paragraphs(markdown: str) -> str:
    """The prose of a markdown text, a paragraph a line; a line that begins with a mark of an edit
    begins a paragraph, and `*edit*` is written `edit:`, so that the marks are still to be seen."""
    if "edit" in markdown.lower():
        markdown = _EMPHASISED.sub(lambda found: f"{found['mark']}: {found['more'] or ''}", markdown)
    markdown = _LINE.sub("\n\n", markdown)
    return "\n".join(blocks(markdown))


def edit_at(text: str) -> int | None:
    """Where a text of `paragraphs` comes to its first edit, or None."""
    lower = text.lower()  # where none of the words is, the pattern need not be tried
    may_be = "edit" in lower or "update" in lower or ("eta" in lower and _ETA.search(lower))
    found = _EDIT.search(text) if may_be else None
    return found.start() if found else None


def without_edit(text: str) -> str:
    """A text of `paragraphs` up to its first edit."""
    place = edit_at(text)
    return text if place is None else text[:place].rstrip(" \n([*-–—")


def without_courtesies(text: str) -> str:
    """A text of `paragraphs` up to its postscript, without the sentences that give thanks."""
    postscript = _POSTSCRIPT.search(text)
    text = text[: postscript.start()] if postscript else text
    sentences = [sentence.strip() for sentence in _SENTENCE.split(text)]
    return " ".join(sentence for sentence in sentences if sentence and not _THANKS.search(sentence))
