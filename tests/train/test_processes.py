import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from s2.kernel.errors import S2Error
from s2.train import processes
from tests.train.pairing import pair_rows, section
from tests.train.test_sft import ROWS, curve, settings

ROOT = Path(__file__).parents[2]

TRAIN = """
import json
import sys
from pathlib import Path

from s2.params.train import SftModel
from s2.train.processes import launched, rank
from s2.train.sft import SftRun, train

if __name__ == "__main__":
    base, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    if not launched("work", sys.argv[1:], count):
        (folder / f"by-{rank()}").touch()
        run = SftRun("some", base, folder / "checkpoints", folder / f"adapter-{rank()}", "s2", 0.4)
        given = json.loads((folder.parent / "given.json").read_text())
        rows, parameters = given["rows"], SftModel.model_validate(given["sft"])
        metrics = train(run, rows, rows[9:], parameters, 1)
        (folder / f"metrics-{rank()}.json").write_text(json.dumps(metrics))
"""


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "work.py").write_text(TRAIN)
    parameters = settings(batch_size=2, grad_accumulation=2, epochs=3, evaluate_every=0.3, lr=0.01)
    given = {"rows": ROWS, "sft": parameters.model_dump()}
    (tmp_path / "given.json").write_text(json.dumps(given))
    found = {}
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        command = [sys.executable, "-m", "work", str(tiny_model), str(folder), str(count)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert sorted(file.name for file in folder.glob("by-*")) == [f"by-{n}" for n in range(count)]
        # The first alone writes an adapter, a curve and a line about its speed.
        assert [path.name for path in folder.glob("adapter-*")] == ["adapter-0"]
        metrics = json.loads((folder / "metrics-0.json").read_text())
        found[count] = (
            metrics,
            curve(folder / "checkpoints", "train"),
            curve(folder / "checkpoints", "validation"),
        )
    for alone, together in zip(found[1], found[2], strict=True):
        assert alone.keys() == together.keys()
        for key in alone.keys() - {"dropped"}:
            assert together[key] == pytest.approx(alone[key], rel=2e-4), key
    assert len(found[1][1]) == 9 and list(found[1][2]) == [0, 3, 6, 9]
    assert len((tmp_path / ".s2/logs/speed.jsonl").read_text().splitlines()) == 2


def points(checkpoints: Path) -> dict[tuple[str, str], float]:
    """All that the training curve says, by step and name."""
    with (checkpoints / "curve/train.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {(row["step"], name): float(value) for row in rows for name, value in row.items()}


ALIGN = """
import json
import sys
from pathlib import Path

from s2.params.align import DpoModel as Settings
from s2.train.dpo import train
from s2.train.pairs import PairRun
from s2.train.processes import launched, rank

if __name__ == "__main__":
    base, start, folder, count = *map(Path, sys.argv[1:4]), int(sys.argv[4])
    if not launched("align", sys.argv[1:], count):
        (folder / f"by-{rank()}").touch()
        adapter = folder / f"adapter-{rank()}"
        run = PairRun("some", base, start, folder / "checkpoints", adapter, "s2", 0.4)
        given = json.loads((folder.parent / "given.json").read_text())
        metrics = train(run, given["splits"], Settings.model_validate(given["settings"]), 1)
        (folder / f"metrics-{rank()}.json").write_text(json.dumps(metrics))
"""


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["dpo", "reward"])
def test_two_processes_align_as_one_does(
    tmp_path: Path, tiny_model: Path, tiny_adapter: Path, trainer: str
) -> None:
    """With unlike weights and margins: the same curve, and the first process alone writes."""
    work = ALIGN.replace("DpoModel", f"{trainer.capitalize()}Model").replace(
        "train.dpo", f"train.{trainer}"
    )
    (tmp_path / "align.py").write_text(work)
    changes = {"from": "sft/some", "data": "some", "lr": 0.01, "epochs": 3, "max_length": 128}
    changes |= {"batch_size": 1, "grad_accumulation": 4, "log_steps": 1, "margin": 0.5}
    rows = [row | {"weight": 1 / (1 + n % 3)} for n, row in enumerate(pair_rows(12))]
    for row in rows[:5]:  # so that not all are told apart, nor as many in each process's part
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    splits = {"train": rows, "validation": pair_rows(6), "test": []}
    given = {"splits": splits, "settings": section(trainer, **changes)}
    (tmp_path / "given.json").write_text(json.dumps(given))
    found = {}
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        paths = [str(tiny_model), str(tiny_adapter), str(folder)]
        done = subprocess.run(
            [sys.executable, "-m", "align", *paths, str(count)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert sorted(file.name for file in folder.glob("by-*")) == [f"by-{n}" for n in range(count)]
        assert [path.name for path in folder.glob("adapter-*")] == ["adapter-0"]
        metrics = json.loads((folder / "metrics-0.json").read_text())
        found[count] = metrics, points(folder / "checkpoints")
    for alone, together in zip(found[1], found[2], strict=True):
        assert alone.keys() == together.keys()
        for key in alone.keys() - {"dropped"}:
            assert together[key] == pytest.approx(alone[key], rel=2e-3, abs=2e-4), key
    assert len({step for step, _ in found[1][1]}) == 9


def test_passes_are_shared_out_evenly_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes.share(6) == 6
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes.share(6) == 3
    with pytest.raises(S2Error, match=r"2 processes cannot share sft\.grad_accumulation 3 evenly"):
        processes.share(3)


def test_of_several_gpus_one_is_used_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert not processes.launched("stages.sft", ["some"], 1)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert "2 GPUs are visible, one is used: set machine.processes" in capsys.readouterr().err
    with pytest.raises(S2Error, match=r"machine\.processes is 4, but there are 2 GPUs"):
        processes.launched("stages.sft", ["some"], 4)
