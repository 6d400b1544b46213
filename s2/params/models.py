"""Parameters of models: where their files come from."""

from typing import Literal

from pydantic import model_validator

from s2.params.base import Positive, Section, Sha256, Text

# S2's prompt, or the base model's own chat template.
PromptStyle = Literal["s2", "chat"]


class Source(Section):
    """Where model files come from; see `s2.models.sources`."""

    source: Text
    revision: Text | None
    sha256: Sha256 | None

    @model_validator(mode="after")
    def _pinned(self) -> "Source":
        if self.source.startswith("pypi:") and self.sha256 is None:
            raise ValueError("a pypi: source needs the sha256 of its wheel")
        return self


class Fresh(Section):
    """The size of a model with random weights, for trying the graph out."""

    layers: Positive
    hidden: Positive


class Base(Source):
    fresh: Fresh | None


class Model(Section):
    base: Base
    prompt: PromptStyle
