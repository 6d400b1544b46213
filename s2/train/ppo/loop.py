"""The loop of PPO: roll out, judge, improve, measure; kept so that a killed run goes on as if nothing had
happened."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from tqdm import tqdm

from s2.kernel.cache import content_key
from s2.kernel.files import new_file, write_json
from s2.models.adapters import note_training, save_adapter
from s2.models.batches import right_aligned
from s2.models.sampling import Sampler
from s2.params.align import PpoModel
from s2.train.curves import write_table
from s2.train.ppo.losses import adapted, distance, policy_loss, value_loss
from s2.train.ppo.measure import Columns, Judges, gains, measure, points, summary
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, Read, Roles
from s2.train.ppo.rollout import Rollout, reads, roll_out
from s2.train.ppo.scores import Normal
from s2.train.speed import log_speed

TRAINED = ["score", "kl", "coefficient", "policy_loss", "value_loss", "clipped", "distance", "steps"]
TRAINED += ["tokens", "ended"]


@dataclass(frozen=True)
class PpoRun:
    """What one training run is called, where it keeps its checkpoint and curves, where its adapter goes,
    and its share of the updates between two checkpoints."""

    name: str
    checkpoints: Path
    adapter: Path
    checkpoint_every: float


@dataclass
class Progress:
    """How far a run is: updates done, the penalty's coefficient, a row of the curve an update, and the
    measurements by the updates before them."""

    update: int
    coefficient: float
    rows: dict[int, list[float]]
    measured: dict[int, Columns]
    episodes: int = 0


class Loop:
    """One run of PPO. All randomness is by the seed and the number of the update, so that the RNG of a
    run that goes on needs no more than that number; the prompts' order is by the seed alone."""

    def __init__(
        self,
        run: PpoRun,
        roles: Roles,
        ppo: PpoModel,
        normals: Mapping[str, Normal],
        sampler: Sampler,
        judges: Judges,
        seed: int,
    ) -> None:
        self._run, self._roles, self._ppo, self._normals = run, roles, ppo, normals
        self._sampler, self._judges, self._seed = sampler, judges, seed
        self._policy_optimizer = AdamW(
            roles.policy_parameters.values(), lr=ppo.lr, weight_decay=0.0, fused=True
        )
        self._value_optimizer = AdamW(
            roles.value_parameters.values(), lr=ppo.value_lr, weight_decay=0.0, fused=True
        )
        self._progress = Progress(0, ppo.kl.coefficient, {}, {})

    def train(self, prompts: Sequence[Prompt], held_out: Sequence[Prompt]) -> dict[str, Any]:
        """Train on prompts, measure on others; returns metrics with their noise: `sft.*` of the policy as
        it was, `policy.*` as it is now, and `gain.*`, the differences prompt by prompt."""
        began = time.monotonic()
        self._resume()
        asked = [prompt.id for prompt in held_out]
        updates = ceil(self._ppo.episodes / self._ppo.rollout)
        every = max(1, round(updates * self._ppo.measure_every))
        keep = max(1, ceil(updates * self._run.checkpoint_every))
        if not self._progress.update:
            self._measure(held_out)
        with tqdm(
            total=updates, initial=self._progress.update, desc="ppo", unit=" updates", disable=None
        ) as bar:
            while self._progress.update < updates:
                self._step(self._asked(prompts), updates)
                done = self._progress.update
                if done % every == 0 or done == updates:
                    self._measure(held_out)
                self._draw(asked)
                if done % keep == 0 or done == updates:
                    self._keep()
                bar.update()
        save_adapter(self._roles.model, self._run.adapter, POLICY)
        note_training(self._run.adapter, self._ppo.dtype, self._ppo.quantization)
        tokens = sum(int(row[-2]) for row in self._progress.rows.values())
        log_speed(f"ppo@{self._run.name}", tokens, time.monotonic() - began)
        first, last = self._progress.measured[0], self._progress.measured[updates]
        parts = {
            "sft": summary(first, asked),
            "policy": summary(last, asked),
            "gain": gains(first, last, asked),
        }
        metrics = {
            f"{part}.{name}": value for part, found in parts.items() for name, value in found.items()
        }
        return metrics | {
            "prompts_train": len(prompts),
            "prompts_measured": len(set(asked)),
            "answers_measured": len(asked),
            "episodes": self._progress.episodes,
            "updates": updates,
            "coefficient": round(self._progress.coefficient, 6),
        }

    def _asked(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """The next rollout's prompts: each pass over all of them in an order of its own; fewer than a
        rollout takes are asked more than once."""
        wanted = range(self._progress.episodes, self._progress.episodes + self._ppo.rollout)
        orders: dict[int, list[int]] = {}
        found = []
        for place in wanted:
            turn, rest = divmod(place, len(prompts))
            if turn not in orders:
                orders[turn] = _shuffled(len(prompts), content_key(self._seed, "prompts", turn))
            found.append(prompts[orders[turn][rest]])
        return found

    def _step(self, prompts: list[Prompt], updates: int) -> None:
        progress, ppo = self._progress, self._ppo
        number = progress.update
        seed = int(content_key(self._seed, "rollout", number)[:8], 16)
        rollout = roll_out(
            self._roles, prompts, self._sampler, ppo, self._normals, progress.coefficient, seed
        )
        rate = 1 - number / updates if ppo.scheduler == "linear" else 1.0
        found = self._improve(rollout, rate, learn_policy=number >= ppo.value_warmup, seed=seed)
        kl = float(rollout.judged.kl().mean())
        answers = rollout.judged.answers
        row = {
            "score": float(rollout.judged.scores.mean()),
            "kl": kl,
            "coefficient": progress.coefficient,
            "tokens": float(sum(len(p.ids) + len(a.ids) for p, a in zip(prompts, answers, strict=True))),
            "ended": sum(answer.ended for answer in answers) / len(answers),
        } | found
        progress.update += 1
        progress.rows[progress.update] = [row[name] for name in TRAINED]
        progress.episodes += len(prompts)
        progress.coefficient = adapted(
            progress.coefficient, kl, ppo.kl.target, len(prompts), ppo.kl.horizon
        )

    def _improve(self, rollout: Rollout, rate: float, learn_policy: bool, seed: int) -> dict[str, float]:
        """Minibatch epochs over a rollout, of the policy and then of the critic, which share nothing that
        learns. A step of the policy is left out, and with it the rest of this rollout's, as soon as it is
        further from the policy that sampled than `kl.stop`."""
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
            logprobs = self._roles.logprobs(POLICY, read, self._ppo.temperature, self._sampler.pad)
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
            order = _shuffled(count, content_key(seed, "epoch", epoch))
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

    def _measure(self, held_out: Sequence[Prompt]) -> None:
        seed = int(content_key(self._seed, "measure")[:8], 16)
        self._progress.measured[self._progress.update] = measure(
            self._roles, held_out, self._sampler, self._ppo, self._normals, self._judges, seed
        )

    def _draw(self, asked: Sequence[str]) -> None:
        curve = self._run.checkpoints / "curve"
        write_table(curve / "train.tsv", ["step", *TRAINED], self._progress.rows)
        write_json(curve / "measured.json", points(self._progress.measured, asked))

    @property
    def _checkpoint(self) -> Path:
        return self._run.checkpoints / "ppo.pt"

    def _keep(self) -> None:
        roles, progress = self._roles, self._progress
        # Not to the file at once: PyTorch's writer tells a full disk as an error of its own.
        content = BytesIO()
        torch.save(
            {
                "policy": dict(roles.policy_parameters),
                "value": dict(roles.value_parameters),
                "policy_optimizer": self._policy_optimizer.state_dict(),
                "value_optimizer": self._value_optimizer.state_dict(),
                "update": progress.update,
                "episodes": progress.episodes,
                "coefficient": progress.coefficient,
                "rows": progress.rows,
                "measured": progress.measured,
            },
            content,
        )
        with new_file(self._checkpoint) as part:
            part.write_bytes(content.getbuffer())

    def _resume(self) -> None:
        if not self._checkpoint.is_file():
            return
        kept = torch.load(self._checkpoint, map_location=self._roles.model.device, weights_only=True)
        for parameters, name in (
            (self._roles.policy_parameters, "policy"),
            (self._roles.value_parameters, "value"),
        ):
            for key, parameter in parameters.items():
                parameter.data.copy_(kept[name][key])
        self._policy_optimizer.load_state_dict(kept["policy_optimizer"])
        self._value_optimizer.load_state_dict(kept["value_optimizer"])
        self._progress = Progress(
            kept["update"], kept["coefficient"], kept["rows"], kept["measured"], kept["episodes"]
        )


def _shuffled(count: int, key: str) -> list[int]:
    """The numbers below `count` in an order by a key."""
    chance = torch.Generator().manual_seed(int(key[:12], 16))
    return torch.randperm(count, generator=chance).tolist()
