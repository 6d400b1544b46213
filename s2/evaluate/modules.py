"""Scores of answers as `evaluate.Metric` modules, for anybody's `evaluate.combine([...])`.

Apart from the scores: the `evaluate` library brings in every pipeline of transformers.
"""

import math
from collections.abc import Sequence
from typing import Any

import evaluate
from datasets import Features, Value

from s2.evaluate.metrics import AnswerMetric


class AnswerModule(evaluate.Metric):
    """A metric of answers as a module: it computes a mean for each of the metric's names or, with
    `use_aggregator=False`, a list with a value for each answer, None where it has none."""

    def __init__(self, metric: AnswerMetric) -> None:
        self._of = metric  # before what asks for `_info`
        super().__init__(keep_in_memory=True)

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=type(self._of).__doc__ or "",
            citation="",
            inputs_description=", ".join(self._of.columns),
            features=Features({name: Value("string") for name in self._of.columns}),
        )

    def _compute(self, use_aggregator: bool = True, **texts: list[str]) -> dict[str, Any]:
        scores = self._of.each(*(texts[name] for name in self._of.columns))
        return {name: _mean(values) for name, values in scores.items()} if use_aggregator else scores


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return math.fsum(found) / len(found) if found else None
