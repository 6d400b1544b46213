"""The loop of PPO: roll out, judge, improve, measure; kept so that a killed run goes on as if nothing had
happened."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from s2.kernel.cache import content_key
from s2.kernel.files import new_file, write_json
from s2.models.adapters import note_training, save_adapter
from s2.models.sampling import Sampler
from s2.params.align import PpoModel
from s2.train.curves import write_table
from s2.train.ppo.improve import Improver, shuffled
from s2.train.ppo.losses import adapted
from s2.train.ppo.measure import Columns, Judges, gains, measure, points, summary
from s2.train.ppo.prompts import Prompt
from s2.train.ppo.roles import POLICY, Roles
from s2.train.ppo.rollout import roll_out
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
        self._improver = Improver(roles, ppo, sampler.pad)
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
                orders[turn] = shuffled(len(prompts), content_key(self._seed, "prompts", turn))
            found.append(prompts[orders[turn][rest]])
        return found

    def _step(self, prompts: list[Prompt], updates: int) -> None:
        progress, ppo = self._progress, self._ppo
        number = progress.update
        seed = int(content_key(self._seed, "rollout", number)[:8], 16)
        rollout = roll_out(
            self._roles,
            prompts,
            self._sampler,
            ppo,
            self._normals,
            progress.coefficient,
            seed,
            fit_critic=number == 0,
        )
        rate = 1 - number / updates if ppo.scheduler == "linear" else 1.0
        found = self._improver.improve(rollout, rate, learn_policy=number >= ppo.value_warmup, seed=seed)
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
        progress = self._progress
        # Not to the file at once: PyTorch's writer tells a full disk as an error of its own.
        content = BytesIO()
        torch.save(
            {
                **self._improver.state(),
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
        self._improver.load(kept)
        self._progress = Progress(
            kept["update"], kept["coefficient"], kept["rows"], kept["measured"], kept["episodes"]
        )
