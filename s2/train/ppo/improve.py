"""Improving policy and critic by a rollout, a minibatch at a time."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from s2.kernel.cache import content_key
from s2.models.batches import right_aligned
from s2.params.align import PpoModel
from s2.train.ppo.losses import distance, policy_loss, value_loss
from s2.train.ppo.roles import POLICY, Read, Roles
from s2.train.ppo.rollout import Rollout, reads


class Improver:
    """What learns of the roles, with an optimiser each; `pad` is the token that is never sampled."""

    def __init__(self, roles: Roles, ppo: PpoModel, pad: int) -> None:
        self._roles, self._ppo, self._pad = roles, ppo, pad
        self._policy_optimizer = AdamW(
            roles.policy_parameters.values(), lr=ppo.lr, weight_decay=0.0, fused=True
        )
        self._value_optimizer = AdamW(
            roles.value_parameters.values(), lr=ppo.value_lr, weight_decay=0.0, fused=True
        )

    def improve(self, rollout: Rollout, rate: float, learn_policy: bool, seed: int) -> dict[str, float]:
        """Minibatch epochs over a rollout, of the policy and then of the critic, which share nothing that
        learns, at a share `rate` of their learning rates. A step of the policy is left out, and with it
        the rest of this rollout's, as soon as it is further from the one that sampled than `kl.stop`."""
        self._rate(rate)
        totals = dict.fromkeys(("policy_loss", "clipped", "distance", "tokens", "steps"), 0.0)
        for batch in self._minibatches(len(rollout.prompts), seed) if learn_policy else ():
            passes, tokens = self._passes(rollout, batch)
            found = self._policy_step(rollout, passes, tokens)
            stopped = found.pop("stopped")
            for name, value in found.items():
                totals[name] += value
            totals["tokens"] += tokens
            if stopped:
                break
            totals["steps"] += 1
        learned = max(totals.pop("tokens"), 1.0)
        losses = [
            self._value_step(rollout, *self._passes(rollout, batch))
            for batch in self._minibatches(len(rollout.prompts), seed)
        ]
        return {
            "policy_loss": totals["policy_loss"] / learned,
            "clipped": totals["clipped"] / learned,
            "distance": totals["distance"] / learned,
            "value_loss": sum(losses) / len(losses),
            "steps": totals["steps"],
        }

    def _policy_step(
        self, rollout: Rollout, passes: list[tuple[list[int], Read]], tokens: int
    ) -> dict[str, float]:
        found = {"policy_loss": 0.0, "clipped": 0.0, "distance": 0.0}
        self._policy_optimizer.zero_grad()
        for places, read in passes:
            mask = read.answers
            logprobs = self._roles.logprobs(POLICY, read, self._ppo.temperature, self._pad)
            old = right_aligned([rollout.judged.logprobs[place] for place in places])
            advantages = right_aligned([rollout.advantages[place] for place in places])
            loss, clipped = policy_loss(logprobs, old, advantages, mask, self._ppo.clip)
            (loss / tokens).backward()
            found["policy_loss"] += loss.item()
            found["clipped"] += clipped.item()
            found["distance"] += distance(logprobs.detach(), old, mask).item()
        stop = self._ppo.kl.stop
        stopped = stop is not None and found["distance"] / tokens > stop
        if not stopped:
            clip_grad_norm_(self._roles.policy_parameters.values(), self._ppo.max_grad_norm)
            self._policy_optimizer.step()
        self._policy_optimizer.zero_grad()
        return found | {"stopped": stopped}

    def _value_step(self, rollout: Rollout, passes: list[tuple[list[int], Read]], tokens: int) -> float:
        total = 0.0
        self._value_optimizer.zero_grad()
        for places, read in passes:
            values = self._roles.values(read)
            old = right_aligned([rollout.values[place] for place in places])
            returns = right_aligned([rollout.returns[place] for place in places])
            loss = value_loss(values, old, returns, read.answers, self._ppo.value_clip)
            (loss / tokens).backward()
            total += loss.item()
        clip_grad_norm_(self._roles.value_parameters.values(), self._ppo.max_grad_norm)
        self._value_optimizer.step()
        self._value_optimizer.zero_grad()
        return total / tokens

    def _minibatches(self, count: int, seed: int) -> Iterator[list[int]]:
        for epoch in range(self._ppo.epochs):
            order = shuffled(count, content_key(seed, "epoch", epoch))
            for start in range(0, count, self._ppo.minibatch):
                yield order[start : start + self._ppo.minibatch]

    def _passes(self, rollout: Rollout, batch: list[int]) -> tuple[list[tuple[list[int], Read]], int]:
        """The forward passes of a minibatch, and how many tokens its answers have."""
        prompts = [rollout.prompts[place] for place in batch]
        answers = [rollout.judged.answers[place] for place in batch]
        below = rollout.below and [rollout.below[place] for place in batch]
        passes = [
            ([batch[place] for place in inner], read)
            for inner, read in reads(self._roles, prompts, answers, self._ppo.batch_size, below)
        ]
        return passes, sum(len(answer.ids) for answer in answers)

    def _rate(self, share: float) -> None:
        pairs = [(self._policy_optimizer, self._ppo.lr), (self._value_optimizer, self._ppo.value_lr)]
        for optimizer, rate in pairs:
            for group in optimizer.param_groups:
                group["lr"] = rate * share

    def state(self) -> dict[str, Any]:
        """All that learning has made, for a checkpoint."""
        return {
            "policy": dict(self._roles.policy_parameters),
            "value": dict(self._roles.value_parameters),
            "policy_optimizer": self._policy_optimizer.state_dict(),
            "value_optimizer": self._value_optimizer.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        for parameters, name in (
            (self._roles.policy_parameters, "policy"),
            (self._roles.value_parameters, "value"),
        ):
            for key, parameter in parameters.items():
                parameter.data.copy_(state[name][key])
        self._policy_optimizer.load_state_dict(state["policy_optimizer"])
        self._value_optimizer.load_state_dict(state["value_optimizer"])


def shuffled(count: int, key: str) -> list[int]:
    """The numbers below `count` in an order by a key."""
    chance = torch.Generator().manual_seed(int(key[:12], 16))
    return torch.randperm(count, generator=chance).tolist()
