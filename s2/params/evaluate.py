"""Parameters of answering and scoring."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from s2.params.base import Dtype, Name, Number, Positive, Section, _no_bool

ALL_SETS = "all"  # what the scores call every distinct answer of all sets together
Share0 = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=1)]


class Answers(Section):
    max_new_tokens: Positive
    temperature: Annotated[Number, Field(ge=0)]
    top_p: Share0
    batch_size: Positive
    dtype: Dtype
    limit: Positive | None


class Evaluate(Section):
    """`models` are folders by the name under which each is scored; `sets` are datasets whose
    validation rows they answer."""

    bertscore_layer: Positive
    batch_size: Positive
    models: dict[Name, str] = Field(min_length=1)
    sets: list[Name] = Field(min_length=1)
