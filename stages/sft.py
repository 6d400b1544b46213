"""Fine-tune an adapter on a dataset: `python -m stages.sft NAME`."""

import sys
from pathlib import Path

from s2.graph.code import meaning
from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.params.base import Count, Part
from s2.params.loading import load, load_settings
from s2.params.train import SftModel
from s2.train.checkpoints import checkpoint_folder
from s2.train.sft import SftRun, make_trainer, train
from stages.runner import run

BASE = Path("models/base")


def main() -> None:
    name = sys.argv[1]
    sft = load_settings("sft", name, SftModel)
    seed = load("seed", Count)
    checkpoint_every = load("machine.checkpoint_every", Part)
    data = [Path(f"data/sft/{sft.data}/{split}.parquet") for split in ("train", "validation")]
    depends_on = sft.model_dump(), seed, meaning(make_trainer)
    with (
        checkpoint_folder(f"sft-{name}", [BASE, *data], *depends_on) as checkpoints,
        new_folder(Path(f"models/sft/{name}")) as adapter,
        new_folder(Path(f"metrics/plots/sft/{name}")) as live,
    ):
        paths = SftRun(BASE, checkpoints, live, adapter, checkpoint_every)
        metrics = train(paths, read_rows(data[0]), read_rows(data[1]), sft, seed)
        write_json(Path(f"metrics/sft/{name}.json"), metrics)


if __name__ == "__main__":
    run(main)
