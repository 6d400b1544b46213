"""A rollout: answers that the policy samples, what each model says of them, and their advantages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s2.models.batches import ends_together, right_aligned
from s2.models.sampling import Sampled, Sampler, sample
from s2.params.align import PpoModel
from s2.train.ppo.advantages import advantages_and_returns, best_line, token_rewards, whitened
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, REFERENCE, Below, Read, Roles
from s2.train.ppo.scores import Normal, normalised, safety_first, weighted, without_end


@dataclass(frozen=True)
class Judged:
    """Answers with what is known of each ([answers], or a tensor an answer, [its tokens]): its `score`
    (the penalty of a missing end among it), every model's normalised reward, and of its tokens the
    log-probabilities of policy and reference."""

    answers: list[Sampled]
    scores: Tensor
    rewards: dict[str, Tensor]
    logprobs: list[Tensor]
    reference: list[Tensor]

    def kl(self) -> Tensor:
        """log π - log π_ref, summed over each answer, [answers]: its mean estimates the KL."""
        pairs = zip(self.logprobs, self.reference, strict=True)
        return torch.stack([(policy - reference).sum() for policy, reference in pairs])


@dataclass(frozen=True)
class Rollout:
    """What an update learns from: episodes, and a tensor each of the critic's values, advantages and
    returns; `below` is what no training changes of each, read once for all epochs."""

    prompts: list[Prompt]
    judged: Judged
    values: list[Tensor]
    advantages: list[Tensor]
    returns: list[Tensor]
    below: list[Below] | None


@torch.no_grad()
def judge(
    roles: Roles,
    prompts: Sequence[Prompt],
    answers: Sequence[Sampled],
    ppo: PpoModel,
    normals: Mapping[str, Normal],
    pad: int,
    below: list[Below] | None = None,
) -> Judged:
    """What the models say of answers; `pad` is the token that is never sampled, `below` what
    `Roles.below` says of them, where that is known."""
    raw: dict[str, list[Tensor]] = {name: [torch.empty(0)] * len(answers) for name in normals}
    policy, reference = ([torch.empty(0)] * len(answers) for _ in range(2))
    for places, read in reads(roles, prompts, answers, ppo.batch_size, below):
        of_policy = roles.logprobs(POLICY, read, ppo.temperature, pad)
        of_reference = roles.logprobs(REFERENCE, read, ppo.temperature, pad)
        found = roles.rewards(read)
        for row, place in enumerate(places):
            count = len(answers[place].ids)
            policy[place], reference[place] = of_policy[row, -count:], of_reference[row, -count:]
            for name, values in found.items():
                raw[name][place] = values[row]
    stacked = {name: torch.stack(values) for name, values in raw.items()}
    rewards = normalised(stacked, normals)
    risky = torch.tensor([prompt.risky for prompt in prompts], device=policy[0].device)
    combined = (
        safety_first(stacked, rewards, ppo.rule, risky) if ppo.rule else weighted(rewards, ppo.rewards)
    )
    scores = without_end(combined, [answer.ended for answer in answers], ppo.missing_end)
    return Judged(list(answers), scores, rewards, policy, reference)


@torch.no_grad()
def critic_values(
    roles: Roles,
    prompts: Sequence[Prompt],
    answers: Sequence[Sampled],
    batch_size: int,
    below: list[Below] | None = None,
) -> list[Tensor]:
    """The critic's value of the state before each of an answer's tokens, a tensor an answer, [its
    tokens]; `below` as in `judge`."""
    found = [torch.empty(0)] * len(answers)
    for places, read in reads(roles, prompts, answers, batch_size, below):
        for place, values in zip(places, roles.values(read), strict=True):
            found[place] = values[-len(answers[place].ids) :]
    return found


def reads(
    roles: Roles,
    prompts: Sequence[Prompt],
    answers: Sequence[Sampled],
    batch_size: int,
    below: list[Below] | None = None,
) -> Iterator[tuple[list[int], Read]]:
    """The forward passes over answers: places of those of like length, read."""
    asked, told = [prompt.ids for prompt in prompts], [answer.ids for answer in answers]
    for places in roles.passes(asked, told, batch_size):
        yield (
            places,
            roles.read(
                [asked[place] for place in places],
                [told[place] for place in places],
                below and [below[place] for place in places],
            ),
        )


@torch.no_grad()
def roll_out(
    roles: Roles,
    prompts: list[Prompt],
    sampler: Sampler,
    ppo: PpoModel,
    normals: Mapping[str, Normal],
    coefficient: float,
    seed: int,
    fit_critic: bool,
) -> Rollout:
    """Sample an answer to each prompt and judge it; advantages are whitened over the whole rollout.

    To `fit_critic` is to scale and shift its values to what this rollout returned, which a critic that
    has learned nothing needs: a reward model reads answers that are not at their end on another scale
    than whole ones, and knows neither the other models nor the penalty of a missing end."""
    roles.use(POLICY)
    asked = [prompt.ids for prompt in prompts]
    answers = sample(roles.model, asked, sampler, seed)
    below = roles.below(asked, [answer.ids for answer in answers], ppo.batch_size)
    judged = judge(roles, prompts, answers, ppo, normals, sampler.pad, below)
    mask = ends_together([len(answer.ids) for answer in answers], roles.model.device)
    rewards = token_rewards(
        judged.scores, right_aligned(judged.logprobs), right_aligned(judged.reference), mask, coefficient
    )
    values = right_aligned(critic_values(roles, prompts, answers, ppo.batch_size, below))
    if fit_critic:
        values = _fitted(roles, rewards, values, mask, ppo.gamma)
    advantages, returns = advantages_and_returns(rewards, values, mask, ppo.gamma, ppo.lam)
    counts = [len(answer.ids) for answer in answers]
    kept, white, wanted = (
        _rows(found, counts) for found in (values, whitened(advantages, mask), returns)
    )
    return Rollout(prompts, judged, kept, white, wanted, below)


def _fitted(roles: Roles, rewards: Tensor, values: Tensor, mask: Tensor, gamma: float) -> Tensor:
    """The critic's values scaled and shifted to what a rollout returned, and so is the critic."""
    _, returned = advantages_and_returns(rewards, values, mask, gamma, lam=1.0)
    slope, shift = best_line(values, returned, mask)
    roles.rescale_values(slope, shift)
    return (slope * values + shift) * mask


def _rows(values: Tensor, counts: Sequence[int]) -> list[Tensor]:
    return [row[-count:] for row, count in zip(values, counts, strict=True)]
