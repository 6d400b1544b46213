"""Log-probabilities of chosen tokens straight from hidden states, a part of the vocabulary at a time.

Logits of a whole batch, [tokens, vocabulary], are most of what training a small model moves through
memory. Here they are in memory for some words at once, and never kept: what the backward pass needs of
them is one vector a token,

    d log p(token) / d state = (W[token] - sum_v p(v) W[v]) / temperature

which the forward pass finds while it has the probabilities. Their sum and that of the weights are kept
relative to the largest logit so far, and scaled as a larger one comes (Milakov and Gimelshein 2018,
arXiv:1805.02867).
"""

from typing import Any

import torch
from peft import PeftModel
from torch import Tensor, nn

from s2.models.batches import left_padded
from s2.models.encoding import IGNORED
from s2.models.reward import last_states

WORDS = 2**11  # at once: so few that a CPU keeps their logits in its cache
LOGITS = 2**25  # at once where there is no such need, for fewer and larger products


@torch.no_grad()
def head_of_words(model: PeftModel) -> nn.Linear | None:
    """The output embedding, if a model's logits are that alone of its last hidden states, which nothing
    caps or scales, and if it does not learn."""
    inner: Any = model.get_base_model()
    head = inner.get_output_embeddings()
    if not isinstance(head, nn.Linear) or any(weight.requires_grad for weight in head.parameters()):
        return None
    batch, training = left_padded([[1, 2, 3]], model.device), model.training
    model.eval()
    told = inner(**batch._asdict(), use_cache=False, output_hidden_states=True)
    found = torch.stack([last_states(inner, batch), told.hidden_states[-1]])
    model.train(training)
    return head if torch.allclose(head(found), told.logits, rtol=1e-3, atol=1e-3) else None


def batch_label_logprobs(model: nn.Module, head: nn.Linear, labels: Tensor, **inputs: Tensor) -> Tensor:
    """log p of each label given what is before it, [rows, tokens - 1], float32: at i that of the label at
    i + 1, 0 where it is `IGNORED`. `head` is the model's own, which `head_of_words` found; `inputs` are
    what else the model is called with, so that a wrapper around it sees the call."""
    wanted = labels[:, 1:] != IGNORED
    told = model(**inputs, logits_to_keep=1, output_hidden_states=True, use_cache=False)
    found = chosen_logprobs(head, told.hidden_states[-1][:, :-1][wanted], labels[:, 1:][wanted])
    return torch.zeros(wanted.shape, device=found.device).masked_scatter(wanted, found)


def chosen_logprobs(
    head: nn.Linear, states: Tensor, chosen: Tensor, temperature: float = 1.0, never: int | None = None
) -> Tensor:
    """log softmax(head(state) / temperature)[chosen] of each state, in float32, [tokens].

    `states` is [tokens, hidden], `chosen` [tokens]; the token `never` has no probability. The head does
    not learn.
    """
    found: Tensor = _ChosenLogprobs.apply(states, head.weight, head.bias, chosen, temperature, never)
    return found


class _ChosenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        chosen: Tensor,
        temperature: float,
        never: int | None,
    ) -> Tensor:
        given = states.dtype
        states = states.to(weight.dtype)  # under autocast those of a bfloat16 base come in float32
        size = WORDS if states.device.type == "cpu" else max(WORDS, LOGITS // max(1, len(states)))
        told, total = (torch.zeros(len(states), 1, device=states.device) for _ in range(2))
        peak = torch.full_like(total, -torch.inf)
        mean = torch.zeros(states.shape, device=states.device) if ctx.needs_input_grad[0] else None
        for start in range(0, len(weight), size):
            words = slice(start, start + size)
            logits = nn.functional.linear(states, weight[words], None if bias is None else bias[words])
            logits = logits.float().div_(temperature)
            places = chosen[:, None] - start
            if never is not None and 0 <= never - start < size:
                logits[:, never - start] = -torch.inf
            here = (places >= 0) & (places < logits.shape[1])
            told = logits.gather(-1, places.clamp(0, logits.shape[1] - 1)).where(here, told)
            higher = torch.maximum(peak, logits.amax(-1, keepdim=True))
            odds, scale = logits.sub_(higher).exp_(), (peak - higher).exp()
            total = total * scale + odds.sum(-1, keepdim=True)
            if mean is not None:
                mean.mul_(scale).add_(odds.to(weight.dtype) @ weight[words])
            peak = higher
        if mean is not None:
            ctx.save_for_backward(((weight[chosen] - mean / total) / temperature).to(given))
        return (told - peak - total.log())[:, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return (gradients[0][:, None] * slopes).to(slopes.dtype), None, None, None, None, None
