import errno
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from s2.kernel import hashes
from s2.kernel.errors import S2Error
from s2.kernel.files import new_file, new_folder, write_json
from s2.kernel.hashes import fingerprint
from s2.kernel.locks import alone


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


def test_nothing_unfinished_lies_among_outputs(in_tmp: Path) -> None:
    with new_folder(in_tmp / "out/model") as folder, new_file(in_tmp / "out/a.txt") as part:
        (folder / "one").write_text("1")
        part.write_text("half")
        assert list((in_tmp / "out").iterdir()) == []
    assert sorted(path.name for path in (in_tmp / "out").rglob("*")) == ["a.txt", "model", "one"]


def test_what_a_killed_process_left_goes_at_the_next_write(in_tmp: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    for name in (f"{host}.{dead.pid}", f"{host}.{os.getppid()}", f"elsewhere.{dead.pid}"):
        (in_tmp / ".s2/tmp" / name).mkdir(parents=True)
    write_json(in_tmp / "a.json", 1)
    left = {path.name for path in (in_tmp / ".s2/tmp").iterdir()}
    assert left == {f"{host}.{os.getpid()}", f"{host}.{os.getppid()}", f"elsewhere.{dead.pid}"}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_another_disk_is_no_hindrance(in_tmp: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    rename = Path.replace

    def across(self: Path, target: Path) -> Path:
        if (".s2" in self.parts) != (".s2" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", across)
    for text in ("old", "new"):
        if kind == "file":
            write_json(in_tmp / "out/a", text)
            assert json.loads((in_tmp / "out/a").read_text()) == text
        else:
            with new_folder(in_tmp / "out/a") as part:
                (part / "one").write_text(text)
            assert (in_tmp / "out/a/one").read_text() == text
    assert [path.name for path in (in_tmp / "out").iterdir()] == ["a"]


def test_a_lock_says_who_holds_it(in_tmp: Path) -> None:
    with (
        alone(in_tmp / "locks/a", "stage a"),
        pytest.raises(S2Error, match=rf"stage a is being run already, by process {os.getpid()} since"),
        alone(in_tmp / "locks/a", "stage a"),
    ):
        pass
    with alone(in_tmp / "locks/a", "stage a"):
        pass


def test_a_large_file_is_hashed_once_until_it_changes(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "LARGE", 10)
    hashed: list[Path] = []
    plain = hashes.sha256

    def counted(path: Path) -> str:
        hashed.append(path)
        return plain(path)

    monkeypatch.setattr(hashes, "sha256", counted)
    path = in_tmp / "model"
    path.write_bytes(b"x" * 100)
    first = fingerprint([path])
    assert fingerprint([path]) == first and len(hashed) == 1
    path.write_bytes(b"y" * 100)
    os.utime(path, ns=(1, 1))
    assert fingerprint([path]) != first and len(hashed) == 2


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
