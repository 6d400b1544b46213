"""Preference pairs as a trainer reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from s2.kernel.accounting import account
from s2.kernel.errors import S2Error
from s2.models.encoding import Encoder
from s2.params.models import PromptStyle

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class PairRun:
    """What a training on pairs is called, the base and the adapter that it starts from, where it keeps
    its checkpoints and puts its adapter, how it asks, and its share of the steps between two
    checkpoints."""

    name: str
    base: Path
    start: Path
    checkpoints: Path
    adapter: Path
    prompt: PromptStyle
    checkpoint_every: float


@dataclass(frozen=True)
class EncodedPair:
    """Token ids of a prompt and of two answers, each with its end token; the pair's weight, 1/(pairs of
    its question), its margin ln(1 + gap), or 0 without a gap, and its `gap`."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    weight: float
    margin: float
    gap: float | None
    question_id: str

    @property
    def chosen(self) -> list[int]:
        return self.prompt_ids + self.chosen_ids

    @property
    def rejected(self) -> list[int]:
        return self.prompt_ids + self.rejected_ids


def encode_pairs(encoder: Encoder, rows: Rows, max_length: int) -> list[EncodedPair]:
    """The pairs of which both sides fit `max_length`, put together segment by segment, as in SFT."""
    found = []
    for row in rows:
        prompt = encoder.turns(row["turns"])
        chosen, rejected = encoder.reply(row["chosen"]), encoder.reply(row["rejected"])
        if len(prompt) + max(len(chosen), len(rejected)) <= max_length:
            pair = EncodedPair(
                prompt, chosen, rejected, row["weight"], row["margin"], row["gap"], row["question_id"]
            )
            found.append(pair)
    return found


def training_pairs(rows: Rows, most: int | None) -> Rows:
    """At most so many pairs, the first by a hash of their questions and then of their ids, so that more
    data moves few of them."""
    return sorted(rows, key=lambda row: (_hash(row["question_id"]), _hash(row["id"])))[:most]


def _hash(text: str) -> str:
    return md5(f"pairs of a training {text}".encode()).hexdigest()


def encode_splits(
    encoder: Encoder, splits: dict[str, Rows], max_length: int, most: int | None, data: str
) -> tuple[dict[str, list[EncodedPair]], dict[str, object]]:
    """Each split encoded, `train` cut to `most` pairs, and the accounting of them all; raises `S2Error`
    where nothing is left to train on or to measure by."""
    taken = splits | {"train": training_pairs(splits["train"], most)}
    encoded = {name: encode_pairs(encoder, rows, max_length) for name, rows in taken.items()}
    for name in ("train", "validation"):
        if not encoded[name]:
            raise S2Error(
                f"preference set {data}: of {len(taken[name])} {name} pairs none has at most max_length "
                f"{max_length} tokens"
                if taken[name]
                else f"preference set {data} has no {name} pairs"
            )
    rows_in, rows_out = (sum(map(len, part.values())) for part in (splits, encoded))
    over = len(splits["train"]) - len(taken["train"])
    dropped = {"over_rows": over, "too_long": rows_in - rows_out - over}
    return encoded, account(rows_in, rows_out, dropped)


def mean_one(weights: Sequence[float]) -> list[float]:
    """Weights scaled to a mean of 1, so that a weighted mean over any batches of a step is the same as
    over the step, and the learning rate means what it does without weights."""
    mean = sum(weights) / len(weights)
    return [weight / mean for weight in weights]
