"""Files that appear whole or not at all, and fingerprints of files."""

import fcntl
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _aside(path: Path) -> Path:
    """Where this process writes what will be `path`; what killed processes left there goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        pid, ending = left.name.split(".")[-2:]
        if ending in ("part", "old") and pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def process_folder(parent: Path) -> Path:
    """A folder of this process's own in `parent`; those of processes that are gone are removed."""
    folder = parent / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        if other.name.isdigit() and not _is_running(int(other.name)):
            shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; waits for another process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it replaces `path` only if the block succeeds."""
    with temporary_file(path) as part:
        yield part
        part.replace(path)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` for an intermediate file, which is removed when the block ends."""
    part = _aside(path)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` for intermediate files, removed when the block ends."""
    part = _aside(path)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it replaces `path` only if the block succeeds."""
    part = _aside(path)
    old = part.with_suffix(".old")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if path.exists():
            path.replace(old)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys atomically; a NaN or infinity raises `ValueError`."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def files_under(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths` and in the folders among them, sorted, hidden ones left out."""
    found: list[Path] = []
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and not file.name.startswith(".")]
    return sorted(found)


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(paths: Iterable[Path], *values: Any) -> str:
    """SHA-256 over the names and bytes of files and over JSON-able values."""
    digest = hashlib.sha256()
    for file in files_under(paths):
        digest.update(file.name.encode())
        digest.update(bytes.fromhex(sha256(file)))
    digest.update(json.dumps(values, sort_keys=True).encode())
    return digest.hexdigest()
