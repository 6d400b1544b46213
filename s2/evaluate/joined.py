"""The same examples as two models answered them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s2.evaluate.paired import HIGHER_IS_BETTER, Pairs
from s2.kernel.errors import S2Error

Row = Mapping[str, Any]
DIGITS = 9  # by which changes are put in order: what is equal but for rounding goes by id
DATA = ("prompt", "reference")


@dataclass(frozen=True)
class Joined:
    """Pairs of rows of the same example; and by id the examples that are `only_a`, `only_b`, or `other`:
    of the same id with another prompt or reference."""

    pairs: list[tuple[Row, Row]]
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether both answered exactly the same examples."""
        return not (self.only_a or self.only_b or self.other)


def join(a: Iterable[Row], b: Iterable[Row], set_name: str | None = None) -> Joined:
    """Join scored answers by example. Of several sets an example counts once; `set_name` takes those of
    one. Raises `S2Error` for an example that one side has twice in a set."""
    first, second = _by_id(a, set_name), _by_id(b, set_name)
    common = [key for key in first if key in second]
    same = [key for key in common if all(first[key][name] == second[key][name] for name in DATA)]
    return Joined(
        pairs=[(first[key], second[key]) for key in same],
        only_a=[key for key in first if key not in second],
        only_b=[key for key in second if key not in first],
        other=[key for key in common if key not in set(same)],
    )


def _by_id(rows: Iterable[Row], set_name: str | None) -> dict[str, Row]:
    found: dict[str, Row] = {}
    seen = set()
    for row in rows:
        if set_name not in (None, row["set"]):
            continue
        key = row["set"], row["id"]
        if key in seen:
            raise S2Error(f"set {row['set']}: example {row['id']} stands in it twice")
        seen.add(key)
        found.setdefault(row["id"], row)
    return found


def scores(joined: Joined) -> dict[str, Pairs]:
    """By metric the values of the examples that have one on both sides, perhaps none: an older revision
    may not have measured it. A question is a prompt."""
    return {name: _scores(joined.pairs, name) for name in HIGHER_IS_BETTER}


def _scores(pairs: Sequence[tuple[Row, Row]], name: str) -> Pairs:
    kept = [(a, b) for a, b in pairs if a.get(name) is not None and b.get(name) is not None]
    return Pairs(
        a=[float(a[name]) for a, _ in kept],
        b=[float(b[name]) for _, b in kept],
        questions=[a["prompt"] for a, _ in kept],
    )


def extremes(
    joined: Joined, metric: str, count: int
) -> tuple[list[tuple[Row, Row]], list[tuple[Row, Row]]]:
    """The pairs with the largest gains of a metric from a to b, and those with the largest losses, the
    largest first; none that is equal."""
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    changed = [
        (round(sign * (float(b[metric]) - float(a[metric])), DIGITS), a, b)
        for a, b in joined.pairs
        if None not in (a.get(metric), b.get(metric)) and a[metric] != b[metric]
    ]
    changed.sort(key=lambda change: (-change[0], str(change[1]["id"])))
    gains = [(a, b) for gain, a, b in changed if gain > 0][:count]
    losses = [(a, b) for gain, a, b in reversed(changed) if gain < 0][:count]
    return gains, losses
