"""A Python that starts a stage at once: most of a tiny stage's time is the import of PyTorch and of what
stands on it, which is done once here, and every stage is a fork of this process.

`forks.py serve SOCKET` imports and waits; `forks.py ask SOCKET ARGUMENTS` does what `python ARGUMENTS`
would, in its own folder, environment and streams. Nothing of ours is imported before the fork: a stage
runs the code of the folder that it is started in.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import sys
from pathlib import Path

LIBRARIES = (
    *("torch", "scipy.stats", "pandas", "duckdb", "pyarrow.parquet", "pydantic", "yaml", "openai"),
    *("transformers.generation", "transformers.models.llama.modeling_llama", "transformers.trainer"),
    *("peft", "datasets", "evaluate", "bert_score", "sklearn.svm", "rouge_score.rouge_scorer"),
    *("trl.trainer.sft_trainer", "trl.trainer.dpo_trainer", "trl.trainer.reward_trainer"),
    *("lm_eval.evaluator", "lm_eval.tasks", "lm_eval.models.huggingface"),
)
ENDED_BY_SIGNAL = 128  # plus its number, as shells report it


def serve(path: str) -> None:
    """Fork for everyone who asks, until the process that started this one is gone."""
    parent = os.getppid()
    for library in LIBRARIES:
        importlib.import_module(library)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen()
    Path(path + ".new").rename(path)  # whoever sees it can ask
    listener.settimeout(1.0)
    while os.getppid() == parent:
        while _ended():
            pass
        try:
            asker, _ = listener.accept()
        except TimeoutError:
            continue
        asker.settimeout(None)
        # One process waits for the stage and tells how it ended, so that many can be asked for at once.
        if os.fork() == 0:
            listener.close()
            _supervise(asker)
        asker.close()


def _ended() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _supervise(asker: socket.socket) -> None:
    data, streams, _, _ = socket.recv_fds(asker, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += asker.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        asker.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        _become(json.loads(data))
    for stream in streams:
        os.close(stream)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    asker.sendall(b"%d" % (code if code >= 0 else ENDED_BY_SIGNAL - code))
    os._exit(0)


def _become(asked: dict[str, object]) -> None:
    """Run what was asked for, as the interpreter itself would, and never come back."""
    arguments, folder, variables = asked["arguments"], asked["folder"], asked["variables"]
    assert isinstance(arguments, list) and isinstance(folder, str) and isinstance(variables, dict)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    importlib.invalidate_caches()
    code = 0
    try:
        if arguments[0] == "-m":
            sys.path[0], sys.argv = folder, arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.path[0], sys.argv = str(Path(arguments[0]).parent), arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ask(path: str, arguments: list[str]) -> None:
    """Have the server run it, and end as it ended."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    asked = {"arguments": arguments, "folder": str(Path.cwd()), "variables": dict(os.environ)}
    socket.send_fds(server, [b"{"], [0, 1, 2])
    server.sendall(json.dumps(asked)[1:].encode() + b"\n")
    sys.exit(int(server.recv(16)))


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1] == "serve" else ask(sys.argv[2], sys.argv[3:])
