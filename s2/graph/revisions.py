"""Files of the graph as they are in a revision: out of Git, DVC's cache or its remote, the workspace
left alone."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.scm import SCMError, resolve_rev

from s2.kernel.errors import S2Error

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Revision:
    """A revision's files, by their paths in the repository."""

    name: str
    _files: Any

    def read(self, path: str) -> bytes:
        """The content of a file; raises `S2Error` if it is not there, or nowhere to be had."""
        try:
            content: bytes = self._files.cat_file(path)
        except FileNotFoundError:
            raise S2Error(
                f"{path} of {self.name} is not to be had: it was not built there, or neither the "
                "workspace nor DVC's cache nor its remote has it; try `dvc fetch --all-commits`"
            ) from None
        return content


def described(root: Path) -> str:
    """The checked out revision by the last tag before it and its hash, `-dirty` if files differ."""
    return _git(root, "describe", "--tags", "--always", "--dirty") or "none"


def last_tag(root: Path) -> str | None:
    """The last tag at or before the checked out revision."""
    return _git(root, "describe", "--tags", "--abbrev=0")


def _git(root: Path, *command: str) -> str | None:
    done = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def revision(root: Path, name: str) -> Iterator[Revision]:
    """A Git revision, a DVC experiment, or `WORKSPACE`; raises `S2Error` if there is no such."""
    try:
        with Repo(str(root)) as repo:
            rev = None if name == WORKSPACE else resolve_rev(repo.scm, name)
            remotes = {"remote": repo.config["remote"]}  # in a revision a relative path is from "/"
        with Repo(str(root), rev=rev, config=remotes) as repo:
            yield Revision(name, repo.dvcfs)
    except (SCMError, DvcException) as error:
        raise S2Error(f"{name}: {error}") from None
