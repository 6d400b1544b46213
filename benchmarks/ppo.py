"""PPO with adapters on one base, against the PPO trainer of TRL 1.12, the last to have one.

The same base, SFT adapter, reward model, prompts, float32, new tokens, episodes, minibatches and epochs,
and the same objective: a reward in standard deviations, less a penalty where an answer does not end. TRL
has four models side by side, and all of its critic learns; ours learns as the sample's does, in its upper
layers (`ppo.value_layers`), at learning rates by which both come about as far from the SFT policy, and
is measured on its way too, so that its reward is known at TRL's KL. Both start from one policy, and are
measured alike (the same answers get the same rewards, to 1e-5), so that what is compared is the reward
itself. Rewards are of several answers to each held-out prompt, which each seed samples anew, so that
their noise is in the error over seeds. Answers are as long as the sample's: of 24 tokens one in forty
ends, and the gradient of 16 answers has a cosine of 0.04 with the true one, so that it is chance what 64
of them teach; of 48 one in four ends. TRL's trainer needs an environment of its own:

python3.11 -m venv .bench/trl && .bench/trl/bin/pip install trl==1.12.0 torch==2.13.0 peft psutil
python -m benchmarks.ppo .bench/trl/bin/python [episodes, 64 by default] [seeds, 3]

(after `dvc repro reward@simplicity`)
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from scipy.stats import t

from benchmarks.measure import Measured, measure, promise
from s2.kernel.stats import mean_and_se
from s2.kernel.tables import read_rows
from s2.models.about import about
from s2.models.adapters import read_adapter
from s2.models.encoding import Encoder
from s2.models.loading import load_generation, load_tokenizer
from s2.models.sampling import Sampler
from s2.params.align import PpoModel
from s2.quality.readability import scorer
from s2.train.merge import merge
from s2.train.ppo.loop import Loop, PpoRun
from s2.train.ppo.measure import Columns, Judges
from s2.train.ppo.prompts import Prompt, prompts_of
from s2.train.ppo.roles import Roles
from s2.train.ppo.scores import Normal

BASE, START, REWARD = Path("models/base"), Path("models/sft/preferred"), Path("models/reward/simplicity")
PROMPTS = Path("data/splits/prompts/reddit.parquet")
MERGED = Path(".bench/ppo-policy")


@dataclass(frozen=True)
class Task:
    """What both do."""

    episodes: int
    seed: int
    rollout: int = 16
    minibatch: int = 8
    epochs: int = 4
    new_tokens: int = 48
    lr: float = 5e-4
    our_lr: float = 4e-4  # an adapter that goes on from the SFT policy's goes further than a fresh one
    kl: float = 0.05
    missing_end: float = 0.5
    answers: int = 2  # to each held-out prompt


class Timed(Loop):
    """A loop that knows what it measured, and how long it took, which TRL's does not do."""

    measuring = 0.0

    @property
    def measured(self) -> dict[int, Columns]:
        return self._progress.measured

    def _measure(self, held_out: Sequence[Prompt]) -> None:
        began = time.perf_counter()
        super()._measure(held_out)
        self.measuring += time.perf_counter() - began


def prompts(split: str) -> tuple[list[Prompt], Encoder]:
    encoder = Encoder(load_tokenizer(START), "s2", load_generation(START))
    rows = [row for row in read_rows(PROMPTS) if row["split"] == split]
    return prompts_of(rows, encoder, 48, lambda texts: [0.0] * len(texts), 1.0), encoder


