"""A training in one process, or in several that share its batches (torchrun).

The result is that of one process, to rounding: together they take the same rows in a step, and the
first one alone writes. Only where the rows are no multiple of what a step takes, an epoch's last
step repeats some, so that all processes have as many.
"""

import os
import signal
import subprocess
import sys

import torch

from s2.kernel.children import BOSS
from s2.kernel.errors import S2Error


def rank() -> int:
    """This process's number among those of a launcher; 0 without one."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """How many processes a launcher has started; 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def share(grad_accumulation: int) -> int:
    """The forward passes in a step that each process does; raises `S2Error` if they cannot be shared
    out evenly, since then a step would take other rows."""
    if grad_accumulation % count():
        raise S2Error(
            f"{count()} processes cannot share sft.grad_accumulation {grad_accumulation} evenly: "
            "take a multiple of machine.processes"
        )
    return grad_accumulation // count()


def launched(module: str, arguments: list[str], processes: int) -> bool:
    """Run `python -m module` in so many processes and wait for them, and return True; or False in a
    process that is to do the work itself: one of theirs, or the only one.

    Raises `S2Error` if one of them fails.
    """
    if "RANK" in os.environ:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        return False
    if processes == 1:
        _use_one_device()
        return False
    if 0 < torch.cuda.device_count() < processes:
        raise S2Error(
            f"machine.processes is {processes}, but there are {torch.cuda.device_count()} GPUs: "
            "a process takes one"
        )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", module, *arguments]
    workers = subprocess.Popen(command, env=os.environ | {BOSS: str(os.getpid())})
    try:
        failed = workers.wait()
    except BaseException:
        workers.send_signal(signal.SIGTERM)
        workers.wait()
        raise
    if failed:
        raise S2Error(f"training in {processes} processes failed; the reason is above")
    return True


def _use_one_device() -> None:
    """Of several GPUs take the first: a trainer that sees more of them would want a launcher."""
    visible = torch.cuda.device_count()
    if visible > 1:
        listed = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = listed.split(",")[0]
        print(
            f"{visible} GPUs are visible, one is used: set machine.processes to train on more",
            file=sys.stderr,
        )
