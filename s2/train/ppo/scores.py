"""One score out of the rewards of several models."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from s2.params.align import SafetyRule


class Normal(NamedTuple):
    """What a model's rewards are normalised by: mean and standard deviation on held-out answers."""

    mean: float
    sd: float


def normalised(rewards: Mapping[str, Tensor], by: Mapping[str, Normal]) -> dict[str, Tensor]:
    """Each model's rewards, less its mean and over its standard deviation."""
    return {name: (values - by[name].mean) / (by[name].sd or 1.0) for name, values in rewards.items()}


def weighted(rewards: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """The weighted sum of normalised rewards, [answers]."""
    first, *others = (weights[name] * rewards[name] for name in weights)
    return sum(others, first)


def safety_first(
    raw: Mapping[str, Tensor], normal: Mapping[str, Tensor], rule: SafetyRule, risky: Tensor
) -> Tensor:
    """Llama 2's rule (arXiv:2307.09288, 3.2.3): the reward of safety where the prompt is `risky`
    ([answers] bool) or its probability, the sigmoid of the raw reward, is low; else helpfulness's."""
    unsafe = risky | (raw[rule.safety].sigmoid() < rule.below)
    return normal[rule.safety].where(unsafe, normal[rule.helpfulness])


def without_end(scores: Tensor, ended: Sequence[bool], penalty: float) -> Tensor:
    """Scores less the penalty of the answers that did not come to their end token."""
    missing = [not found for found in ended]
    return scores - penalty * scores.new_tensor(missing)
