"""SFT, DPO and a reward model one after the other, in one process or in several: what
`test_processes.py` compares.

python -m together BASE ADAPTER FOLDER PROCESSES
"""

import json
import sys
from pathlib import Path
from typing import Any

from s2.params.align import DpoModel, RewardModel
from s2.params.train import SftModel
from s2.train import dpo, reward, sft
from s2.train.pairs import PairRun
from s2.train.processes import launched, rank

EVERY = 0.4  # of the steps a checkpoint


def train(name: str, base: Path, start: Path, folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """The metrics of one training. Each process would write an adapter of its own."""
    checkpoints, adapter = folder / "checkpoints", folder / f"adapter-{rank()}"
    rows, settings = given["rows"], given["settings"]
    if name == "sft":
        run = sft.SftRun("some", base, checkpoints, adapter, "s2", EVERY)
        parameters = SftModel.model_validate(settings)
        return sft.train(run, rows["train"], rows["validation"], parameters, 1)
    pair_run = PairRun("some", base, start, checkpoints, adapter, "s2", EVERY)
    if name == "dpo":
        return dpo.train(pair_run, rows, DpoModel.model_validate(settings), 1)
    return reward.train(pair_run, rows, RewardModel.model_validate(settings), 1)


def main(arguments: list[str]) -> None:
    base, start, folder, processes = *map(Path, arguments[:3]), int(arguments[3])
    if launched("together", arguments, processes):
        return
    for name, given in json.loads((folder.parent / "given.json").read_text()).items():
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        (own / f"by-{rank()}").touch()
        metrics = train(name, base, start, own, given)
        (own / f"metrics-{rank()}.json").write_text(json.dumps(metrics))


if __name__ == "__main__":
    main(sys.argv[1:])
