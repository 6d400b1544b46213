"""What all families of parameters share: closed, immutable sections, and numbers as YAML brings them.

Numbers may arrive as strings, since `dvc exp run -S sft.lr=0.00001` writes `1e-05`, which YAML 1.1
readers take for text.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")
    return value


Number = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
Seed = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, lt=2**32)]  # as numpy takes them
Whole = Annotated[int, BeforeValidator(_no_bool)]
Positive = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
Above0 = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(_no_bool), Field(ge=0, le=1, allow_inf_nan=False)]
Part = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, lt=1, allow_inf_nan=False)]
Cosine = Annotated[float, BeforeValidator(_no_bool), Field(gt=-1, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Dtype = Literal["float32", "bfloat16", "float16"]
Quantization = Literal["none", "nf4"]

# Names of datasets and models become names of stages and of files.
Name = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$")]


class Section(BaseModel):
    """A section of params.yaml: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
