import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from s2.train.ppo.advantages import (
    advantages_and_returns,
    best_line,
    masked_mean,
    token_rewards,
    whitened,
)

MASK = torch.tensor([[True, True, True], [False, True, True]])


def test_the_score_is_on_the_last_token_and_the_penalty_on_each() -> None:
    """-0.1·(log π - log π_ref); outside of the mask nothing, whatever stands there."""
    logprobs = torch.tensor([[-1.0, -2.0, -1.0], [9.0, -1.0, -3.0]])
    reference = torch.tensor([[-2.0, -2.0, -2.0], [5.0, -2.0, -1.0]])
    rewards = token_rewards(torch.tensor([3.0, -1.0]), logprobs, reference, MASK, 0.1)
    assert rewards.tolist() == [pytest.approx([-0.1, 0, 2.9]), pytest.approx([0, -0.1, -0.8])]


def test_gae_on_three_tokens_by_hand() -> None:
    """γ 0.9, λ 0.5. δ = (0 + 0.9·2 - 1, 0 + 0.9·3 - 2, 1 - 3) = (0.8, 0.7, -2);
    A_3 = -2, A_2 = 0.7 - 0.45·2 = -0.2, A_1 = 0.8 - 0.45·0.2 = 0.71."""
    rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[1.0, 2.0, 3.0]])
    advantages, returns = advantages_and_returns(rewards, values, MASK[:1], 0.9, 0.5)
    assert advantages[0].tolist() == pytest.approx([0.71, -0.2, -2.0])
    assert returns[0].tolist() == pytest.approx([1.71, 1.8, 1.0])


def test_what_is_outside_of_the_mask_changes_nothing() -> None:
    rewards, values = torch.tensor([[7.0, 0.0, 1.0]]), torch.tensor([[9.0, 2.0, 3.0]])
    short = advantages_and_returns(rewards[:, 1:], values[:, 1:], MASK[1:, 1:], 0.9, 0.5)
    padded = advantages_and_returns(rewards, values, MASK[1:], 0.9, 0.5)
    for alone, beside in zip(short, padded, strict=True):
        assert beside[0, 0] == 0 and beside[0, 1:].tolist() == alone[0].tolist()


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(0, 1))
def test_with_lambda_one_returns_are_the_discounted_rewards(values: list[float], gamma: float) -> None:
    rewards = torch.tensor([values])
    mask = torch.ones_like(rewards, dtype=torch.bool)
    _, returns = advantages_and_returns(rewards, torch.randn_like(rewards), mask, gamma, 1.0)
    expected = sum(gamma**k * value for k, value in enumerate(rewards[0].tolist()))
    assert float(returns[0, 0]) == pytest.approx(expected, abs=1e-4)


def test_the_best_line_by_hand() -> None:
    """Values 1, 2, 3 and returns 1, 1, 4, means 2 and 2: Σ(v - 2)(r - 2) = 3 over Σ(v - 2)² = 2. Returns
    that fall as values rise are best met by their mean."""
    values, mask = torch.tensor([[1.0, 9.0], [2.0, 3.0]]), torch.tensor([[True, False], [True, True]])
    rising, falling = torch.tensor([[1.0, -7.0], [1.0, 4.0]]), torch.tensor([[4.0, -7.0], [1.0, 1.0]])
    assert best_line(values, rising, mask) == pytest.approx((1.5, -1.0))
    assert best_line(values, falling, mask) == pytest.approx((0.0, 2.0))
    assert best_line(torch.ones(2, 2), rising, mask) == pytest.approx((0.0, 2.0))


def test_whitening_is_over_the_whole_mask() -> None:
    """1, 2, 3, 4, 5: mean 3, variance 2.5."""
    values = torch.tensor([[1.0, 2.0, 3.0], [99.0, 4.0, 5.0]])
    found = whitened(values, MASK)
    root = 2.5**0.5
    assert found[0].tolist() == pytest.approx([-2 / root, -1 / root, 0])
    assert found[1].tolist() == pytest.approx([0, 1 / root, 2 / root])
    assert masked_mean(values, MASK).item() == 3
    one = torch.tensor([[False, True]])
    assert whitened(torch.tensor([[8.0, 3.0]]), one).tolist() == [[0, 3]]
