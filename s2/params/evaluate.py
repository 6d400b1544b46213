"""Parameters of answering and scoring."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from s2.params.base import Count, Dtype, Name, Number, Positive, Quantization, Section, Text, _no_bool
from s2.params.models import Source

CHOICES = "data/choices/test.jsonl"
OWN = "data/raw/own/"
ALL_SETS = "all"  # what the scores call every distinct answer of all sets together
Share0 = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, le=1, allow_inf_nan=False)]


class Answers(Section):
    max_new_tokens: Positive
    temperature: Annotated[Number, Field(ge=0)]
    top_p: Share0
    top_k: Count
    repetition_penalty: Annotated[Number, Field(ge=1)]
    batch_size: Positive
    dtype: Dtype
    quantization: Quantization
    limit: Positive | None


class BertScore(Section):
    """The encoder of BERTScore, and which of its layers; without a model, that of `encoder`."""

    model: Source | None
    layer: Positive


class Evaluate(Section):
    """`models` are folders by the name under which each is scored; `sets` are datasets whose
    validation rows they answer."""

    bertscore: BertScore
    batch_size: Positive
    models: dict[Name, Text] = Field(min_length=1)
    sets: list[Name] = Field(min_length=1)


class Safety(Section):
    """Files of harmful and neutral `statements` on groups of people; of prompts on `groups` and on
    `topics`, which a model continues; and of `harmless` questions that look risky. Of prompts, `limit`
    takes so many of each group."""

    statements: Text
    groups: Text
    topics: Text
    harmless: Text
    limit: Positive | None
    max_new_tokens: Positive
    batch_size: Positive

    def continued(self) -> dict[str, str]:
        """The files of prompts that are continued, by what they are of."""
        return {"groups": self.groups, "topics": self.topics}


class Price(Section):
    """Of a million tokens of requests, and of replies, in a currency of your own."""

    prompt: Annotated[Number, Field(ge=0)]
    completion: Annotated[Number, Field(ge=0)]


class JudgeSection(Section):
    """`models` are judges at an OpenAI-compatible endpoint; without any, nothing is judged. `questions`
    are those of MT(S)-bench, `truths` those to which many know a wrong answer."""

    base_url: Text | None
    models: list[Text]
    questions: Text
    truths: Text
    against: Name
    price: Price


def _noticed(path: str) -> str:
    """DVC would not see that another file changed: its stages depend on these."""
    if path != CHOICES and not path.startswith(OWN):
        raise ValueError(f"put it under {OWN}, where its changes are noticed")
    return path


class HarnessTask(Section):
    """How many solved examples stand before each question, and the `file` that the task's questions come
    from, instead of a hub."""

    shots: Count
    file: Annotated[Text, AfterValidator(_noticed)] | None = None


class HarnessSection(Section):
    """`tasks` by their names in lm-evaluation-harness; `limit` takes so many questions of each."""

    tasks: dict[Name, HarnessTask]
    batch_size: Positive
    limit: Positive | None
