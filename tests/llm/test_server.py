"""The real `transformers serve`, on the tiny model."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from openai import OpenAI

from s2.kernel.errors import S2Error
from s2.llm.server import local_server

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def is_up(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(base_url.replace("/v1", "/health"), timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def test_the_server_answers_and_ends_with_its_block(tmp_path: Path, tiny_model: Path) -> None:
    with local_server(tiny_model, "float32", tmp_path) as base_url:
        client = OpenAI(base_url=base_url, api_key="none")
        reply = client.chat.completions.create(
            model=str(tiny_model),
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
            max_tokens=4,
            temperature=0,
        )
        assert reply.choices[0].message.content is not None
    assert not is_up(base_url)


_STAGE = """
import sys, time
from pathlib import Path
from s2.llm.server import local_server
if __name__ == "__main__":
    with local_server(Path(sys.argv[1]), "float32", Path(sys.argv[2])) as base_url:
        print(base_url, flush=True)
        time.sleep(600)
"""


def test_a_killed_stage_leaves_no_server_behind(tmp_path: Path, tiny_model: Path) -> None:
    script = tmp_path / "stage.py"
    script.write_text(_STAGE)
    stage = subprocess.Popen(
        [sys.executable, str(script), str(tiny_model), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert stage.stdout
    base_url = stage.stdout.readline().strip()
    assert is_up(base_url)
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    deadline = time.monotonic() + 30
    while is_up(base_url) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not is_up(base_url)


def test_a_folder_without_a_model_is_told_with_the_log(tmp_path: Path) -> None:
    with (
        pytest.raises(S2Error, match="local model server stopped at once; its log is"),
        local_server(tmp_path, "float32", tmp_path / "logs"),
    ):
        pass
    (log,) = (tmp_path / "logs").iterdir()
    assert log.read_text()
