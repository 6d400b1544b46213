"""A local OpenAI-compatible server (`transformers serve`) for as long as a block runs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2.errors import S2Error

START_SECONDS = 300


@contextmanager
def local_server(model: Path, dtype: str, log: Path) -> Iterator[str]:
    """Serve the model in a folder on a free port; yields the base URL, and ends the server after."""
    port = _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISED, str(os.getpid()), str(model), dtype, str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )
    try:
        _wait_until_healthy(server, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


# The server watches its parent: a stage killed by SIGKILL cannot stop it, but must not leave it.
_SUPERVISED = """
import os, sys, threading, time

def watch(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)

parent, model, dtype, port = int(sys.argv[1]), *sys.argv[2:]
threading.Thread(target=watch, args=(parent,), daemon=True).start()
sys.argv = ["transformers", "serve", model, "--host", "127.0.0.1", "--port", port]
sys.argv += ["--dtype", dtype]
from transformers.cli.transformers import main
main()
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise S2Error(f"the local model server stopped at once; its log is {log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise S2Error(f"the local model server did not start in {START_SECONDS} s; its log is {log}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
