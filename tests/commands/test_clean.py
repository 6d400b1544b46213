import os
import time
from pathlib import Path

import pytest

from s2.commands.clean import clean
from s2.kernel.locks import locked


def test_what_nobody_uses_goes(in_tmp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = in_tmp / ".s2/checkpoints"
    for name in ("old", "new", "busy"):
        (root / name).mkdir(parents=True)
        (root / name / "weights").write_bytes(b"x" * 2_000_000)
    long_ago = time.time() - 3 * 24 * 3600
    for path in (root / "old/weights", root / "old"):
        os.utime(path, (long_ago, long_ago))
    with locked(root / "busy.lock"):
        clean(1, dry_run=True)
        assert "old: 2.0 MB, written 3.0 days ago: would go" in capsys.readouterr().out
        assert {path.name for path in root.iterdir() if path.is_dir()} == {"old", "new", "busy"}
        clean(1, dry_run=False)
        told = capsys.readouterr().out
        assert "new: 2.0 MB, written 0.0 days ago: kept" in told
        assert "busy: 2.0 MB, written 0.0 days ago: a training is using it" in told
        assert "2.0 MB are free again" in told
        clean(0, dry_run=False)
    assert [path.name for path in root.iterdir() if path.is_dir()] == ["busy"]
