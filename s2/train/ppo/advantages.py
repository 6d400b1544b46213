"""From a rollout's scores to advantages (PPO: Schulman et al. 2017, arXiv:1707.06347; GAE:
arXiv:1506.02438).

Tensors are [episodes, longest answer], answers end together in the last column, and `mask` is True of
an answer's own tokens. What is outside of it is 0 and counts nowhere.
"""

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of the values inside the mask."""
    return (values * mask).sum() / mask.sum()


def token_rewards(
    scores: Tensor, logprobs: Tensor, reference: Tensor, mask: Tensor, coefficient: float
) -> Tensor:
    """The reward of each token: the penalty -coefficient·(log π - log π_ref), which is Schulman's k1
    (http://joschu.net/blog/kl-approx.html), and on the last token the answer's score ([episodes]) too."""
    rewards = -coefficient * (logprobs - reference) * mask
    rewards[:, -1] += scores
    return rewards


def advantages_and_returns(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantages A_t = Σ (γλ)^k δ_{t+k}, δ_t = r_t + γV_{t+1} - V_t, with V = 0 behind the
    last token, and the returns A + V that the critic learns."""
    rewards, values = rewards * mask, values * mask
    advantage = torch.zeros_like(rewards[:, 0])
    following = torch.zeros_like(advantage)
    columns = []
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * following - values[:, t]
        advantage = (delta + gamma * lam * advantage) * mask[:, t]
        following = values[:, t]
        columns.append(advantage)
    advantages = torch.stack(columns[::-1], dim=1)
    return advantages, advantages + values


def best_line(values: Tensor, returns: Tensor, mask: Tensor) -> tuple[float, float]:
    """The slope, which is at least 0, and the shift by which values come nearest to returns: least
    squares over the mask."""
    mean, of_returns = masked_mean(values, mask), masked_mean(returns, mask)
    together = masked_mean((values - mean) * (returns - of_returns), mask)
    slope = (together / (masked_mean((values - mean) ** 2, mask) + 1e-8)).clamp(min=0)
    return float(slope), float(of_returns - slope * mean)


def whitened(values: Tensor, mask: Tensor) -> Tensor:
    """Values with mean 0 and variance 1 over the whole mask; as they are where it has less than two."""
    if mask.sum() < 2:
        return values * mask
    mean = masked_mean(values, mask)
    variance = ((values - mean) ** 2 * mask).sum() / (mask.sum() - 1)
    return (values - mean) * torch.rsqrt(variance + 1e-8) * mask
