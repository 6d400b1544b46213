"""Per-token log-probabilities of what rows are to learn."""

from collections.abc import Iterator, Sequence

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from s2.kernel.tables import chunked
from s2.models.encoding import IGNORED, Encoded


@torch.inference_mode()
def label_logprobs(
    model: PreTrainedModel | PeftModel, rows: Sequence[Encoded], batch_size: int
) -> list[Tensor]:
    """For each row log p of each of its label tokens given all tokens before it, in nats: [labels],
    float32. Rows of like length share a batch; logits are computed for the answers alone."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids), reverse=True)
    found: dict[int, Tensor] = {}
    for batch in chunked(order, batch_size):
        found |= zip(batch, _of_batch(model, [rows[i] for i in batch]), strict=True)
    return [found[i] for i in range(len(rows))]


def _of_batch(model: PreTrainedModel | PeftModel, rows: Sequence[Encoded]) -> Iterator[Tensor]:
    """Padded on the left, so that all answers end together and one slice holds all of their logits."""
    width = max(len(row.input_ids) for row in rows)
    gaps = [width - len(row.input_ids) for row in rows]
    ids = torch.tensor([[0] * gap + row.input_ids for gap, row in zip(gaps, rows, strict=True)])
    labels = torch.tensor([[IGNORED] * gap + row.labels for gap, row in zip(gaps, rows, strict=True)])
    mask = torch.tensor([[0] * gap + [1] * (width - gap) for gap in gaps])
    first = int((labels != IGNORED).any(0).nonzero()[0])
    labels = labels[:, first:].to(model.device)
    # The token at position i is told by the logits at i - 1; the last logits tell nothing.
    logits = model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(model.device),
        logits_to_keep=labels.shape[1] + 1,
    ).logits[:, :-1]
    for scores, wanted in zip(logits, labels, strict=True):
        chosen = scores.float().log_softmax(-1).gather(-1, wanted.clamp(min=0)[:, None])[:, 0]
        yield chosen[wanted != IGNORED]


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
