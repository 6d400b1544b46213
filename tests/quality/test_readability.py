import json
from pathlib import Path

import pytest
import textstat
from hypothesis import given
from hypothesis import strategies as st

from s2.quality.readability import count_words, scorer

GOLDEN = json.loads((Path(__file__).parent / "readability_golden.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["text"][:30])
def test_report_is_textstat_0_7_3_to_the_last_digit(row: dict[str, float | str]) -> None:
    found = scorer("report")(str(row["text"]))
    assert (found.ease, found.grade) == (row["report_ease"], row["report_grade"])


# Words of all kinds: in the dictionary or not, contracted, hyphenated, with digits, beyond ASCII.
WORDS = ["the", "cat's", "don't", "o'clock", "'quoted'", "well-known", "photosynthesis", "blorptious"]
WORDS += ["naïve", "3.14", "U.S.", "e.g.", "Mr.", "10,000", "—", "…", "isn’t", "“so”", "A", "(maybe)"]
ENDS = st.sampled_from([" ", " ", " ", ". ", "! ", "? ", "... ", "\n", ", "])


def agrees_with_textstat(text: str) -> None:
    """textstat 0.7.8 carries the dictionary, so that it scores offline."""
    found = scorer("cmudict")(text)
    theirs = textstat.flesch_reading_ease(text), textstat.flesch_kincaid_grade(text)
    assert (found.ease, found.grade) == pytest.approx(theirs, abs=1e-9)


def test_cmudict_tells_contractions_from_quotes_as_textstat_does() -> None:
    for word in ("we're", "they've", "she'll", "it's", "can't", "I'd", "'ready'", "'red", "o'clock"):
        agrees_with_textstat(f"I know that {word} a word of its own here.")


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["text"][:30])
def test_cmudict_is_textstat_on_real_texts(row: dict[str, float | str]) -> None:
    agrees_with_textstat(str(row["text"]))
    found = scorer("cmudict")(str(row["text"]))
    expected = (row["cmudict_ease"], row["cmudict_grade"])
    assert (found.ease, found.grade) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from(WORDS), ENDS), min_size=1, max_size=30))
def test_cmudict_is_textstat_on_any_text(pieces: list[tuple[str, str]]) -> None:
    agrees_with_textstat("".join(word + end for word, end in pieces))


def test_by_hand() -> None:
    # 10 words, 2 sentences, every word one syllable: 5.0 and 1.0.
    found = scorer("report")("The cat sat on it. The dog ran to me.")
    assert found.ease == 117.16  # 206.835 - 1.015 * 5 - 84.6
    assert found.grade == -1.9  # 0.39 * 5 + 11.8 - 15.59 = -1.84, rounded away from zero
    assert count_words("The cat's  tail\n") == 3


@given(st.text(max_size=200), st.sampled_from(["report", "cmudict"]))
def test_any_text_has_scores(text: str, method: str) -> None:
    found = scorer(method)(text)
    assert found.ease < 210 and found.grade > -16
