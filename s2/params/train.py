"""Parameters of training, and the models that are trained.

A trainer's section holds settings for all of its models, and under `models` each model by name: the
dataset that it learns, and any setting that it has for itself.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from s2.params.base import Above0, Dtype, Name, Number, Part, Positive, Quantization, Section, Share, Text

# Of the names that transformers knows, those that are of use for an adapter.
Optimizer = Literal[
    "adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit", "adafactor"
]


class Lora(Section):
    r: Positive
    alpha: Positive
    dropout: Share
    targets: Annotated[list[Text], Field(min_length=1)] | Literal["all-linear"]
    layers: Positive | None = None


class Training(Section):
    """What every training by gradients has."""

    lr: Above0
    epochs: Above0
    batch_size: Positive
    grad_accumulation: Positive
    max_length: Positive
    warmup: Share
    weight_decay: Annotated[Number, Field(ge=0)]
    optimizer: Optimizer
    scheduler: Literal["constant", "constant_with_warmup", "linear", "cosine"]
    dtype: Dtype
    quantization: Quantization
    gradient_checkpointing: bool
    log_steps: Positive


class Sft(Training):
    group_by_length: bool
    keep: Literal["best", "last"]
    evaluate_every: Part
    lora: Lora


class SftModel(Sft):
    """One model: the settings that hold for it, and its dataset."""

    data: Name


class SftModels(Sft):
    """The section `sft`: what holds for all models, and what each says for itself."""

    models: dict[Name, dict[str, Any]] = Field(min_length=1)


# Keys of a trainer's section that are not settings of its models.
OF_SECTION = ("models", "min_accuracy")


def resolved(section: dict[str, Any], name: str) -> dict[str, Any]:
    """A model's own settings over those for all models of its trainer, nested ones key by key."""
    shared = {key: value for key, value in section.items() if key not in OF_SECTION}
    return _over(shared, section["models"][name])


def _over(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _over(shared[key], value)
        for key, value in own.items()
        if isinstance(value, dict) and isinstance(shared.get(key), dict)
    }
    return shared | own | both
