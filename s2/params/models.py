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


def section_of(folder: str) -> tuple[str, str]:
    """The section of params.yaml that declares what is in a folder of `models/`, and the name there."""
    section, _, name = folder.removeprefix("models/").partition("/")
    return {"merged": "merge"}.get(section, section), name


def folder_of(section: str, name: str) -> str:
    """The folder of a model that a section of params.yaml declares."""
    return f"models/{'merged' if section == 'merge' else section}/{name}"


OUTSIDE = "models/outside/"  # where outside models lie
ENDPOINT = ("http://", "https://")


class Outside(Source):
    """A model that is scored and not trained here: files like the base's, or `model` at the
    OpenAI-compatible endpoint that `source` is, which is asked by chat alone."""

    prompt: PromptStyle
    revision: Text | None = None
    sha256: Sha256 | None = None
    model: Text | None = None

    @property
    def is_endpoint(self) -> bool:
        """Whether it lies elsewhere, and gives answers alone."""
        return self.source.startswith(ENDPOINT)

    @model_validator(mode="after")
    def _askable(self) -> "Outside":
        if self.is_endpoint != (self.model is not None):
            raise ValueError(
                "model is the name of a model at an endpoint: say it of those, and of no others"
            )
        if self.is_endpoint and self.prompt != "chat":
            raise ValueError("an endpoint is asked by chat: prompt is chat")
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
