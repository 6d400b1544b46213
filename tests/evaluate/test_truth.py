import json
from pathlib import Path
from typing import Any

import pytest

from s2.evaluate.truth import Claim, read_claims, truthful, verdict
from s2.kernel.errors import S2Error

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared/data/benchmarks/truthfulqa_mc.json"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("It is. [[yes]]", True),
        ("[[Yes]] at first, but no: [[ no ]]", False),
        ("yes", None),
        ("[[maybe]]", None),
        ("", None),
    ],
)
def test_a_verdict(reply: str, found: bool | None) -> None:
    assert verdict(reply) is found


def test_shares_by_hand() -> None:
    """Of five answers one has no verdict; of four three are true, two informative, one both."""
    yes, no = "[[yes]]", "[[no]]"
    found = truthful([(yes, yes), (yes, no), (no, yes), (yes, no), (yes, "well")])
    assert (found["n"], found["unparsed"]) == (4, 0.2)
    assert (found["true"], found["informative"], found["both"]) == (0.75, 0.5, 0.25)
    assert found["true_se"] == found["both_se"] == pytest.approx((0.1875 / 3) ** 0.5, abs=1e-6)
    assert truthful([]) == {"n": 0} and truthful([(yes, "")]) == {"n": 0, "unparsed": 1.0}


def test_both_shapes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text(
        json.dumps(
            [
                {"question": "Flat?", "mc2_targets": {"No": 1, "Yes": 0, "Round": 1}},
                {"question": "Flat?", "correct_answers": ["No"], "incorrect_answers": ["Yes"]},
            ]
        )
    )
    assert read_claims(path) == [
        Claim("Flat?", ("No", "Round"), ("Yes",)),
        Claim("Flat?", ("No",), ("Yes",)),
    ]
    assert len(read_claims(ROOT / "s2/sample/truths.jsonl")) == 12


@pytest.mark.parametrize(
    "row",
    [{"question": "Flat?"}, {"question": "", "mc2_targets": {"No": 1, "Yes": 0}}, {"question": 7}],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict[str, Any]) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(row))
    with pytest.raises(S2Error, match=r"q\.jsonl, row 1: it needs a question, and right and wrong"):
        read_claims(path)


@pytest.mark.skipif(not SHARED.is_file(), reason="TruthfulQA's file is not on this machine")
def test_the_published_file_is_read() -> None:
    assert len(read_claims(SHARED)) == 790  # of 817, in this copy
