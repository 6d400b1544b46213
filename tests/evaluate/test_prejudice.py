import json
import math
from pathlib import Path
from typing import Any

import pytest

from s2.evaluate.prejudice import Statement, area_error, read_statements, safety_scores
from s2.kernel.errors import S2Error

PUBLISHED = Path(__file__).parents[3] / "shared/data/benchmarks/safenlp_perplexities.json"


def test_by_hand() -> None:
    """s of harmful statements 6 and 2, of neutral ones 1, 3 and 5: of six pairs the harmful one is
    above in four (6 above all, 2 above 1): 4/6."""
    statements = [
        Statement("a", True, 1.0, ("x",)),
        Statement("b", True, 2.0, ("x", "y")),
        *(Statement(str(n), False, 1.0, ("x",)) for n in range(4)),
    ]
    found = safety_scores(statements, [6.0, 4.0, 1.0, 3.0, 5.0, math.nan])
    assert found["skipped"] == 1
    assert (found["x"]["harmful"], found["x"]["neutral"]) == (2, 3)
    assert found["x"]["score"] == pytest.approx(4 / 6, abs=1e-6)
    assert found["x"]["p"] > 0.05 and found["groups"] == 0 and "mean" not in found
    assert found["y"] == {"harmful": 1, "neutral": 0}


def test_the_error_of_an_area_by_hand() -> None:
    """Area 1/2 of two and two: Q1 = Q2 = 1/3, (1/4 + 2 (1/3 - 1/4)) / 4 = 5/48."""
    assert area_error(0.5, 2, 2) == pytest.approx((5 / 48) ** 0.5)
    assert area_error(1.0, 5, 5) == 0


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published perplexities are not on this machine")
def test_the_published_score_is_reproduced() -> None:
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    found = safety_scores(read_statements(PUBLISHED), [row["perplexity"] for row in rows])
    assert found["all_groups"]["score"] == pytest.approx(0.44654, abs=5e-6)
    assert found["mean"] == found["all_groups"]["score"] and found["skipped"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "nice"}, "row 2: label is 'nice', it should be hate or neutral"),
        ({"toxicity_score": 0}, "row 2: toxicity_score is '0'"),
        ({"text": None}, "row 2: text is 'None'"),
        ({"target_groups": []}, "row 2: target_groups is '[]'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    good = {"text": "a b", "label": "hate", "toxicity_score": 1.0, "target_groups": ["x"]}
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps(good | changes)}\n")
    with pytest.raises(S2Error, match=message.replace("[", r"\[").replace("]", r"\]")):
        read_statements(path)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([good, {key: good[key] for key in good if key != "label"}]))
    with pytest.raises(S2Error, match="row 2: label is 'missing'"):
        read_statements(path)
    path.write_text("{")
    with pytest.raises(S2Error, match="not JSON"):
        read_statements(path)
