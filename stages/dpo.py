"""Train an adapter on preference pairs: `python -m stages.dpo NAME`, in `machine.processes` processes."""

import shutil
import sys
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.models.loading import load_model
from s2.params.align import DpoModel
from s2.params.base import Part, Positive, Seed
from s2.params.loading import load, load_settings
from s2.params.models import PromptStyle
from s2.train.checkpoints import checkpoint_folder, checkpoint_path
from s2.train.dpo import make_trainer, train
from s2.train.intervals import Checkpoints
from s2.train.pairs import PairRun, encode_pairs
from s2.train.processes import launched, rank
from stages.runner import run

BASE = Path("models/base")
SPLITS = ("train", "validation", "test")


def main() -> None:
    name = sys.argv[1]
    if launched("stages.dpo", [name], load("machine.processes", Positive)):
        return
    dpo, seed = load_settings("dpo", name, DpoModel), load("seed", Seed)
    prompt, every = load("model.prompt", PromptStyle), load("machine.checkpoint_every", Part)
    start = Path("models") / dpo.start
    folder = Path(f"data/preference/{dpo.data}")
    data = {split: folder / f"{split}.parquet" for split in SPLITS}
    rows = {split: read_rows(path) for split, path in data.items()}
    code = meaning(make_trainer, load_model, encode_pairs, Checkpoints)
    keyed = f"dpo-{name}", [BASE, start, *data.values()], dpo.model_dump(), prompt, seed, code
    adapter = Path(f"models/dpo/{name}")
    if rank() > 0:
        checkpoints = checkpoint_path(*keyed)
        train(PairRun(name, BASE, start, checkpoints, adapter, prompt, every), rows, dpo, seed)
        return
    with checkpoint_folder(*keyed) as checkpoints, new_folder(adapter) as part:
        paths = PairRun(name, BASE, start, checkpoints, part, prompt, every)
        metrics = train(paths, rows, dpo, seed)
        with new_folder(Path(f"metrics/plots/dpo/{name}")) as plots:
            shutil.copytree(checkpoints / "curve", plots, dirs_exist_ok=True)
        write_json(Path(f"metrics/dpo/{name}.json"), metrics)


if __name__ == "__main__":
    run(main)
