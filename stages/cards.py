"""Write a dataset's card: `python -m stages.cards NAME`."""

import json
import sys
from pathlib import Path
from typing import Any

from s2.files import write_text
from s2.params import load_params
from s2.report.card import card
from stages.runner import run

FUNNEL = Path("metrics/data/splits.json")


def main() -> None:
    params = load_params()
    name = sys.argv[1]
    words = {
        "subreddits": ", ".join(f"r/{subreddit}" for subreddit in params.data.reddit.subreddits),
        "model": params.questions.model if params.questions.base_url else params.model.base.source,
    }
    reddit, wiki = params.quality.length.reddit, params.quality.length.wiki
    rules = {
        "Flesch reading ease, at least": f"{params.quality.readability.min_ease:g}",
        "Flesch-Kincaid grade, below": f"{params.quality.readability.max_grade:g}",
        "readability as measured by": params.quality.readability.method,
        "toxicity of every label, at most": f"{params.quality.toxicity.max_score:g}",
        "toxicity as scored by": params.quality.toxicity.model.scorer,
        "words of a Reddit answer": f"{reddit.min_words} to {reddit.max_words}",
        "words of a Wikipedia answer": f"{wiki.min_words} to {wiki.max_words}",
        "score of a Reddit answer, at least": f"{params.splits.min_score}",
        "cosine with a held-out question, below": f"{params.splits.leakage:g}",
        "shares of validation and test": f"{params.splits.validation:g}, {params.splits.test:g}",
    }
    counts = read(Path(f"metrics/data/datasets-{name}.json"))
    write_text(Path(f"data/sft/{name}/README.md"), card(name, counts, read(FUNNEL), words, rules))


def read(path: Path) -> dict[str, Any]:
    """A metrics file."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