def ours(task: Task) -> dict[str, Any]:
    """Seconds of training alone, held-out reward and KL, and both from the SFT policy on."""
    section = yaml.safe_load(Path("profiles/sample.yaml").read_text(encoding="utf-8"))["ppo"]
    del section["models"]
    ppo = PpoModel.model_validate(
        section
        | {"from": "sft/some", "rewards": {REWARD.name: 1.0}, "scheduler": "constant"}
        | {"episodes": task.episodes, "rollout": task.rollout, "minibatch": task.minibatch}
        | {
            "epochs": task.epochs,
            "max_new_tokens": task.new_tokens,
            "lr": task.our_lr,
            "value_lr": task.lr,
        }
        | {"batch_size": task.minibatch, "generate_batch": 64}
        | {"measure_every": 0.5, "value_warmup": 0, "missing_end": task.missing_end}
        | {"kl": {"coefficient": task.kl, "target": None, "horizon": 1, "stop": None}}
    )
    asked, encoder = prompts("train")
    held_out, _ = prompts("validation")
    known = about(REWARD)
    pad = int(encoder.tokenizer.pad_token_id)
    sampler = Sampler(encoder.ends, pad, 1.0, task.new_tokens, 64)
    judges = Judges(encoder.tokenizer, scorer("report"), lambda texts: [0.0] * len(texts))
    normals = {REWARD.name: Normal(known["mean"], known["sd"])}
    roles = Roles(BASE, START, {REWARD.name: REWARD}, "float32", "none", ppo.value_layers)
    with TemporaryDirectory() as folder:
        run = PpoRun("bench", Path(folder) / "checkpoints", Path(folder) / "adapter", 1.0)
        loop = Timed(run, roles, ppo, normals, sampler, judges, task.seed)
        began = time.perf_counter()
        loop.train(asked, task.answers * held_out)
        seconds = time.perf_counter() - began - loop.measuring
    curve = [(mean(at["kl"]), mean(at["reward"])) for at in loop.measured.values()]
    kl, reward = curve[-1]
    return {"seconds": seconds, "reward": reward, "kl": kl, "curve": curve}


def at_kl(curve: Sequence[tuple[float, float]], kl: float) -> float:
    """The reward where a policy's way from the SFT policy, in (KL, reward), first comes to a KL; its last
    one if it does not come so far."""
    for (near, low), (far, high) in pairwise(curve):
        if near <= kl <= far:
            return low + (high - low) * (kl - near) / (far - near)
    return curve[-1][1]


def theirs(python: str, task: Task) -> dict[str, float]:
    """The same of TRL's trainer, in its own environment."""
    asked, encoder = prompts("train")
    held_out, _ = prompts("validation")
    known = about(REWARD)
    lora, _ = read_adapter(START)
    spec: dict[str, Any] = asdict(task) | {
        "policy": str(MERGED),
        "base": str(BASE),
        "reward": str(REWARD),
        "mean": known["mean"],
        "sd": known["sd"],
        "train": [prompt.ids for prompt in asked],
        "held_out": [prompt.ids for prompt in task.answers * held_out],
        "rank": lora.r,
        "alpha": lora.lora_alpha,
        "targets": sorted(lora.target_modules or ()),
        "layers": lora.layers_to_transform,
        "end": encoder.ends[0],
        "pad": int(encoder.tokenizer.pad_token_id),
    }
    script = Path(__file__).with_name("ppo_trl.py")
    done = subprocess.run([python, str(script)], input=json.dumps(spec), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    python = sys.argv[1]
    episodes = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    if not (MERGED / "config.json").is_file():
        MERGED.mkdir(parents=True, exist_ok=True)
        merge(BASE, [START], MERGED, careful=False)
    print(f"{episodes} episodes, {seeds} seeds; rewards are of held-out prompts, what both maximise")
    found: dict[str, list[Measured]] = {"TRL 1.12": [], "ours": []}
    for seed in range(seeds):
        task = Task(episodes, seed)
        for name, run in (("TRL 1.12", partial(theirs, python)), ("ours", ours)):
            measured = measure(run, task)
            found[name].append(measured)
            told = measured.result
            print(
                f"  {name:9} seed {seed} {measured}, training {told['seconds']:.1f} s, "
                f"reward {told['reward']:+.2f}, KL {told['kl']:.2f}"
            )
    one, other = found["ours"], found["TRL 1.12"]
    promise("peak memory", mean(m.peak_mb for m in one) / mean(m.peak_mb for m in other), most=0.5)
    time_ratio = mean(m.result["seconds"] for m in one) / mean(m.result["seconds"] for m in other)
    promise("time an episode", time_ratio, most=0.5)
    before = mean(m.result["curve"][0][1] for m in one)
    gaps = [
        at_kl(m.result["curve"], n.result["kl"]) - n.result["reward"]
        for m, n in zip(one, other, strict=True)
    ]
    gap, se = mean_and_se(gaps)
    print(f"reward of the SFT policy: {before:+.2f}")
    print(f"reward at TRL's KL, ours less TRL's: {gap:+.3f} ± {se:.3f} over seeds", end="")
    if seeds > 1:
        low, high = (float(end) for end in t.interval(0.95, seeds - 1, gap, se))
        verdict = "WORSE" if high < 0 else "not shown to be worse"
        print(f", 95 % interval (Student's t) {low:+.2f} to {high:+.2f}: {verdict}", end="")
    print()


if __name__ == "__main__":
    main()
