"""The classifier of toxicity as the graph keeps it: a folder that says what scores, and its files.

`classifier.json` names the scorer; for Detoxify there are `checkpoint.ckpt`, in its own format, and
`config`, with the configuration and the tokenizer of the model that it was trained from.
"""

import shutil
from pathlib import Path

from s2.kernel.errors import S2Error
from s2.kernel.files import write_json
from s2.kernel.hashes import sha256
from s2.models.sources import download_from_hub
from s2.params.data import ToxicityModel
from s2.params.models import Source

DESCRIPTION = "classifier.json"
CHECKPOINT = "checkpoint.ckpt"
CONFIG = "config"
_CONFIG_FILES = ["*.json", "*.txt", "*.model"]


def fetch_classifier(parameters: ToxicityModel, folder: Path) -> None:
    """Bring what the parameters name into `folder`.

    A checkpoint is one of Detoxify's models by its name (`original`, `unbiased`, `multilingual` ...),
    checked against the hash in its published file name, or a local file. Raises `S2Error` if it is
    not there, or its sha256 is not that of the parameters.
    """
    write_json(folder / DESCRIPTION, {"scorer": parameters.scorer})
    if parameters.scorer == "detoxify":
        assert parameters.checkpoint and parameters.config
        _fetch_checkpoint(parameters.checkpoint, folder / CHECKPOINT)
        _check_sha256(folder / CHECKPOINT, parameters)
        _fetch_config(parameters.config, parameters.revision, folder / CONFIG)


def _fetch_checkpoint(name: str, path: Path) -> None:
    from detoxify.detoxify import MODEL_URLS
    from torch.hub import download_url_to_file

    if Path(name).is_file():
        shutil.copyfile(name, path)
        return
    if name not in MODEL_URLS:
        raise S2Error(
            f"quality.toxicity.model.checkpoint: {name!r} is neither a file nor one of Detoxify's "
            f"models: {', '.join(MODEL_URLS)}"
        )
    url = MODEL_URLS[name]
    published = url.rpartition("-")[2].removesuffix(".ckpt")
    try:
        download_url_to_file(url, str(path), hash_prefix=published)
    except (OSError, RuntimeError) as error:
        raise S2Error(f"cannot download {url}: {error}; a local file can be named instead") from None


def _check_sha256(path: Path, parameters: ToxicityModel) -> None:
    found = sha256(path)
    if parameters.sha256 not in (None, found):
        raise S2Error(
            f"quality.toxicity.model.sha256: that of {parameters.checkpoint} is {found}, but the "
            f"parameters say {parameters.sha256}"
        )


def _fetch_config(name: str, revision: str | None, folder: Path) -> None:
    if not name.startswith((".", "/", "~")):
        source = Source(source=name, revision=revision, sha256=None)
        shutil.copytree(download_from_hub(source, _CONFIG_FILES), folder)
        return
    local = Path(name).expanduser()
    if not (local / "config.json").is_file():
        raise S2Error(f"quality.toxicity.model.config: {local} has no config.json")
    shutil.copytree(
        local, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors", "*.bin")
    )
