"""Parameters of the data: dumps, datasets, quality, splits and questions."""

from typing import Literal

from pydantic import Field, model_validator

from s2.params.base import (
    Cosine,
    Count,
    Dtype,
    Name,
    Number,
    Positive,
    Section,
    Sha256,
    Share,
    Text,
    Whole,
)

OnError = Literal["stop", "quarantine"]
Method = Literal["report", "cmudict"]
Edits = Literal["drop", "cut", "keep"]
RemovedPosts = Literal["drop", "title"]
PairChoice = Literal["widest", "random", "top_two", "contrast"]
SourceName = Literal["reddit", "wiki", "own"]
ToxicityDtype = Literal["float32", "bfloat16", "float16", "int8"]


class RedditData(Section):
    subreddits: list[Text] = Field(min_length=1)
    edits: Edits
    removed_posts: RemovedPosts


class Truncate(Section):
    """How much of an article an answer takes: whole paragraphs from the top until they have so many
    words, or so many characters."""

    words: Positive | None = None
    characters: Positive | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Truncate":
        if (self.words is None) == (self.characters is None):
            raise ValueError("name words or characters, one of them, such as {words: 300}")
        return self


class WikiData(Section):
    truncate: Truncate


class Data(Section):
    raw: Text
    on_error: OnError
    reddit: RedditData
    wiki: WikiData


class OwnSource(Section):
    """A user's own questions and answers: columns of a CSV, TSV, JSONL or Parquet file, or of a split of
    a hub's set."""

    path: Text | None = None
    hub: Text | None = None
    revision: Text | None = None
    split: Text = "train"
    question: Text
    answer: Text

    @model_validator(mode="after")
    def _from_one_place(self) -> "OwnSource":
        if (self.path is None) == (self.hub is None):
            raise ValueError("name path or hub, one of them")
        if self.hub and not self.revision:
            raise ValueError("a hub set needs a revision (a commit hash or a tag)")
        return self


class Dataset(Section):
    """Which rows a dataset takes: of Reddit all or some subreddits, of Wikipedia all, of a user's own
    `sources` all or some, and at most `rows` of each (or so many of each by name)."""

    reddit: list[str] | Literal["all"] | None = None
    wiki: Literal["all"] | None = None
    own: list[Name] | Literal["all"] | None = None
    rows: Positive | dict[SourceName, Positive] | None = None

    @model_validator(mode="after")
    def _takes_something(self) -> "Dataset":
        if not self.sources():
            raise ValueError(
                "takes nothing: name reddit (all or subreddits), wiki (all) or own (all or sources)"
            )
        return self

    def sources(self) -> list[SourceName]:
        """The sources that the dataset takes, in the order in which their rows stand in it."""
        taken: dict[SourceName, object] = {"reddit": self.reddit, "wiki": self.wiki, "own": self.own}
        return [name for name, part in taken.items() if part]

    def at_most(self, source: SourceName) -> int | None:
        """How many rows of a source it takes; None takes all."""
        return self.rows.get(source) if isinstance(self.rows, dict) else self.rows


class Readability(Section):
    method: Method
    min_ease: Number
    max_grade: Number


class ToxicityModel(Section):
    """What scores toxicity; see `s2.quality.classifier`."""

    scorer: Literal["profanity-check", "detoxify"]
    checkpoint: str | None
    sha256: Sha256 | None
    config: str | None
    revision: str | None

    @model_validator(mode="after")
    def _has_checkpoint(self) -> "ToxicityModel":
        if self.scorer == "detoxify" and not (self.checkpoint and self.config):
            raise ValueError("scorer detoxify needs a checkpoint and its config")
        return self


class Toxicity(Section):
    model: ToxicityModel
    dtype: ToxicityDtype
    batch_tokens: Positive
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
    own: Length


class Quality(Section):
    readability: Readability
    toxicity: Toxicity
    length: Lengths


class Pairs(Section):
    choice: PairChoice
    max_per_question: Positive


class Splits(Section):
    validation: Share
    test: Share
    leakage: Cosine
    min_score: Whole
    pairs: Pairs

    @model_validator(mode="after")
    def _room_to_train(self) -> "Splits":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on")
        return self


class Questions(Section):
    base_url: Text | None
    model: Text
    dtype: Dtype
    system: str
    prompts: list[Text] = Field(min_length=1)
    max_tokens: Positive

    @model_validator(mode="after")
    def _prompts_take_the_text(self) -> "Questions":
        for number, prompt in enumerate(self.prompts):
            if "{text}" not in prompt and "{opening}" not in prompt:
                raise ValueError(f"prompts[{number}] has neither {{text}} nor {{opening}}")
        return self
