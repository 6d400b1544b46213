"""The invariants of PPO on a tiny model, and a run from end to end."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from s2.kernel.errors import S2Error
from s2.models.adapters import add_adapter, lora_config
from s2.models.batches import left_padded, right_aligned
from s2.models.encoding import Encoder
from s2.models.loading import load_model, load_tokenizer
from s2.models.packed import packed
from s2.models.reward import last_states, load_reward, rewards
from s2.models.sampling import Sampler, sample
from s2.models.saving import save_causal_model
from s2.params.align import PpoModel, RewardModel
from s2.params.train import Lora
from s2.quality.readability import scorer
from s2.train import reward as reward_module
from s2.train.pairs import PairRun
from s2.train.ppo import loop as module
from s2.train.ppo.loop import Loop, PpoRun
from s2.train.ppo.measure import Judges
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, REFERENCE, Roles, _head_of_words
from s2.train.ppo.rollout import judge, roll_out
from s2.train.ppo.scores import Normal
from s2.train.ppo.trunk import Trunk
from tests.models.making import make_model
from tests.train.pairing import pair_rows, section
from tests.train.tolerance import near

pytestmark = pytest.mark.slow

NORMALS = {"liked": Normal(0.5, 2.0)}


@pytest.fixture(scope="module")
def tiny_reward(tiny_model: Path, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reward")
    values = section("reward", **{"from": "sft/some", "data": "some", "lr": 0.01, "max_length": 128})
    run = PairRun(
        "liked", tiny_model, tiny_adapter, folder / "checkpoints", folder / "adapter", "s2", 0.5
    )
    splits = {"train": pair_rows(12), "validation": pair_rows(6), "test": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reward_module.train(run, splits, RewardModel.model_validate(values | {"epochs": 3}), 1)
    return folder / "adapter"


def settings(**changes: Any) -> PpoModel:
    small = {"from": "sft/some", "rewards": {"liked": 1.0}, "episodes": 24, "rollout": 8, "minibatch": 4}
    small |= {"batch_size": 4, "max_new_tokens": 8, "lr": 0.003, "value_lr": 0.003, "value_warmup": 0}
    return PpoModel.model_validate(section("ppo", **small | {"measured": 4} | changes))


def prompts(tokenizer_folder: Path, count: int) -> list[Prompt]:
    encoder = Encoder(load_tokenizer(tokenizer_folder))
    return [Prompt(str(n), encoder.turns([f"Why {'so ' * (n % 3)}{n}?"])) for n in range(count)]


def sampler(folder: Path, ppo: PpoModel) -> Sampler:
    encoder = Encoder(load_tokenizer(folder))
    return Sampler(
        encoder.ends, int(encoder.tokenizer.pad_token_id), ppo.temperature, ppo.max_new_tokens, 3
    )


def roles(base: Path, start: Path, reward: Path, quantization: Any = "none", **options: Any) -> Roles:
    return Roles(base, start, {"liked": reward}, "float32", quantization, **{"value_layers": 1} | options)


def make_loop(folder: Path, made: Roles, start: Path, ppo: PpoModel) -> Loop:
    run = PpoRun("some", folder / "checkpoints", folder / "adapter", 0.3)

    def toxicity(texts: Sequence[str]) -> list[float]:
        return [0.0] * len(texts)

    judges = Judges(load_tokenizer(start), scorer("report"), toxicity)
    return Loop(run, made, ppo, NORMALS, sampler(start, ppo), judges, seed=1)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_before_the_first_step_the_policy_is_the_reference_and_ratios_are_one(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path, quantization: str
) -> None:
    ppo = settings()
    made = roles(tiny_model, tiny_adapter, tiny_reward, quantization)
    asked = prompts(tiny_adapter, 6)
    found = roll_out(made, asked, sampler(tiny_adapter, ppo), ppo, NORMALS, 0.1, 3)
    assert found.judged.kl().tolist() == [0.0] * 6
    told = [answer.ids for answer in found.judged.answers]
    found_pad = sampler(tiny_adapter, ppo).pad
    again = made.logprobs(POLICY, made.read([p.ids for p in asked], told), 1.0, found_pad)
    ratio = torch.exp(again.detach() - right_aligned(found.judged.logprobs))
    assert torch.allclose(ratio, torch.ones_like(ratio), atol=near(quantization))


def test_adapters_on_one_base_are_separate_models(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    """Log-probabilities and rewards are those of models that are loaded alone, through another path."""
    ppo = settings()
    made = roles(tiny_model, tiny_adapter, tiny_reward)
    asked = prompts(tiny_adapter, 5)
    answers = sample(made.model, [p.ids for p in asked], sampler(tiny_adapter, ppo), 7)
    found = judge(made, asked, answers, ppo, NORMALS, sampler(tiny_adapter, ppo).pad)
    sequences = [p.ids + a.ids for p, a in zip(asked, answers, strict=True)]
    raw = rewards(load_reward(tiny_model, tiny_reward, "float32", "none"), sequences, 2)
    assert found.rewards["liked"].tolist() == pytest.approx([(r - 0.5) / 2 for r in raw], abs=1e-5)
    ended = torch.tensor([answer.ended for answer in answers])
    expected = found.rewards["liked"] - ppo.missing_end * ~ended
    assert torch.allclose(found.scores, expected)
    alone = add_adapter(load_model(tiny_model, "float32"), tiny_adapter, "alone").eval()
    pad = sampler(tiny_adapter, ppo).pad
    for prompt, answer, ours in zip(asked, answers, found.reference, strict=True):
        with torch.inference_mode():
            logits = alone(input_ids=torch.tensor([prompt.ids + answer.ids])).logits[0]
        logits = logits.index_fill(1, torch.tensor([pad]), -torch.inf)
        told = logits.log_softmax(-1)[len(prompt.ids) - 1 : -1]
        theirs = told.gather(-1, torch.tensor(answer.ids)[:, None])[:, 0]
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_size_of_a_pass_and_its_padding_change_nothing(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    made = roles(tiny_model, tiny_adapter, tiny_reward)
    asked = prompts(tiny_adapter, 6)
    outcomes = []
    for batch_size in (1, 6):
        ppo = settings(batch_size=batch_size)
        found = roll_out(made, asked, sampler(tiny_adapter, ppo), ppo, NORMALS, 0.1, 3)
        outcomes.append(found)
    one, six = outcomes
    assert [a.ids for a in one.judged.answers] == [a.ids for a in six.judged.answers]
    for first, second in (
        (one.values, six.values),
        (one.advantages, six.advantages),
        (one.returns, six.returns),
    ):
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))


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
        ppo = settings(kl=kl, episodes=320, rollout=32, minibatch=16, lr=0.01, missing_end=0.0, epochs=4)
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


def test_gradient_checkpointing_changes_no_gradient(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    gradients = []
    for checkpointing in (False, True):
        made = roles(tiny_model, tiny_adapter, tiny_reward, gradient_checkpointing=checkpointing)
        made.logprobs(POLICY, made.read([[1, 5, 6]], [[7, 8]]), 1.0, 0).sum().backward()
        made.values(made.read([[1, 5, 6]], [[7, 8]])).sum().backward()
        both = {**made.policy_parameters, **{f"v.{k}": p for k, p in made.value_parameters.items()}}
        gradients.append({name: parameter.grad for name, parameter in both.items()})
    for name, gradient in gradients[0].items():
        other = gradients[1][name]
        assert gradient is not None and other is not None and gradient.abs().sum() > 0, name
        assert torch.allclose(gradient, other, atol=1e-5), name
    assert REFERENCE != POLICY


def test_a_critic_that_learns_in_its_upper_layers_is_the_whole_critic_there(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    """The same values, rewards and, where it learns, gradients; whether its lower layers are read for it
    or kept from a rollout's beginning."""
    asked, told = [[1, 5, 6], [1, 9]], [[7, 8], [4, 3, 2]]
    found = []
    for layers in (None, 1):
        made = roles(tiny_model, tiny_adapter, tiny_reward, value_layers=layers)
        kept = made.below(asked, told, 2)
        assert (kept is None) == (layers is None)  # both of two layers are adapted
        read, again = made.read(asked, told), made.read(asked, told, kept)
        assert torch.equal(made.values(read), made.values(again))
        made.values(again).square().sum().backward()
        gradients = {name: parameter.grad for name, parameter in made.value_parameters.items()}
        found.append((made.values(again).detach(), made.rewards(again)["liked"].detach(), gradients))
    (whole, reward, gradients), (upper, same_reward, upper_gradients) = found
    assert torch.allclose(whole, upper, atol=1e-6) and torch.allclose(reward, same_reward, atol=1e-6)
    learned = {name for name in gradients if ".layers.1." in name} | {"head"}
    assert set(upper_gradients) == learned and len(learned) < len(gradients)
    for name, gradient in upper_gradients.items():
        whole_gradient = gradients[name]
        assert gradient is not None and whole_gradient is not None and gradient.abs().sum() > 0, name
        assert torch.allclose(gradient, whole_gradient, atol=1e-5), name


