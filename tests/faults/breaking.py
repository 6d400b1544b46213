"""Stages of the built tiny graph, broken in the middle: what they say, leave and do when run again."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.repository import environment

STAGES = [
    *("params", "sample", "base", "reddit", "wiki", "candidates_reddit", "candidates_wiki"),
    *("own_pairs", "toxicity reddit", "splits", "questions", "embeddings reddit", "leakage", "pairs"),
    *("preferences helpfulness", "chosen preferred", "datasets both"),
    *("cards both", "sets", "explore", "sft both", "reward helpfulness"),
    *("dpo both-dpo", "panels ppo both-ppo", "ppo both-ppo", "rejection best", "merge both-simple"),
    *("answers both models/merged/both-simple", "evaluate both", "report"),
]
FAULTS = ["kill", "interrupt", "full", "read_only"]
# What every test run breaks, and how; --every-stage breaks all in every way.
QUICK = {"wiki": FAULTS, "sft both": FAULTS, "ppo both-ppo": FAULTS[:3]}
OUTPUTS = ("data", "models", "metrics")
_MOUNTS = {"full": "size=4k", "read_only": "ro"}


def can_mount() -> bool:
    """Whether this system lets an ordinary process mount a disk of its own."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def copy(built: Path, folder: Path) -> Path:
    """The built graph in a folder of its own, files shared: stages replace them and never write into
    them."""
    subprocess.run(["cp", "-al", str(built), str(folder)], check=True)
    subprocess.run(["rm", "-rf", str(folder / ".s2/tmp"), str(folder / ".s2/locks")], check=True)
    # Only what is computed again can be broken in the middle.
    subprocess.run(["rm", "-f", *map(str, (folder / ".s2/cache").glob("*.sqlite*"))], check=True)
    return folder


def content(folder: Path) -> dict[str, str]:
    """Every file of the outputs, hidden ones too, by a hash."""
    files = [path for part in OUTPUTS for path in (folder / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def start(
    folder: Path, stage: str, mount: str | None = None, python: str = sys.executable
) -> subprocess.Popen[str]:
    command = [python, "-m", *f"stages.{stage}".split()]
    if mount:
        (folder / ".s2/tmp").mkdir(parents=True, exist_ok=True)
        line = f'mount -t tmpfs -o {mount} none .s2/tmp && exec "$@"'
        command = ["unshare", "-rm", "sh", "-c", line, "sh", *command]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment() | {"CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_writing(folder: Path, process: subprocess.Popen[Any]) -> None:
    """Until the stage has something unfinished aside, or has ended."""
    while process.poll() is None:
        if any((folder / ".s2/tmp").glob("*/*")):
            return
        time.sleep(0.002)


def break_stage(folder: Path, stage: str, fault: str) -> tuple[int, str]:
    """Run a stage with a fault; returns its exit status and what it said as it ended."""
    process = start(folder, stage, _MOUNTS.get(fault))
    if fault not in _MOUNTS:
        wait_until_writing(folder, process)
        number = signal.SIGKILL if fault == "kill" else signal.SIGINT
        if process.poll() is None:
            process.send_signal(number) if fault == "kill" else os.killpg(process.pid, number)
    _, said = process.communicate(timeout=120)
    return process.returncode, said
