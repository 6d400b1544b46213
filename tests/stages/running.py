"""Stages run one by one in a folder, on the sample."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA_STAGES = ["params", "sample", "classifier", "reddit", "wiki"]
DATA_STAGES += ["candidates_reddit", "candidates_wiki", "own", "own_pairs"]


def run(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    for part in ("profiles", "s2/sample"):
        if not (folder / part).exists():
            (folder / part).parent.mkdir(exist_ok=True)
            (folder / part).symlink_to(ROOT / part)
    return subprocess.run(
        [sys.executable, "-m", *f"stages.{stage}".split()],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def build(folder: Path) -> Path:
    (folder / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    for stage in DATA_STAGES:
        done = run(folder, stage)
        assert done.returncode == 0, done.stderr
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [path for part in ("data", "metrics") for path in (folder / part).rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "params.yaml"
    text = (ROOT / "profiles/sample.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new))
