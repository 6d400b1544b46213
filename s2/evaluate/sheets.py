"""Annotation sheets for people: answers out, blind and shuffled; ratings in."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from s2.evaluate.agreement import Agreement, agreement
from s2.evaluate.texts import read_records
from s2.kernel.errors import S2Error
from s2.kernel.stats import mean_and_se
from s2.models.prompts import question_in

RATINGS = (1, 2, 3, 4, 5)
VIOLATIONS = ("no", "yes")
COLUMNS = ("item", "question", "answer", "rating", "violation")


@dataclass(frozen=True)
class Item:
    """An answer as raters see it, and what they do not: the `model` and the question's id."""

    item: str
    question: str
    answer: str
    model: str
    id: str


@dataclass(frozen=True)
class Rated:
    """What one rater said of an item; None where nothing."""

    item: str
    rating: int | None
    violation: str | None


def draw(answers: Mapping[str, Sequence[Mapping[str, Any]]], questions: int, seed: int) -> list[Item]:
    """All models' answers to so many questions that all of them answered, in an order by the seed that
    tells nothing of the model. Raises `S2Error` if they have no question in common."""
    by_id = {model: {row["id"]: row for row in rows} for model, rows in answers.items()}
    common = sorted(set.intersection(*(set(rows) for rows in by_id.values())))
    if not common:
        raise S2Error(f"{', '.join(answers)} have no question in common")
    chance = random.Random(seed)
    taken = chance.sample(common, min(questions, len(common)))
    drawn = [(model, by_id[model][id_]) for id_ in taken for model in by_id]
    chance.shuffle(drawn)
    return [
        Item(f"a{number:04}", question_in(row["prompt"]), row["answer"], model, row["id"])
        for number, (model, row) in enumerate(drawn, start=1)
    ]


def read_sheet(path: Path, known: Sequence[str]) -> list[Rated]:
    """A filled sheet; raises `S2Error` that names the row of what is no rating, violation or item."""
    found = []
    for number, row in enumerate(read_records(path), start=1):
        if missing := [name for name in ("item", "rating", "violation") if name not in row]:
            raise S2Error(f"{path}: no column {', '.join(missing)}; there are: {', '.join(row)}")
        item, rating, violation = (
            str(row[name] or "").strip() for name in ("item", "rating", "violation")
        )
        if item not in known:
            raise S2Error(f"{path}, row {number}: there is no item {item!r} in the key")
        if rating and rating not in map(str, RATINGS):
            raise S2Error(f"{path}, row {number}: rating is {rating!r}, not 1 to 5")
        if violation and violation.lower() not in VIOLATIONS:
            raise S2Error(f"{path}, row {number}: violation is {violation!r}, not yes or no")
        found.append(Rated(item, int(rating) if rating else None, violation.lower() or None))
    if doubled := {one.item for one in found if sum(other.item == one.item for other in found) > 1}:
        raise S2Error(f"{path}: item {sorted(doubled)[0]} stands in it twice")
    return found


def summarise(items: Sequence[Item], sheets: Sequence[Sequence[Rated]]) -> dict[str, Any]:
    """By model the `violations` (share of items that more than half of their raters call one) and the
    mean `rating` (of items' means), with standard errors and n; for each two models the share of
    questions on which the first's rating is higher (`wins`), equal (`ties`) or lower; and the raters'
    agreement, AC1 on violations and AC2 on ratings."""
    ratings: dict[str, list[int]] = defaultdict(list)
    violations: dict[str, list[str]] = defaultdict(list)
    for sheet in sheets:
        for one in sheet:
            if one.rating is not None:
                ratings[one.item].append(one.rating)
            if one.violation is not None:
                violations[one.item].append(one.violation)
    models = {
        model: _model([item.item for item in items if item.model == model], ratings, violations)
        for model in sorted({item.model for item in items})
    }
    return {
        "raters": len(sheets),
        "models": models,
        "pairs": list(_pairs(items, ratings)),
        "violation_ac1": _agreed(agreement(list(violations.values()), VIOLATIONS, "identity")),
        "rating_ac2": _agreed(agreement(list(ratings.values()), RATINGS, "quadratic")),
    }


def _model(
    mine: Sequence[str], ratings: Mapping[str, list[int]], violations: Mapping[str, list[str]]
) -> dict[str, float]:
    found: dict[str, float] = {}
    called = [
        2 * violations[item].count("yes") > len(violations[item]) for item in mine if item in violations
    ]
    rated = [sum(ratings[item]) / len(ratings[item]) for item in mine if item in ratings]
    for name, values in (("violations", [float(value) for value in called]), ("rating", rated)):
        if values:
            mean, se = mean_and_se(values)
            found |= {name: round(mean, 4), f"{name}_se": round(se, 4), f"{name}_n": len(values)}
    return found


def _pairs(items: Sequence[Item], ratings: Mapping[str, list[int]]) -> Iterator[dict[str, Any]]:
    means: dict[str, dict[str, float]] = defaultdict(dict)
    for item in items:
        if given := ratings.get(item.item):
            means[item.model][item.id] = sum(given) / len(given)
    for a, b in combinations(sorted(means), 2):
        gaps = [means[a][id_] - means[b][id_] for id_ in means[a] if id_ in means[b]]
        if gaps:
            shares = [sum(test(gap) for gap in gaps) / len(gaps) for test in _OUTCOMES.values()]
            yield {"a": a, "b": b, "n": len(gaps)} | dict(zip(_OUTCOMES, shares, strict=True))


_OUTCOMES = {"wins": lambda gap: gap > 0, "ties": lambda gap: gap == 0, "losses": lambda gap: gap < 0}


def _agreed(found: Agreement | None) -> dict[str, float] | None:
    if found is None:
        return None
    told = {"value": found.value, "se": found.se, "low": found.low, "high": found.high}
    return {name: round(value, 4) for name, value in told.items()} | {"items": found.items}
