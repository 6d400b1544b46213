import os
import subprocess
from pathlib import Path

import pytest

from s2.kernel.files import new_file, new_folder, write_json
from s2.kernel.hashes import fingerprint


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), new_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_appears_by_a_rename(tmp_path: Path) -> None:
    """Whoever reads the old file goes on reading it whole: its bytes are never written over."""
    path = tmp_path / "a.txt"
    path.write_text("old and long")
    with path.open() as reading:
        with new_file(path) as part:
            part.write_text("new")
            written = part.stat().st_ino
        assert path.stat().st_ino == written
        assert reading.read() == "old and long"
    assert path.read_text() == "new"


def test_a_folder_appears_by_a_rename(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for text in ("old", "new"):
        with new_folder(path) as part:
            (part / "one").write_text(text)
            written = part.stat().st_ino, (part / "one").stat().st_ino
        assert (path.stat().st_ino, (path / "one").stat().st_ino) == written


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with new_folder(path) as part:
        (part / "one").write_text("1")
    with pytest.raises(RuntimeError), new_folder(path) as part:
        (part / "two").write_text("2")
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["one"]
    with new_folder(path) as part:
        (part / "three").write_text("3")
    assert [file.name for file in path.iterdir()] == ["three"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_goes_at_the_next_write(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / f".a.txt.{dead.pid}.part").write_text("half")
    (tmp_path / f".a.txt.{dead.pid}.old").mkdir()
    running = tmp_path / f".a.txt.{os.getppid()}.part"
    running.write_text("another process is at it")
    with new_file(tmp_path / "a.txt") as part:
        part.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [running, tmp_path / "a.txt"]


def test_json_refuses_what_dvc_cannot_compare(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "m.json", {"loss": float("nan")})
    assert not (tmp_path / "m.json").exists()


def test_fingerprint_changes_with_names_bytes_and_values(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.write_text("a")
    first = fingerprint([tmp_path], 1)
    assert fingerprint([tmp_path], 1) == first
    assert fingerprint([tmp_path], 2) != first
    one.write_text("b")
    assert fingerprint([tmp_path], 1) != first
