"""Write a dataset's card: `python -m stages.cards NAME`."""

import sys
from pathlib import Path
from typing import Any

from s2.kernel.files import read_json, write_text
from s2.params.base import Share
from s2.params.data import Dataset, RemovedPosts
from s2.params.loading import load
from s2.quality.thresholds import load_leakage, load_thresholds
from s2.report.card import Making, card
from stages.runner import run

FUNNEL = Path("metrics/data/splits.json")
CLEANED = Path("metrics/data/candidates-reddit.json")


def main() -> None:
    name = sys.argv[1]
    dataset = load(f"datasets.{name}", Dataset)
    counts = read_json(Path(f"metrics/data/datasets-{name}.json"))
    write_text(
        Path(f"data/sft/{name}/README.md"), card(name, dataset, counts, read_json(FUNNEL), making())
    )


def making() -> Making:
    """How the parameters say that datasets are made."""
    rules, leakage = load_thresholds(), load_leakage()
    endpoint = load("questions.base_url", str | None)
    shares = load("splits.validation", Share), load("splits.test", Share)
    return Making(
        rules={
            "reddit": [*rules.reddit, *rules.good, leakage],
            "wiki": [*rules.wiki, leakage],
            "own": [*rules.own, leakage],
        },
        facts={
            "readability as measured by": load("quality.readability.method", str),
            "toxicity as scored by": scored_by(load("quality.toxicity.model.scorer", str)),
            "shares of validation and test": "{:g}, {:g}".format(*shares),
        },
        subreddits=load("data.reddit.subreddits", list[str]),
        model=load("questions.model", str) if endpoint else load("model.base.source", str),
        removed_posts=removed_posts(read_json(CLEANED), load("data.reddit.removed_posts", RemovedPosts)),
    )


def scored_by(scorer: str) -> str:
    """The classifier of toxicity, and a warning where it is the sample's stand-in."""
    warning = " (a small stand-in, linear in words, which finds Salt and penguins toxic)"
    return scorer + (warning if scorer == "profanity-check" else "")


def removed_posts(counts: dict[str, Any], kept: RemovedPosts) -> str:
    """What became of posts whose body was removed or deleted, and of the comments that answer them."""
    found = f"{counts['removed_posts']:,} posts had lost their body"
    answers = f"{counts['answers_to_removed_posts']:,} comments that answer them"
    if kept == "drop":
        return (
            f"{found} when the dump was made, and were dropped (`deleted`) with the {answers}; "
            "`data.reddit.removed_posts: title` keeps those whose title asks."
        )
    return f"{found} when the dump was made: the title of each asks alone, of the {answers}."


if __name__ == "__main__":
    run(main)
