"""Fine-tune an adapter on a dataset: `python -m stages.sft NAME`."""

import shutil
import sys
from pathlib import Path

from s2.files import new_folder, write_json
from s2.params import load_params
from s2.tables import read_rows
from s2.train.checkpoints import checkpoint_folder
from s2.train.sft import SftRun, train
from stages.runner import run

BASE = Path("models/base")


def main() -> None:
    params = load_params()
    name = sys.argv[1]
    data = Path(f"data/sft/{name}")
    inputs = [BASE, data / "train.parquet", data / "validation.parquet"]
    settings = params.sft.model_dump(), params.seed
    checkpoints = checkpoint_folder(f"sft-{name}", inputs, *settings)
    with new_folder(Path(f"models/sft/{name}")) as adapter:
        paths = SftRun(BASE, checkpoints, Path(f"metrics/plots/sft/{name}"), adapter)
        rows = read_rows(data / "train.parquet"), read_rows(data / "validation.parquet")
        metrics = train(paths, *rows, params.sft, params.seed)
    write_json(Path(f"metrics/sft/{name}.json"), metrics)
    shutil.rmtree(checkpoints)


if __name__ == "__main__":
    run(main)
