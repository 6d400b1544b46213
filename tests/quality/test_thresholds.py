from pathlib import Path

import pytest

from s2.quality.gates import Rule
from s2.quality.thresholds import load_leakage, load_thresholds

ROOT = Path(__file__).parents[2]
READABLE = [
    ("not_simple", "Flesch reading ease", "ease", "at least 60"),
    ("not_simple", "Flesch-Kincaid grade", "grade", "below 9"),
]
TOXIC = ("toxic", "toxicity of every label", "toxicity", "at most 0.1")
LOW = ("low_score", "score", "score", "at least 4")


def write(folder: Path, edits: str = "drop") -> None:
    text = (ROOT / "profiles/sample.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(text.replace("edits: drop ", f"edits: {edits} "))


def told(rules: list[Rule]) -> list[tuple[str, str, str, str]]:
    assert all(rule.keeps() == f"{rule.column} {rule.compare} {rule.limit}" for rule in rules)
    assert all(rule.compare in (">=", "<=", "<", "=") for rule in rules)
    return [(rule.reason, rule.what, rule.column, rule.words()) for rule in rules]


def test_the_rules_in_their_order(in_tmp: Path) -> None:
    write(in_tmp)
    rules = load_thresholds()
    assert told(rules.reddit) == [
        ("too_short", "words", "words", "at least 20"),
        ("too_long", "words", "words", "at most 500"),
        *READABLE,
    ]
    assert told(rules.wiki) == [
        ("too_short", "words", "words", "at least 50"),
        ("residual_markup", "markup left in the text", "residual_markup", "no"),
        ("too_long", "words", "words", "at most 500"),
        *READABLE,
        TOXIC,
    ]
    assert told([load_leakage()]) == [
        ("leakage", "cosine with a held-out question", "cosine", "below 0.6")
    ]


@pytest.mark.parametrize("edits", ["drop", "cut", "keep"])
def test_an_edit_is_a_reason_only_where_it_is_to_drop(in_tmp: Path, edits: str) -> None:
    write(in_tmp, edits)
    edited = [("edited", "holds an edit", "edited", "no")] if edits == "drop" else []
    assert told(load_thresholds().good) == [LOW, TOXIC, *edited]
