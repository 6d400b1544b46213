"""Train an adapter by PPO on reward models: `python -m stages.ppo NAME`."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2.graph.code import meaning
from s2.kernel.errors import S2Error
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.models.about import about
from s2.models.encoding import Encoder
from s2.models.loading import load_generation, load_tokenizer
from s2.models.sampling import Sampler
from s2.models.saving import save_asking
from s2.params.align import PpoModel
from s2.params.base import Part, Positive, Seed
from s2.params.data import Method, ToxicityDtype
from s2.params.loading import load, load_settings
from s2.params.models import PromptStyle
from s2.quality.readability import scorer
from s2.quality.toxicity import make_scorer
from s2.train.checkpoints import checkpoint_folder
from s2.train.ppo.loop import Loop, PpoRun
from s2.train.ppo.measure import Judges
from s2.train.ppo.prompts import prompts_of, repeated
from s2.train.ppo.roles import Roles
from s2.train.ppo.scores import Normal
from stages.runner import run

BASE = Path("models/base")
CLASSIFIER = Path("models/classifier")
PROMPTS = Path("data/splits/prompts/reddit.parquet")


def main() -> None:
    name = sys.argv[1]
    ppo, seed = load_settings("ppo", name, PpoModel), load("seed", Seed)
    style = load("model.prompt", PromptStyle)
    start, panel = Path("models") / ppo.start, Path(f"models/panels/ppo-{name}")
    encoder = Encoder(load_tokenizer(start), style, load_generation(start))
    toxicity = worst_label()
    method = load("quality.readability.method", Method)
    rows = read_rows(PROMPTS)
    risky = ppo.rule.risky if ppo.rule else 1.0
    prompts = {
        split: prompts_of(
            [row for row in rows if row["split"] == split], encoder, ppo.max_prompt, toxicity, risky
        )
        for split in ("train", "validation")
    }
    for split, few in prompts.items():
        if not few:
            raise S2Error(
                f"{PROMPTS} has no {split} prompt of at most ppo.max_prompt {ppo.max_prompt} tokens: "
                "take more of them, or more data (prompts are questions whose answers were all dropped)"
            )
    limits = {"train": ppo.prompts, "validation": ppo.measured}
    rewards = {reward: panel / reward for reward in ppo.rewards}
    normals = {reward: Normal(about(at)["mean"], about(at)["sd"]) for reward, at in rewards.items()}
    keyed = f"ppo-{name}", [BASE, CLASSIFIER, start, panel, PROMPTS], ppo.model_dump(), style, seed
    with (
        checkpoint_folder(*keyed, method, meaning(Loop, Roles, prompts_of)) as checkpoints,
        new_folder(Path(f"models/ppo/{name}")) as part,
    ):
        loaded = ppo.dtype, ppo.quantization
        roles = Roles(BASE, start, rewards, *loaded, ppo.value_layers, ppo.gradient_checkpointing)
        every = load("machine.checkpoint_every", Part)
        pad = int(encoder.tokenizer.pad_token_id)
        sampler = Sampler(encoder.ends, pad, ppo.temperature, ppo.max_new_tokens, ppo.generate_batch)
        judges = Judges(encoder.tokenizer, scorer(method), toxicity)
        loop = Loop(PpoRun(name, checkpoints, part, every), roles, ppo, normals, sampler, judges, seed)
        held_out = repeated(prompts["validation"][: limits["validation"]], ppo.measured)
        metrics = loop.train(prompts["train"][: limits["train"]], held_out)
        save_asking(encoder, part)
        with new_folder(Path(f"metrics/plots/ppo/{name}")) as plots:
            shutil.copytree(checkpoints / "curve", plots, dirs_exist_ok=True)
        write_json(Path(f"metrics/ppo/{name}.json"), metrics)


def worst_label() -> Any:
    """The score of texts by the toxicity classifier, of each its worst label."""
    dtype = load("quality.toxicity.dtype", ToxicityDtype)
    classifier = make_scorer(CLASSIFIER, dtype, load("quality.toxicity.batch_tokens", Positive))

    def worst(texts: Sequence[str]) -> list[float]:
        return [max(scores.values()) for scores in classifier.score(texts)]

    return worst


if __name__ == "__main__":
    run(main)
