"""The two losses of PPO, and the penalty's coefficient.

Losses are sums over tokens: whoever adds them up over the passes of an update divides by that update's
tokens, so that the size of a pass changes nothing.
"""

import torch
from torch import Tensor

MOST_ERROR = 0.2  # of the KL's relative distance from its target, at which one change is cut


def policy_loss(
    logprobs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    """Σ max(-A·ρ, -A·clip(ρ, 1 ± clip)) over the mask, ρ = π/π_old, and how many tokens were clipped."""
    ratio = torch.exp((logprobs - old) * mask)
    plain, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip)
    return (torch.max(plain, clipped) * mask).sum(), ((clipped > plain) & mask).sum()


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float) -> Tensor:
    """½ Σ max((V - R)², (V_clipped - R)²) over the mask, V_clipped = V within `clip` of the old one."""
    near = old + (values - old).clamp(-clip, clip)
    worse = torch.max((values - returns) ** 2, (near - returns) ** 2)
    return 0.5 * (worse * mask).sum()


def distance(logprobs: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """Σ over the mask of Schulman's k3 estimate of KL(old ‖ new), which is never negative:
    exp(x) - 1 - x with x = log π - log π_old."""
    change = (logprobs - old) * mask
    return (torch.expm1(change) - change).sum()


def adapted(coefficient: float, kl: float, target: float | None, episodes: int, horizon: int) -> float:
    """The penalty's next coefficient (Ziegler et al. 2019, arXiv:1909.08593, 2.2): larger where the mean
    KL of an answer is above its target, by at most `MOST_ERROR`·episodes/horizon of itself."""
    if target is None:
        return coefficient
    error = min(max(kl / target - 1, -MOST_ERROR), MOST_ERROR)
    return coefficient * (1 + error * episodes / horizon)
