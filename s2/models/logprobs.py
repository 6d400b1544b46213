"""Per-token log-probabilities of what rows are to learn."""

from collections.abc import Iterator, Sequence

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from s2.models.batches import Batch, by_length, left_padded
from s2.models.encoding import IGNORED, Encoded


@torch.inference_mode()
def label_logprobs(
    model: PreTrainedModel | PeftModel, rows: Sequence[Encoded], batch_size: int
) -> list[Tensor]:
    """For each row log p of each of its label tokens given all tokens before it, in nats: [labels],
    float32. Rows of like length share a batch; logits are computed for the answers alone."""
    found: dict[int, Tensor] = {}
    for batch in by_length([len(row.input_ids) for row in rows], batch_size):
        found |= zip(batch, _of_batch(model, [rows[i] for i in batch]), strict=True)
    return [found[i] for i in range(len(rows))]


def _of_batch(model: PreTrainedModel | PeftModel, rows: Sequence[Encoded]) -> Iterator[Tensor]:
    """Padded on the left, so that all answers end together and one slice holds all of their logits."""
    batch = left_padded([row.input_ids for row in rows], model.device)
    width = batch.input_ids.shape[1]
    labels = torch.tensor([[IGNORED] * (width - len(row.labels)) + row.labels for row in rows])
    first = int((labels != IGNORED).any(0).nonzero()[0])
    labels = labels[:, first:].to(model.device)
    logits = answer_logits(model, batch, labels.shape[1])
    for scores, wanted in zip(logits, labels, strict=True):
        chosen = scores.float().log_softmax(-1).gather(-1, wanted.clamp(min=0)[:, None])[:, 0]
        yield chosen[wanted != IGNORED]


def answer_logits(model: PreTrainedModel | PeftModel, batch: Batch, last: int) -> Tensor:
    """The logits that tell the `last` tokens of each row, [rows, last, vocabulary]; the token at position
    i is told by the logits at i - 1, and no others are computed."""
    return model(**batch._asdict(), logits_to_keep=last + 1, use_cache=False).logits[:, :-1]


def label_losses(
    model: PreTrainedModel | PeftModel, rows: Sequence[Encoded], batch_size: int
) -> tuple[list[float], list[int]]:
    """For each row the summed cross-entropy of its label tokens, in nats, and their number. The
    model is put into evaluation mode for it, and back."""
    training = model.training
    model.eval()
    found = label_logprobs(model, rows, batch_size)
    model.train(training)
    return [-float(logprobs.sum()) for logprobs in found], [len(logprobs) for logprobs in found]
