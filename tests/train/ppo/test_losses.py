import math

import pytest
import torch

from s2.train.ppo.losses import adapted, distance, policy_loss, value_loss

MASK = torch.tensor([[True, True, True, False]])


def test_the_policys_loss_by_hand() -> None:
    """Ratios 1.5, 0.5 and 1.1, clipped at 1 ± 0.2: max(-1.5, -1.2) + max(0.5, 0.8) + max(-2.2, -2.2);
    clipping counts where it is what decides, in the first two."""
    old = torch.zeros(1, 4)
    new = torch.tensor([[1.5, 0.5, 1.1, 7.0]]).log()
    loss, clipped = policy_loss(new, old, torch.tensor([[1.0, -1.0, 2.0, 5.0]]), MASK, 0.2)
    assert loss.item() == pytest.approx(-1.2 + 0.8 - 2.2) and clipped.item() == 2


def test_the_critics_loss_by_hand() -> None:
    """Old 0, clip 0.2: values 1, 0.1, -1 are taken as 0.2, 0.1, -0.2 where that is worse.
    Returns 1, 1, 0: max(0, 0.64) + max(0.81, 0.81) + max(1, 0.04)."""
    values = torch.tensor([[1.0, 0.1, -1.0, 50.0]])
    returns = torch.tensor([[1.0, 1.0, 0.0, 3.0]])
    assert value_loss(values, torch.zeros(1, 4), returns, MASK, 0.2).item() == pytest.approx(
        0.5 * (0.64 + 0.81 + 1.0)
    )


def test_the_distance_is_k3_and_never_negative() -> None:
    new = torch.tensor([[0.5, -0.5, 0.0, 9.0]])
    expected = sum(math.exp(x) - 1 - x for x in (0.5, -0.5))
    assert distance(new, torch.zeros(1, 4), MASK).item() == pytest.approx(expected)
    assert distance(-new, torch.zeros(1, 4), MASK).item() > 0


def test_the_coefficient_follows_its_target() -> None:
    """10 of 100 episodes: errors of 0.1, cut at ±0.2, change it by 1 %, 2 %."""
    assert adapted(0.5, kl=6.6, target=6, episodes=10, horizon=100) == pytest.approx(0.505)
    assert adapted(0.5, kl=60, target=6, episodes=10, horizon=100) == pytest.approx(0.51)
    assert adapted(0.5, kl=0, target=6, episodes=10, horizon=100) == pytest.approx(0.49)
    assert adapted(0.5, kl=60, target=None, episodes=10, horizon=100) == 0.5