@pytest.mark.parametrize("name", ["llama2", "qwen2", "gemma2", "gpt2", "neox"])
def test_roles_that_share_their_lower_layers_are_what_they_are_alone(tmp_path: Path, name: str) -> None:
    """Where an architecture cannot start in the middle (GPT-2 adds positions to what comes in; Gemma 2's
    layers see a window or all by their place), nothing is shared."""
    save_causal_model(make_model(tmp_path / "hub", name), tmp_path / "base")
    base = load_model(tmp_path / "base", "float32")
    lora = Lora(r=2, alpha=4, dropout=0.0, targets="all-linear", layers=1)
    model = get_peft_model(base, lora_config(lora, base))
    assert isinstance(model, PeftModel)
    for key, parameter in model.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(parameter, std=0.1)
    trunk = Trunk(model)
    assert trunk.adapted == [1]
    assert trunk.splits == (name not in ("gpt2", "gemma2"))
    assert trunk.packs == (name != "gemma2")
    rows = [[5, 6, 7, 8], [9, 10]]
    padded = left_padded(rows)
    with torch.inference_mode():
        batches = [packed(rows)] if trunk.packs else [packed([row]) for row in rows]
        below = [trunk.states(batch, stop=1) if trunk.splits else None for batch in batches]
        starts = [int(trunk.splits)] * len(batches)
        shared = torch.cat(list(map(trunk.states, batches, below, starts)), dim=1)
        whole = last_states(model.get_base_model(), padded)
    assert torch.allclose(shared[0], whole[padded.attention_mask.bool()], atol=1e-5)


def test_a_base_that_caps_its_logits_is_refused(tmp_path: Path) -> None:
    """PPO's log-probabilities are of the output embedding alone. (A random model's logits are too small
    for Gemma 2's cap to show.)"""
    save_causal_model(make_model(tmp_path / "hub", "gemma2"), tmp_path / "base")
    base = load_model(tmp_path / "base", "float32")
    base.get_output_embeddings().weight.data *= 1000
    lora = Lora(r=2, alpha=4, dropout=0.0, targets="all-linear", layers=1)
    model = get_peft_model(base, lora_config(lora, base))
    assert isinstance(model, PeftModel)
    with pytest.raises(S2Error, match="PPO cannot train Gemma2ForCausalLM"):
        _head_of_words(model)
