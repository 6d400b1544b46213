"""A run from end to end, and what it is invariant to, on a tiny model."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from s2.models.loading import load_tokenizer
from s2.params.align import PpoModel
from s2.quality.readability import scorer
from s2.train.ppo import loop as module
from s2.train.ppo.loop import Loop, PpoRun
from s2.train.ppo.measure import Judges
from s2.train.ppo.roles import Roles
from tests.train.ppo.making import NORMALS, prompts, roles, sampler, settings

pytestmark = pytest.mark.slow


def make_loop(folder: Path, made: Roles, start: Path, ppo: PpoModel) -> Loop:
    run = PpoRun("some", folder / "checkpoints", folder / "adapter", 0.3)

    def toxicity(texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)

    judges = Judges(load_tokenizer(start), scorer("report"), toxicity)
    return Loop(run, made, ppo, NORMALS, sampler(start, ppo), judges, seed=1)


def test_an_update_of_eight_by_one_is_that_of_one_by_eight(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    after = []
    for batch_size in (1, 8):
        ppo = settings(batch_size=batch_size, minibatch=8, epochs=2, episodes=8)
        made = roles(tiny_model, tiny_adapter, tiny_reward)
        made_loop = make_loop(in_tmp / str(batch_size), made, tiny_adapter, ppo)
        metrics = made_loop.train(prompts(tiny_adapter, 8), prompts(tiny_adapter, 4))
        after.append((load_file(in_tmp / str(batch_size) / "adapter/adapter_model.safetensors"), metrics))
    (one, metrics_one), (eight, metrics_eight) = after
    assert metrics_one.keys() == metrics_eight.keys()
    # Adam divides by the gradient's size: where that is near 0 rounding decides.
    close = [torch.isclose(one[key], eight[key], atol=1e-4).float().mean() for key in one]
    assert min(close) > 0.99


def test_only_policy_and_critic_move(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    made = roles(tiny_model, tiny_adapter, tiny_reward)
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    make_loop(in_tmp, made, tiny_adapter, settings()).train(
        prompts(tiny_adapter, 8), prompts(tiny_adapter, 4)
    )
    moved = {
        name for name, value in made.model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert moved and all(".policy." in name or ".value." in name for name in moved)
    assert any(".policy." in name for name in moved) and any(".value." in name for name in moved)
    saved = load_file(in_tmp / "adapter/adapter_model.safetensors")
    assert saved.keys() == load_file(tiny_adapter / "adapter_model.safetensors").keys()


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_killed_run_ends_as_an_undisturbed_one(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path, killed_at: int
) -> None:
    asked, held_out = prompts(tiny_adapter, 5), prompts(tiny_adapter, 4)
    ppo = settings(kl={"coefficient": 0.1, "target": 0.5, "horizon": 20, "stop": None})
    whole = make_loop(in_tmp / "whole", roles(tiny_model, tiny_adapter, tiny_reward), tiny_adapter, ppo)
    expected = whole.train(asked, held_out)

    class Killed(Exception):
        pass

    cut = make_loop(in_tmp / "cut", roles(tiny_model, tiny_adapter, tiny_reward), tiny_adapter, ppo)
    step = cut._step

    def dying(*arguments: Any) -> None:
        if cut._progress.update == killed_at:
            raise Killed
        step(*arguments)

    cut._step = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        cut.train(asked, held_out)
    again = make_loop(in_tmp / "cut", roles(tiny_model, tiny_adapter, tiny_reward), tiny_adapter, ppo)
    assert again.train(asked, held_out) == expected
    for name in ("train.tsv", "measured.json"):
        one, other = (in_tmp / kind / "checkpoints/curve" / name for kind in ("whole", "cut"))
        assert one.read_text() == other.read_text()
    saved = [load_file(in_tmp / kind / "adapter/adapter_model.safetensors") for kind in ("whole", "cut")]
    assert all(torch.equal(saved[0][key], saved[1][key]) for key in saved[0])


def test_the_reward_rises_and_the_penalty_holds_it_back(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    # The head of random weights says nearly the same of all tokens, whatever is before it.
    base = Path(shutil.copytree(tiny_model, in_tmp / "loud"))
    tensors = load_file(base / "model.safetensors")
    tensors["lm_head.weight"] *= 20
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    found = {}
    for name, coefficient in (("free", 0.0), ("held", 0.5)):
        kl = {"coefficient": coefficient, "target": None, "horizon": 20, "stop": None}
        ppo = settings(kl=kl, episodes=320, rollout=32, minibatch=16, lr=0.003, missing_end=0.0, epochs=4)
        ppo = ppo.model_copy(update={"batch_size": 16})
        made = roles(base, tiny_adapter, tiny_reward, value_layers=None)
        asked = prompts(tiny_adapter, 16)
        found[name] = make_loop(in_tmp / name, made, tiny_adapter, ppo).train(
            asked, prompts(tiny_adapter, 32)
        )
    free, held = found["free"], found["held"]
    assert free["gain.reward"] > 3 * free["gain.reward_se"] > 0
    assert free["policy.kl"] > 2 * abs(held["policy.kl"])
    assert free["sft.kl"] == held["sft.kl"] == 0


def test_fewer_prompts_than_a_rollout_are_asked_again(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    made_loop = make_loop(in_tmp, roles(tiny_model, tiny_adapter, tiny_reward), tiny_adapter, settings())
    asked = made_loop._asked(prompts(tiny_adapter, 3))
    assert len(asked) == 8 and {p.id for p in asked[:3]} == {p.id for p in asked[3:6]} == {"0", "1", "2"}


def test_a_rollout_ends_where_the_policy_has_gone_too_far(
    in_tmp: Path, tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    kl = {"coefficient": 0.0, "target": None, "horizon": 20, "stop": 1e-9}
    ppo = settings(kl=kl, epochs=4, episodes=8)
    made_loop = make_loop(in_tmp, roles(tiny_model, tiny_adapter, tiny_reward), tiny_adapter, ppo)
    made_loop.train(prompts(tiny_adapter, 8), prompts(tiny_adapter, 4))
    row = dict(zip(module.TRAINED, made_loop._progress.rows[1], strict=True))
    assert row["steps"] == 1  # of eight: the first is of the policy that sampled
