"""What an update learns from, on a tiny model."""

from pathlib import Path

import pytest
import torch

from s2.train.ppo.rollout import critic_values, roll_out
from tests.train.ppo.making import NORMALS, prompts, roles, sampler, settings


@pytest.mark.slow
def test_a_critic_that_has_learned_nothing_is_fitted_to_what_the_rollout_returned(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    """Without a penalty of the KL a token's return is its answer's score, of which a reward model that
    knows nothing of a missing end, here 5 of them, is far off."""
    ppo, asked = settings(missing_end=5.0), prompts(tiny_adapter, 8)
    found = {}
    for fit in (False, True):
        made = roles(tiny_model, tiny_adapter, tiny_reward)
        rollout = roll_out(made, asked, sampler(tiny_adapter, ppo), ppo, NORMALS, 0.0, 1, fit_critic=fit)
        values = critic_values(made, asked, rollout.judged.answers, 4)
        assert all(map(torch.allclose, values, rollout.values))
        answers = zip(rollout.judged.scores, values, strict=True)
        found[fit] = torch.cat([score - of_answer for score, of_answer in answers])
    assert found[True].mean().abs() < 1e-5 and found[False].mean() < -3
    assert found[True].var() <= found[False].var()
