"""A dataset's card: what is in it, how it was made, and what became of every row.

The front matter is that of the Hugging Face hub (https://huggingface.co/docs/hub/datasets-cards), so
that `datasets.load_dataset` finds the splits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from s2.params.data import Dataset, SourceName
from s2.quality.gates import Rule

Funnel = Mapping[str, Any]

SPLITS = ("train", "validation", "test")
_NAMES = {"reddit": "Reddit answer", "wiki": "Wikipedia answer", "own": "text of your own"}
_WHAT = {
    "reddit": "Answers of Reddit ({subreddits}) to the questions that they were given for.",
    "wiki": "Openings of Simple Wikipedia articles, as answers to questions that the language model "
    "`{model}` wrote for them. The answers are human text; the questions are not.",
    "own": "Questions and answers of: {own}.",
}
_LICENCES = {
    "reddit": "Reddit's texts belong to their authors and are subject to Reddit's terms: share ids "
    "rather than texts where those terms ask for it.",
    "wiki": "Wikipedia's texts are under CC BY-SA (4.0; 3.0 for dumps before June 2023): name "
    "Wikipedia and its authors, and share alike.",
    "own": "Your own questions and answers are yours to license.",
}


@dataclass(frozen=True)
class Making:
    """How datasets are made: the rules of each source, other facts by what they are, the subreddits
    that are read, the model that writes questions, and in words what became of removed posts."""

    rules: Mapping[SourceName, Sequence[Rule]]
    facts: Mapping[str, str]
    subreddits: Sequence[str]
    model: str
    removed_posts: str


def card(name: str, dataset: Dataset, counts: Mapping[str, Any], funnel: Funnel, making: Making) -> str:
    """The card of a dataset in Markdown. `counts` is its accounting, with its rows by split; `funnel`
    the accounting of each source."""
    files = [{"split": split, "path": f"{split}.parquet"} for split in SPLITS]
    front = {
        "pretty_name": f"S2 {name}",
        "language": ["en"],
        "license": "other",
        "task_categories": ["text-generation"],
        "configs": [{"config_name": "default", "data_files": files}],
    }
    sources = dataset.sources()
    taken = dataset.reddit if isinstance(dataset.reddit, list) else making.subreddits
    words = {"subreddits": ", ".join(f"r/{name}" for name in taken), "model": making.model}
    words["own"] = ", ".join(dataset.own) if isinstance(dataset.own, list) else "all of `sources`"
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {name}: simple, safe answers",
        *(_WHAT[source].format_map(words) for source in sources),
        "Columns: `id` (of the comment or page), `prompt` (`### Human: … ### Assistant:`), "
        "`completion` (the answer). `s2 why ID` tells where a row comes from.",
        _table(["split", "rows"], [(split, counts[split]) for split in SPLITS]),
        "## How the rows were chosen",
        _table(["rule", "value"], [*_rules(sources, making), *making.facts.items()]),
        "A row's split is a function of its question's id, so more data never moves it.",
        "## What became of every row",
        *(_funnel(source, funnel[source]) for source in sources),
        *([making.removed_posts] if "reddit" in sources else []),
        *_left_out(counts["dropped"]),
        "## Licences",
        *(_LICENCES[source] for source in sources),
        "The texts of S2's embedded sample were made for it and are under its Apache-2.0 licence.",
    ]
    return "\n\n".join(parts) + "\n"


def _rules(sources: Sequence[SourceName], making: Making) -> list[tuple[str, str]]:
    """Each rule of the sources in words; one that holds for several sources stands once."""
    rows = [
        (rule.what, rule.words(), f" of a {_NAMES[source]}")
        for source in sources
        for rule in making.rules[source]
    ]
    values = {what: {words for other, words, _ in rows if other == what} for what, _, _ in rows}
    shared = {what for what, found in values.items() if len(found) == 1}
    return list(dict.fromkeys((what if what in shared else what + of, words) for what, words, of in rows))


def _left_out(dropped: Mapping[str, int]) -> list[str]:
    rows = [(f"not taken: {reason}", count) for reason, count in dropped.items()]
    return [_table(["of what was kept", "rows"], rows)] if rows else []


def _funnel(source: str, accounting: Mapping[str, Any]) -> str:
    dropped = sorted(accounting["dropped"].items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[tuple[str, int]] = [("candidates", accounting["rows_in"])]
    rows += [(f"dropped: {reason}", count) for reason, count in dropped]
    if "preference" in accounting:
        rows.append(("kept for preference pairs", accounting["preference"]))
    rows.append(("kept for fine-tuning", accounting.get("sft", accounting["rows_out"])))
    return _table([source, "rows"], rows)


def _table(head: list[str], rows: Sequence[tuple[str, str | int]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, value in rows:
        shown = f"{value:,}" if isinstance(value, int) else value
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)
