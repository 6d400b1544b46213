"""The gates: rules as data, from which come the SQL that applies them and the words that state them.

A threshold is written once, as the limit of a `Rule`. A gate is a CASE expression that gives the one
reason why a row leaves, or NULL; reasons are tested in the order in which the rules stand.
"""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from s2.kernel.tables import scan

_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, "=": operator.eq}
_WORDS = {">=": "at least {}", "<=": "at most {}", "<": "below {}"}


@dataclass(frozen=True)
class Rule:
    """A row stays if its `column` compares with the `limit`, or has no value; else it is dropped by
    the `reason`. `what` is the column in words."""

    reason: str
    what: str
    column: str
    compare: str
    limit: float | bool

    def keeps(self, table: str = "") -> str:
        """SQL that is true of the rows that stay (NULL of those without a value)."""
        return f"{table}{self.column} {self.compare} {self.limit}"

    def holds(self, value: Any) -> bool:
        """Whether a row with this value stays."""
        return value is None or bool(_COMPARE[self.compare](value, self.limit))

    def words(self) -> str:
        """What is asked of the column, such as "at least 60"; yes or no of what is true or false."""
        if isinstance(self.limit, bool):
            return "yes" if self.limit else "no"
        return _WORDS[self.compare].format(f"{self.limit:g}")


def gate(rules: Iterable[Rule]) -> str:
    """SQL for the reason of the first rule that a row breaks; a reason that it has already stays."""
    branches = ["WHEN dropped_by IS NOT NULL THEN dropped_by"]
    branches += [f"WHEN NOT ({rule.keeps()}) THEN '{rule.reason}'" for rule in rules]
    return f"CASE {' '.join(branches)} END"


def gate_table(candidates: Path, toxicity: Path, verdict: str, split: str) -> str:
    """SQL that makes the table `gated` out of a candidates file and its toxicity: `dropped_by` is
    the verdict, `toxicity` the worst of all labels, `split` the given expression."""
    labels = [name for name in pq.read_schema(toxicity).names if name != "id"]
    worst = ", ".join(f't."{label}"' for label in labels)
    return f"""
        CREATE TEMP TABLE gated AS
        WITH measured AS (
            SELECT c.*, greatest({worst}) AS toxicity
            FROM {scan(candidates)} AS c LEFT JOIN {scan(toxicity)} AS t USING (id)
        )
        SELECT * REPLACE ({verdict} AS dropped_by), {split} AS split FROM measured"""
