"""How far one model is from another on the same text: KL, agreement, perplexity."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import PreTrainedModel

from s2.kernel.stats import ratio_and_se
from s2.models.batches import left_padded
from s2.models.encoding import IGNORED, Encoded
from s2.models.logprobs import answer_logits

Model = PreTrainedModel | PeftModel


@torch.inference_mode()
def drift(trained: Model, other: Model, rows: Sequence[Encoded]) -> dict[str, Any]:
    """On the answers' tokens of rows, per token and with standard errors over rows: `kl`, KL(trained ‖
    other) in nats over the whole vocabulary; `agreement`, how often both find the same token likeliest;
    the `loss` of both in nats and the `perplexity` of both, and `loss_difference`, other less trained."""
    totals: dict[str, list[float]] = {
        name: [] for name in ("kl", "agreement", "trained_loss", "other_loss", "loss_difference")
    }
    counts = []
    for row in rows:
        first, second = (_answer_logprobs(model, row) for model in (trained, other))
        told = torch.tensor([label for label in row.labels if label != IGNORED])
        losses = [-float(logs.gather(-1, told[:, None]).sum()) for logs in (first, second)]
        totals["kl"].append(float((first.exp() * (first - second)).sum()))
        totals["agreement"].append(float((first.argmax(-1) == second.argmax(-1)).sum()))
        totals["trained_loss"].append(losses[0])
        totals["other_loss"].append(losses[1])
        totals["loss_difference"].append(losses[1] - losses[0])
        counts.append(len(told))
    found: dict[str, Any] = {"rows": len(rows), "tokens": sum(counts)}
    for name, values in totals.items():
        mean, error = ratio_and_se(values, counts)
        found |= {name: round(mean, 8), f"{name}_se": round(error, 8)}
    for name in ("trained", "other"):
        perplexity = math.exp(found[f"{name}_loss"])
        found |= {
            f"{name}_perplexity": round(perplexity, 6),
            f"{name}_perplexity_se": round(perplexity * found[f"{name}_loss_se"], 6),
        }
    return found


def _answer_logprobs(model: Model, row: Encoded) -> Tensor:
    """log p of every token where the answer's are told, [answer's tokens, vocabulary], float32."""
    count = sum(label != IGNORED for label in row.labels)
    logits = answer_logits(model, left_padded([row.input_ids], model.device), count)
    return logits[0].float().log_softmax(-1).cpu()
