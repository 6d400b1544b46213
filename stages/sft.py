"""Fine-tune an adapter on a dataset: `python -m stages.sft NAME`, in `machine.processes` processes."""

import shutil
import sys
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.models.loading import load_model
from s2.params.base import Part, Positive, Seed
from s2.params.loading import load, load_settings
from s2.params.models import PromptStyle
from s2.params.train import SftModel
from s2.train.checkpoints import checkpoint_folder, checkpoint_path
from s2.train.intervals import Checkpoints
from s2.train.processes import launched, rank
from s2.train.sft import SftRun, encode, make_trainer, train
from stages.runner import run

BASE = Path("models/base")


def main() -> None:
    name = sys.argv[1]
    if launched("stages.sft", [name], load("machine.processes", Positive)):
        return
    sft, seed = load_settings("sft", name, SftModel), load("seed", Seed)
    prompt = load("model.prompt", PromptStyle)
    data = [Path(f"data/sft/{sft.data}/{split}.parquet") for split in ("train", "validation")]
    rows = [read_rows(path) for path in data]
    depends_on = sft.model_dump(), prompt, seed, meaning(make_trainer, load_model, encode, Checkpoints)
    inputs = [BASE, *data]
    adapter = Path(f"models/sft/{name}")
    every = load("machine.checkpoint_every", Part)
    if rank() > 0:
        checkpoints = checkpoint_path(f"sft-{name}", inputs, *depends_on)
        train(SftRun(name, BASE, checkpoints, adapter, prompt, every), rows[0], rows[1], sft, seed)
        return
    with (
        checkpoint_folder(f"sft-{name}", inputs, *depends_on) as checkpoints,
        new_folder(adapter) as part,
    ):
        paths = SftRun(name, BASE, checkpoints, part, prompt, every)
        metrics = train(paths, rows[0], rows[1], sft, seed)
        with new_folder(Path(f"metrics/plots/sft/{name}")) as plots:
            shutil.copytree(checkpoints / "curve", plots, dirs_exist_ok=True)
        write_json(Path(f"metrics/sft/{name}.json"), metrics)


if __name__ == "__main__":
    run(main)
