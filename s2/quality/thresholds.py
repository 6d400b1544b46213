"""The rules of every gate, with the limits that params.yaml states."""

from dataclasses import dataclass

from s2.params.base import Cosine, Number, Share, Whole
from s2.params.data import Length
from s2.params.loading import load
from s2.quality.gates import Rule


@dataclass(frozen=True)
class Thresholds:
    """Rules in the order in which they are tested: for `reddit` and `wiki` candidates, for what is
    to stand on the `chosen` side of a pair, and for what SFT takes of Reddit."""

    reddit: list[Rule]
    wiki: list[Rule]
    chosen: list[Rule]
    sft: list[Rule]
    leakage: Rule


def load_thresholds() -> Thresholds:
    """The rules of every gate."""
    readable = [
        Rule(
            "not_simple",
            "Flesch reading ease",
            "ease",
            ">=",
            load("quality.readability.min_ease", Number),
        ),
        Rule(
            "not_simple",
            "Flesch-Kincaid grade",
            "grade",
            "<",
            load("quality.readability.max_grade", Number),
        ),
    ]
    toxic = Rule(
        "toxic", "toxicity of every label", "toxicity", "<=", load("quality.toxicity.max_score", Share)
    )
    edited = Rule("ends_with_edit", "ends with an edit", "ends_with_edit", "=", False)
    markup = Rule("residual_markup", "markup left in the text", "residual_markup", "=", False)
    low = Rule("low_score", "score", "score", ">=", load("splits.min_score", Whole))
    short, long = _length(load("quality.length.reddit", Length))
    short_page, long_page = _length(load("quality.length.wiki", Length))
    cosine = load("splits.leakage", Cosine)
    return Thresholds(
        reddit=[short, long, *readable],
        wiki=[short_page, markup, long_page, *readable, toxic],
        chosen=[toxic, edited],
        sft=[low, toxic, edited],
        leakage=Rule("leakage", "cosine with a held-out question", "cosine", "<", cosine),
    )


def _length(length: Length) -> tuple[Rule, Rule]:
    return (
        Rule("too_short", "words", "words", ">=", length.min_words),
        Rule("too_long", "words", "words", "<=", length.max_words),
    )
