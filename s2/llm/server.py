"""A local OpenAI-compatible server (`transformers serve`) for as long as a block runs."""

import gc
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from s2.graph.guard import check_worker
from s2.kernel.children import end_with_parent
from s2.kernel.errors import S2Error

START_SECONDS = 300
STOP_SECONDS = 10


@contextmanager
def local_server(model: Path, dtype: str, logs: Path) -> Iterator[str]:
    """Serve the model in a folder on a free port; yields the base URL, and ends the server after.

    Its output goes to a file of its own in `logs`; raises `S2Error` that names it if the server does
    not come up."""
    port = _free_port()
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"serve-{port}.log"
    arguments = (os.getpid(), str(model), dtype, port, str(log))
    server = get_context("spawn").Process(target=serve, args=arguments)
    server.start()
    try:
        _wait_until_healthy(server, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _stop(server)


def serve(parent: int, model: str, dtype: str, port: int, log: str) -> None:
    """In a process of its own: serve a model until the parent is gone, all output going to a log."""
    end_with_parent(parent)
    check_worker()
    with Path(log).open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    gc.set_threshold(10_000)  # to look for garbage among what it imports takes seconds
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.argv = ["transformers", "serve", model, "--host", "127.0.0.1", "--port", str(port)]
    sys.argv += ["--dtype", dtype]
    from transformers.cli.transformers import main

    main()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(server: BaseProcess, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not server.is_alive():
            raise S2Error(f"the local model server stopped at once; its log is {log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise S2Error(f"the local model server did not start in {START_SECONDS} s; its log is {log}")


def _stop(server: BaseProcess) -> None:
    server.terminate()
    server.join(STOP_SECONDS)
    if server.is_alive():
        server.kill()
        server.join()
