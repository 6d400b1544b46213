"""The invariants of models that are adapters on one base, on a tiny model."""

from pathlib import Path

import pytest
import torch

from s2.kernel.errors import S2Error
from s2.models.adapters import add_adapter
from s2.models.batches import right_aligned
from s2.models.loading import load_model
from s2.models.reward import load_reward, rewards
from s2.models.sampling import sample
from s2.train.ppo.roles import POLICY, REFERENCE
from s2.train.ppo.rollout import judge, roll_out
from tests.train.ppo.making import NORMALS, prompts, roles, sampler, settings
from tests.train.tolerance import near

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_before_the_first_step_the_policy_is_the_reference_and_ratios_are_one(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path, quantization: str
) -> None:
    ppo = settings()
    made = roles(tiny_model, tiny_adapter, tiny_reward, quantization)
    asked = prompts(tiny_adapter, 6)
    found = roll_out(made, asked, sampler(tiny_adapter, ppo), ppo, NORMALS, 0.1, 3, fit_critic=True)
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
        found = roll_out(made, asked, sampler(tiny_adapter, ppo), ppo, NORMALS, 0.1, 3, fit_critic=True)
        outcomes.append(found)
    one, six = outcomes
    assert [a.ids for a in one.judged.answers] == [a.ids for a in six.judged.answers]
    for first, second in (
        (one.values, six.values),
        (one.advantages, six.advantages),
        (one.returns, six.returns),
    ):
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(first, second, strict=True))


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


def test_the_critic_starts_as_the_first_reward_model_on_another_scale(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path
) -> None:
    """What comes after an answer is worth what the answer is scored."""
    made = roles(tiny_model, tiny_adapter, tiny_reward)
    asked, told = [[1, 5, 6], [1, 9]], [[7, 8], [4, 3, 2]]
    (raw,) = made.rewards(made.read(asked, told)).values()
    after = made.read(asked, [[*answer, 5] for answer in told])
    assert torch.allclose(made.values(after)[:, -1], raw, atol=1e-6)
    for slope, shift in ((0.5, -0.25), (3.0, 1.0)):  # (raw/2 - 1/4)·3 + 1
        made.rescale_values(slope, shift)
    assert torch.allclose(made.values(after)[:, -1], 1.5 * raw + 0.25, atol=1e-6)
    assert torch.equal(made.rewards(made.read(asked, told))["liked"], raw)


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
    learned = {name for name in gradients if ".layers.1." in name} | {"head.weight", "head.bias"}
    assert set(upper_gradients) == learned and len(learned) < len(gradients)
    for name, gradient in upper_gradients.items():
        whole_gradient = gradients[name]
        assert gradient is not None and whole_gradient is not None and gradient.abs().sum() > 0, name
        assert torch.allclose(gradient, whole_gradient, atol=1e-5), name


def test_a_base_that_does_more_to_its_logits_is_refused(
    tiny_model: Path, tiny_adapter: Path, tiny_reward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2.train.ppo.roles.head_of_words", lambda model: None)
    with pytest.raises(S2Error, match="PPO cannot train LlamaForCausalLM"):
        roles(tiny_model, tiny_adapter, tiny_reward)
