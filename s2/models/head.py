"""Log-probabilities of chosen tokens straight from hidden states, a few rows of logits at a time.

Logits of a whole batch, [tokens, vocabulary], are most of what training a small model moves through
memory. Here they are in memory for a few tokens at once, and never kept: what the backward pass needs of
them is one vector a token,

    d log p(token) / d state = (W[token] - sum_v p(v) W[v]) / temperature

which the forward pass finds while it has the probabilities.
"""

from typing import Any

import torch
from torch import Tensor, nn

LOGITS = 2**24  # in memory at once: for fewer rows a CPU reads the weights more than it multiplies


def chosen_logprobs(
    head: nn.Linear, states: Tensor, chosen: Tensor, temperature: float, never: int
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
        never: int,
    ) -> Tensor:
        logprobs = torch.empty(len(states), device=states.device)
        slopes = torch.empty_like(states) if ctx.needs_input_grad[0] else None
        size = max(1, LOGITS // len(weight))
        for start in range(0, len(states), size):
            rows = slice(start, start + size)
            logits = nn.functional.linear(states[rows], weight, bias).float().div_(temperature)
            logits[:, never] = -torch.inf
            told = logits.gather(-1, chosen[rows, None])
            peak = logits.amax(-1, keepdim=True)
            odds = logits.sub_(peak).exp_()
            total = odds.sum(-1, keepdim=True)
            logprobs[rows] = (told - peak - total.log())[:, 0]
            if slopes is not None:
                mean = (odds.to(weight.dtype) @ weight) / total
                slopes[rows] = (weight[chosen[rows]] - mean) / temperature
        if slopes is not None:
            ctx.save_for_backward(slopes)
        return logprobs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return (gradients[0][:, None] * slopes).to(slopes.dtype), None, None, None, None, None
