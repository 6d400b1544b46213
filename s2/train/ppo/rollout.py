"""A rollout: answers that the policy samples, what each model says of them, and their advantages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s2.models.batches import by_length, ends_together, right_aligned
from s2.models.sampling import Sampled, Sampler, sample
from s2.params.align import PpoModel
from s2.train.ppo.advantages import advantages_and_returns, token_rewards, whitened
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, REFERENCE, Roles
from s2.train.ppo.scores import Normal, normalised, safety_first, weighted, without_end


@dataclass(frozen=True)
class Judged:
    """Answers with what is known of each ([answers], or a tensor an answer, [its tokens]): its `score`
    (the penalty of a missing end among it), every model's normalised reward, and of its tokens the
    log-probabilities of policy and reference and the critic's values."""

    answers: list[Sampled]
    scores: Tensor
    rewards: dict[str, Tensor]
    logprobs: list[Tensor]
    reference: list[Tensor]
    values: list[Tensor]

    def kl(self) -> Tensor:
        """log π - log π_ref, summed over each answer, [answers]: its mean estimates the KL."""
        pairs = zip(self.logprobs, self.reference, strict=True)
        return torch.stack([(policy - reference).sum() for policy, reference in pairs])


@dataclass(frozen=True)
class Rollout:
    """What an update learns from: episodes, and a tensor each of advantages and returns; `below` is what
    all roles share of each, read once for all epochs."""

    prompts: list[Prompt]
    judged: Judged
    advantages: list[Tensor]
    returns: list[Tensor]
    below: list[Tensor] | None


@torch.no_grad()
def judge(
    roles: Roles,
    prompts: Sequence[Prompt],
    answers: Sequence[Sampled],
    ppo: PpoModel,
    normals: Mapping[str, Normal],
    pad: int,
    below: list[Tensor] | None = None,
) -> Judged:
    """What the models say of answers; `pad` is the token that is never sampled, `below` what
    `Roles.below` says of them, where that is known."""
    raw: dict[str, list[Tensor]] = {name: [torch.empty(0)] * len(answers) for name in normals}
    policy, reference, critic = ([torch.empty(0)] * len(answers) for _ in range(3))
    lengths = [len(prompt.ids) + len(answer.ids) for prompt, answer in zip(prompts, answers, strict=True)]
    for places in by_length(lengths, ppo.batch_size):
        asked = [prompts[place].ids for place in places]
        told = [answers[place].ids for place in places]
        read = roles.read(asked, told, below and [below[place] for place in places])
        of_policy = roles.logprobs(POLICY, read, ppo.temperature, pad)
        of_reference = roles.logprobs(REFERENCE, read, ppo.temperature, pad)
        of_critic = roles.values(read)
        found = roles.rewards(read)
        for row, place in enumerate(places):
            count = len(told[row])
            policy[place], reference[place] = of_policy[row, -count:], of_reference[row, -count:]
            critic[place] = of_critic[row, -count:]
            for name, values in found.items():
                raw[name][place] = values[row]
    stacked = {name: torch.stack(values) for name, values in raw.items()}
    rewards = normalised(stacked, normals)
    risky = torch.tensor([prompt.risky for prompt in prompts], device=policy[0].device)
    combined = (
        safety_first(stacked, rewards, ppo.rule, risky) if ppo.rule else weighted(rewards, ppo.rewards)
    )
    scores = without_end(combined, [answer.ended for answer in answers], ppo.missing_end)
    return Judged(list(answers), scores, rewards, policy, reference, critic)


@torch.no_grad()
def roll_out(
    roles: Roles,
    prompts: list[Prompt],
    sampler: Sampler,
    ppo: PpoModel,
    normals: Mapping[str, Normal],
    coefficient: float,
    seed: int,
) -> Rollout:
    """Sample an answer to each prompt and judge it; advantages are whitened over the whole rollout."""
    roles.use(POLICY)
    asked = [prompt.ids for prompt in prompts]
    answers = sample(roles.model, asked, sampler, seed)
    below = roles.below(asked, [answer.ids for answer in answers], ppo.batch_size)
    judged = judge(roles, prompts, answers, ppo, normals, sampler.pad, below)
    mask = ends_together([len(answer.ids) for answer in answers], roles.model.device)
    rewards = token_rewards(
        judged.scores, right_aligned(judged.logprobs), right_aligned(judged.reference), mask, coefficient
    )
    old = right_aligned(judged.values)
    advantages, returns = advantages_and_returns(rewards, old, mask, ppo.gamma, ppo.lam)
    white = whitened(advantages, mask)
    counts = [len(answer.ids) for answer in answers]
    return Rollout(prompts, judged, _rows(white, counts), _rows(returns, counts), below)


def _rows(values: Tensor, counts: Sequence[int]) -> list[Tensor]:
    return [row[-count:] for row, count in zip(values, counts, strict=True)]
