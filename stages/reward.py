"""Train a reward model on a preference set: `python -m stages.reward NAME`, in `machine.processes`
processes."""

import shutil
import sys
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.models.loading import load_model
from s2.params.align import RewardModel
from s2.params.base import Part, Positive, Seed
from s2.params.loading import load, load_settings
from s2.params.models import PromptStyle
from s2.train.checkpoints import checkpoint_folder, checkpoint_path
from s2.train.intervals import Checkpoints
from s2.train.pairs import PairRun, encode_pairs
from s2.train.processes import launched, rank
from s2.train.reward import make_trainer, train
from stages.runner import run

BASE = Path("models/base")
SPLITS = ("train", "validation", "test")


def main() -> None:
    name = sys.argv[1]
    if launched("stages.reward", [name], load("machine.processes", Positive)):
        return
    reward, seed = load_settings("reward", name, RewardModel), load("seed", Seed)
    prompt, every = load("model.prompt", PromptStyle), load("machine.checkpoint_every", Part)
    start = Path("models") / reward.start
    folder = Path(f"data/preference/{reward.data}")
    data = {split: folder / f"{split}.parquet" for split in SPLITS}
    rows = {split: read_rows(path) for split, path in data.items()}
    code = meaning(make_trainer, load_model, encode_pairs, Checkpoints)
    keyed = f"reward-{name}", [BASE, start, *data.values()], reward.model_dump(), prompt, seed, code
    adapter = Path(f"models/reward/{name}")
    if rank() > 0:
        checkpoints = checkpoint_path(*keyed)
        train(PairRun(name, BASE, start, checkpoints, adapter, prompt, every), rows, reward, seed)
        return
    with checkpoint_folder(*keyed) as checkpoints, new_folder(adapter) as part:
        paths = PairRun(name, BASE, start, checkpoints, part, prompt, every)
        metrics = train(paths, rows, reward, seed)
        with new_folder(Path(f"metrics/plots/reward/{name}")) as plots:
            shutil.copytree(checkpoints / "curve", plots, dirs_exist_ok=True)
        write_json(Path(f"metrics/reward/{name}.json"), metrics)


if __name__ == "__main__":
    run(main)
