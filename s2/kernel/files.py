"""Files that appear whole or not at all."""

import errno
import glob
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from s2.kernel.children import is_running
from s2.kernel.paths import local


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """Where this process writes what will be `path`: in `.s2`, for what is not whole yet must not lie in
    an output's folder, where it would change its hash. What killed processes left there goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=process_folder(local("tmp"))) as folder:
        yield Path(folder) / path.name


def _put(part: Path, path: Path) -> None:
    """Give what is whole its place, by a rename; from another disk by a copy beside it first."""
    try:
        part.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            _remove(left)
        shutil.copytree(part, beside) if part.is_dir() else shutil.copyfile(part, beside)
        beside.replace(path)


def _move_away(path: Path, old: Path) -> None:
    try:
        path.replace(old)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _remove(path)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def process_folder(parent: Path) -> Path:
    """A folder of this process's own in `parent`; those of this host's processes that are gone are
    removed. (Of another host or container, which may share the folder, nothing can be told.)"""
    host = socket.gethostname()
    folder = parent / f"{host}.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        name, _, pid = other.name.rpartition(".")
        if name == host and pid.isdigit() and not is_running(int(pid)):
            shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `path` only if the block succeeds."""
    with _aside(path) as part:
        yield part
        _put(part, path)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Yield a path of that name for an intermediate file, which is removed when the block ends."""
    with _aside(path) as part:
        yield part


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder of that name for intermediate files, removed when the block ends."""
    with _aside(path) as part:
        part.mkdir()
        yield part


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder; it becomes `path` only if the block succeeds."""
    with _aside(path) as part, _aside(path) as old:
        part.mkdir()
        yield part
        if path.exists():
            _move_away(path, old)
        _put(part, path)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys atomically; a NaN or infinity raises `ValueError`."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def files_under(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths` and in the folders among them, sorted, hidden ones left out."""
    found: list[Path] = []
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and not file.name.startswith(".")]
    return sorted(found)
