"""Parameters of what comes after supervised fine-tuning: preference pairs, reward models, DPO, PPO,
best of N, and merges.

A model names what it starts from by its folder under `models/`, such as `from: sft/eli5-wiki`, so that
chains of any length can be declared; `data` is a set of `preference.sets`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from s2.params.base import (
    Above0,
    Count,
    Dtype,
    Name,
    Number,
    Positive,
    Quantization,
    Section,
    Share,
    Text,
)
from s2.params.train import Training


def _adapter(value: str) -> str:
    section, _, name = value.partition("/")
    if section not in ("sft", "dpo", "ppo") or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise ValueError("name an adapter by its folder under models/, such as sft/eli5-wiki")
    return value


Adapter = Annotated[str, AfterValidator(_adapter)]
AtLeast0 = Annotated[Number, Field(ge=0)]
MADE = ("votes", "safety", "simplicity")  # the pairs that the pipeline makes itself


class PairSource(Section):
    """Pairs of a file or of a split of a hub's set, in one of the shapes of `s2.own.pairs`."""

    path: Text | None = None
    hub: Text | None = None
    revision: Text | None = None
    split: Text = "train"

    @model_validator(mode="after")
    def _from_one_place(self) -> "PairSource":
        if (self.path is None) == (self.hub is None):
            raise ValueError("name path or hub, one of them")
        if self.hub and not self.revision:
            raise ValueError("a hub set needs a revision (a commit hash or a tag)")
        return self


class Gap(Section):
    """By how much two answers must differ to make a pair."""

    min_gap: Above0


class Preference(Section):
    sources: dict[Name, PairSource]
    safety: Gap
    simplicity: Gap
    max_per_question: Positive
    sets: dict[Name, list[Name]] = Field(min_length=1)
    chosen: dict[Name, Name]

    @model_validator(mode="after")
    def _known(self) -> "Preference":
        if taken := set(MADE) & set(self.sources):
            raise ValueError(f"sources: {min(taken)} is made here; take another name")
        known = {*MADE, *self.sources}
        for name, parts in self.sets.items():
            if unknown := set(parts) - known:
                raise ValueError(
                    f"sets.{name}: no pairs {min(unknown)!r}; there are: {', '.join(sorted(known))}"
                )
            if not parts:
                raise ValueError(f"sets.{name} takes nothing")
        for name, pairs in self.chosen.items():
            if pairs not in self.sets:
                raise ValueError(
                    f"chosen.{name}: no set {pairs!r}; there are: {', '.join(sorted(self.sets))}"
                )
        return self


class Reward(Training):
    margin: AtLeast0
    rows: Positive | None


class RewardModel(Reward):
    """One reward model: the settings that hold for it, what it starts from, and its pairs."""

    start: Adapter = Field(alias="from")
    data: Name


class RewardModels(Reward):
    """The section `reward`, with the accuracy below which nothing is trained on a reward model."""

    min_accuracy: Share
    models: dict[Name, dict[str, Any]]


class Dpo(Training):
    beta: Above0
    loss: Literal["sigmoid", "hinge", "ipo", "robust"]
    label_smoothing: Annotated[Number, Field(ge=0, lt=0.5)]
    margin: AtLeast0
    rows: Positive | None


class DpoModel(Dpo):
    """One model: the settings that hold for it, what it starts from, and its pairs."""

    start: Adapter = Field(alias="from")
    data: Name


class DpoModels(Dpo):
    models: dict[Name, dict[str, Any]]


class Kl(Section):
    """The penalty on the distance from the reference: `coefficient` a nat, adapted to keep the mean of
    an episode at `target` unless that is null; no update goes on from `stop` nats a token away from
    the policy that made the rollout."""

    coefficient: AtLeast0
    target: Above0 | None
    horizon: Positive
    stop: Above0 | None


class SafetyRule(Section):
    """Llama 2's combination (arXiv:2307.09288, 3.2.3): the reward of the model `safety` where its
    probability is under `below` or the prompt's toxicity is above `risky`, else that of `helpfulness`."""

    safety: Name
    helpfulness: Name
    below: Share
    risky: Share


class Ppo(Section):
    episodes: Positive
    rollout: Positive
    minibatch: Positive
    batch_size: Positive
    epochs: Positive
    lr: Above0
    value_lr: Above0
    value_warmup: Count
    value_layers: Positive | None
    scheduler: Literal["constant", "linear"]
    clip: Above0
    value_clip: Above0
    gamma: Share
    lam: Share
    max_grad_norm: Above0
    kl: Kl
    missing_end: AtLeast0
    temperature: Above0
    max_new_tokens: Positive
    max_prompt: Positive
    generate_batch: Positive
    prompts: Positive | None
    measured: Positive
    measure_every: Annotated[Above0, Field(le=1)]
    dtype: Dtype
    quantization: Quantization
    gradient_checkpointing: bool


class PpoModel(Ppo):
    """One model: the settings that hold for it, what it starts from, its reward models with their
    weights, or the rule by which two are combined."""

    start: Adapter = Field(alias="from")
    rewards: dict[Name, Number] = Field(min_length=1)
    rule: SafetyRule | None = None

    @model_validator(mode="after")
    def _rule_of_rewards(self) -> "PpoModel":
        if self.rule and {self.rule.safety, self.rule.helpfulness} != set(self.rewards):
            raise ValueError("rule: rewards must name its two models, and no other")
        if self.rollout % self.minibatch:
            raise ValueError(f"rollout {self.rollout} is no multiple of minibatch {self.minibatch}")
        return self


class PpoModels(Ppo):
    models: dict[Name, dict[str, Any]]


class Rejection(Section):
    samples: Positive
    temperature: Above0
    top_p: Annotated[Above0, Field(le=1)]
    max_new_tokens: Positive
    max_prompt: Positive
    batch_size: Positive
    prompts: Positive | None
    dtype: Dtype
    quantization: Quantization


class RejectionModel(Rejection):
    """One dataset: whose answers, and the reward models that choose, with their weights; `earlier` is a
    round before it, whose answers stay where they are better."""

    start: Adapter = Field(alias="from")
    rewards: dict[Name, Number] = Field(min_length=1)
    earlier: Text


class RejectionModels(Rejection):
    models: dict[Name, dict[str, Any]]


class MergeModel(Section):
    """One merge: its adapter, its method, and the dataset on whose validation rows it is compared."""

    start: Adapter = Field(alias="from")
    method: Literal["simple", "careful"]
    data: Name


class Merge(Section):
    """`rows` are the validation rows on which a merge is compared with the model as it was trained."""

    rows: Positive
    models: dict[Name, MergeModel]
