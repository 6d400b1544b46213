"""The rules of every gate, with the limits that params.yaml states."""

from dataclasses import dataclass

from s2.params.base import Cosine, Number, Share, Whole
from s2.params.data import Edits, Length
from s2.params.loading import load
from s2.quality.gates import Rule


@dataclass(frozen=True)
class Thresholds:
    """Rules in the order in which they are tested: for `reddit`, `wiki` and `own` candidates, and for
    a `good` answer of Reddit, which SFT takes and which may be chosen in a pair."""

    reddit: list[Rule]
    wiki: list[Rule]
    own: list[Rule]
    good: list[Rule]


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
    edited = Rule("edited", "holds an edit", "edited", "=", False)
    drops_edited = load("data.reddit.edits", Edits) == "drop"
    markup = Rule("residual_markup", "markup left in the text", "residual_markup", "=", False)
    low = Rule("low_score", "score", "score", ">=", load("splits.min_score", Whole))
    short, long = _length(load("quality.length.reddit", Length))
    short_page, long_page = _length(load("quality.length.wiki", Length))
    return Thresholds(
        reddit=[short, long, *readable],
        wiki=[short_page, markup, long_page, *readable, toxic],
        own=[*_length(load("quality.length.own", Length)), *readable, toxic],
        good=[low, toxic, edited] if drops_edited else [low, toxic],
    )


def load_leakage() -> Rule:
    """The rule by which a question is too much like one that is held out."""
    what = "cosine with a held-out question"
    return Rule("leakage", what, "cosine", "<", load("splits.leakage", Cosine))


def _length(length: Length) -> tuple[Rule, Rule]:
    return (
        Rule("too_short", "words", "words", ">=", length.min_words),
        Rule("too_long", "words", "words", "<=", length.max_words),
    )
