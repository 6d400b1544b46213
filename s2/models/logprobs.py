"""Per-token log-probabilities of what rows are to learn."""

from collections.abc import Sequence

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from s2.models.encoding import IGNORED, Encoded


@torch.inference_mode()
def label_logprobs(model: PreTrainedModel | PeftModel, row: Encoded) -> Tensor:
    """log p of each label token of a row given all tokens before it, in nats: [labels], float32.

    Logits are computed for the answer alone.
    """
    first = next(i for i, label in enumerate(row.labels) if label != IGNORED)
    ids = torch.tensor([row.input_ids], device=model.device)
    labels = torch.tensor(row.labels[first:], device=model.device)
    # The token at position i is told by the logits at i - 1; the last logits tell nothing.
    logits = model(input_ids=ids, logits_to_keep=len(labels) + 1).logits[0, :-1].float()
    chosen = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[:, None])[:, 0]
    return chosen[labels != IGNORED]


def label_losses(
    model: PreTrainedModel | PeftModel, rows: Sequence[Encoded]
) -> tuple[list[float], list[int]]:
    """For each row the summed cross-entropy of its label tokens, in nats, and their number. The
    model is put into evaluation mode for it, and back."""
    training = model.training
    model.eval()
    found = [label_logprobs(model, row) for row in rows]
    model.train(training)
    return [-float(logprobs.sum()) for logprobs in found], [len(logprobs) for logprobs in found]
