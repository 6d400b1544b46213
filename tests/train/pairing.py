"""Pairs and settings for the tests of trainers."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GOOD = ["The sky is blue.", "Light scatters.", "It is the sun."]
BAD = ["No no no no no.", "Nobody knows.", "Look it up, look it up."]


def pair_rows(count: int, questions: int | None = None) -> list[dict[str, Any]]:
    """So many pairs, in turn of so many questions; good answers are chosen."""
    questions = questions or count
    return [
        {
            "id": f"p{n}",
            "question_id": f"q{n % questions}",
            "source": "votes",
            "turns": [f"Why {n % questions}?"],
            "chosen": GOOD[n % 3],
            "rejected": BAD[n % 3],
            "gap": float(3**n % 200),
            "margin": 1.0,
            "weight": questions / count,
        }
        for n in range(count)
    ]


def section(name: str, **changes: Any) -> dict[str, Any]:
    """The settings of a trainer's section in the sample profile, changed."""
    content = yaml.safe_load((ROOT / "profiles/sample.yaml").read_text(encoding="utf-8"))[name]
    kept = {key: value for key, value in content.items() if key not in ("models", "min_accuracy")}
    return kept | changes
