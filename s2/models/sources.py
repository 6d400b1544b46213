"""Model files from a hub, a folder or a published wheel.

A source is one of
- `owner/name`: a hub id, with its `revision` (a commit hash or a tag);
- `./folder` or `/folder`: a local folder;
- `pypi:NAME==VERSION#PATH`: a file or folder inside a wheel, checked against `sha256`.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from s2.kernel.errors import S2Error
from s2.kernel.hashes import sha256
from s2.kernel.paths import local
from s2.params.models import Source

_PYPI = re.compile(r"^pypi:(?P<name>[\w.-]+)==(?P<version>[\w.]+)#(?P<path>.+)$")
MODEL_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*/config.json"]
# The same weights once more, in their makers' own formats.
TWICE_THERE = ["consolidated*", "original/*"]


@contextmanager
def fetched(source: Source) -> Iterator[Path]:
    """Yield the path of the file or folder that a source names, for as long as the block runs."""
    match = _PYPI.match(source.source)
    with tempfile.TemporaryDirectory(prefix="s2-model-") as temporary:
        if match:
            wheel = _kept_wheel(match["name"], match["version"], source)
            yield _extract(wheel, match["path"], Path(temporary) / "files")
        elif source.source.startswith("pypi:"):
            raise S2Error(f"{source.source}: a pypi source reads pypi:NAME==VERSION#PATH")
        elif source.source.startswith((".", "/", "~")):
            folder = Path(source.source).expanduser()
            if not folder.exists():
                raise S2Error(f"model source {folder} does not exist")
            yield folder
        else:
            yield download_from_hub(source, MODEL_FILES)


def _kept_wheel(name: str, version: str, source: Source) -> Path:
    """The wheel in `.s2/wheels`, downloaded if it is not there or not the one that is wanted."""
    folder = local("wheels")
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}-{version}-{source.sha256}.whl"
    if not kept.is_file() or sha256(kept) != source.sha256:
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            wheel = _download_wheel(name, version, Path(temporary))
            _check_sha256(wheel, source)
            wheel.replace(kept)
    return kept


def _download_wheel(name: str, version: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), f"{name}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise S2Error(f"cannot download the wheel of {name}=={version}: {reason}")
    return next(folder.glob("*.whl"))


def _check_sha256(wheel: Path, source: Source) -> None:
    found = sha256(wheel)
    if found != source.sha256:
        raise S2Error(f"{source.source}: sha256 is {found}, but the parameters say {source.sha256}")


def _extract(wheel: Path, inner: str, folder: Path) -> Path:
    wanted = PurePosixPath(inner)
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name
            for name in archive.namelist()
            if PurePosixPath(name) == wanted or wanted in PurePosixPath(name).parents
        ]
        if not names:
            raise S2Error(f"{wheel.name} holds no {inner}")
        archive.extractall(folder, names)
    return folder / inner


def download_from_hub(source: Source, patterns: list[str]) -> Path:
    """A folder with the files of a hub's repository that match the patterns, kept in `.s2/hub`: an
    interrupted download goes on where it stopped, and nothing is downloaded twice. Raises `S2Error`
    if it cannot be had."""
    if not source.revision:
        raise S2Error(f"{source.source}: a hub source needs a revision (a commit hash or a tag)")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            source.source,
            revision=source.revision,
            cache_dir=local("hub"),
            allow_patterns=patterns,
            ignore_patterns=TWICE_THERE,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())
        raise S2Error(f"cannot download {source.source}@{source.revision}: {reason}") from None
    return Path(found)
