import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from s2.kernel.errors import S2Error
from s2.train import processes
from tests.train.pairing import pair_rows, section
from tests.train.test_sft import ROWS, settings

ROOT = Path(__file__).parents[2]


def pairs() -> dict[str, Any]:
    """With unlike weights and margins; not all are told apart, nor as many in each process's part."""
    rows = [row | {"weight": 1 / (1 + n % 3)} for n, row in enumerate(pair_rows(12))]
    for row in rows[:5]:
        row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    return {"train": rows, "validation": pair_rows(6), "test": []}


def given() -> dict[str, Any]:
    """Rows and settings by trainer."""
    of_sft = settings(batch_size=2, grad_accumulation=2, epochs=3, evaluate_every=0.3, lr=0.01)
    of_pairs = {"from": "sft/some", "data": "some", "lr": 0.01, "epochs": 3, "max_length": 128}
    of_pairs |= {"batch_size": 1, "grad_accumulation": 4, "log_steps": 1, "margin": 0.5}
    sft = {"rows": {"train": ROWS, "validation": ROWS[9:]}, "settings": of_sft.model_dump()}
    return {"sft": sft} | {
        name: {"rows": pairs(), "settings": section(name, **of_pairs)} for name in ("dpo", "reward")
    }


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, tiny_adapter: Path
) -> dict[int, Path]:
    """By number of processes, a folder with what they made."""
    root = tmp_path_factory.mktemp("processes")
    (root / "given.json").write_text(json.dumps(given()))
    found = {count: root / str(count) for count in (1, 2)}
    for count, folder in found.items():
        paths = [str(tiny_model), str(tiny_adapter), str(folder)]
        done = subprocess.run(
            [sys.executable, "-m", "together", *paths, str(count)],
            cwd=root,
            env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{ROOT}", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["sft", "dpo", "reward"])
def test_two_processes_train_as_one_does(trained: dict[int, Path], trainer: str) -> None:
    """The same metrics and curves, and the first process alone writes an adapter, curves and a line
    about its speed."""
    found: dict[int, dict[str, Any]] = {}
    for count, root in trained.items():
        folder = root / trainer
        assert sorted(file.name for file in folder.glob("by-*")) == [f"by-{n}" for n in range(count)]
        assert [path.name for path in folder.glob("adapter-*")] == ["adapter-0"]
        found[count] = {"metrics": json.loads((folder / "metrics-0.json").read_text())}
        for curve in (folder / "checkpoints/curve").glob("*.tsv"):
            found[count][curve.stem] = points(curve)
    assert found[1].keys() == found[2].keys() >= {"metrics", "train"}
    relative, absolute = (2e-4, 1e-12) if trainer == "sft" else (2e-3, 2e-4)
    for name, alone in found[1].items():
        together = found[2][name]
        assert alone.keys() == together.keys()
        for key in alone.keys() - {"dropped"}:
            assert together[key] == pytest.approx(alone[key], rel=relative, abs=absolute), (name, key)
    assert len({step for step, _ in found[1]["train"]}) == 9
    if trainer == "sft":
        assert {step for step, _ in found[1]["validation"]} == {"0", "3", "6", "9"}
    speed = [json.loads(line) for line in (trained[1].parent / ".s2/logs/speed.jsonl").open()]
    assert [line["stage"] for line in speed].count(f"{trainer}@some") == len(trained)


def points(curve: Path) -> dict[tuple[str, str], float]:
    """All that a curve says, by step and name."""
    with curve.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {(row["step"], name): float(value) for row in rows for name, value in row.items()}


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
