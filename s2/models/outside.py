"""Models that are scored and not trained here: how each is asked stands in a file of its folder."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from s2.kernel.files import new_folder, write_json
from s2.models.saving import save_causal_model
from s2.models.sources import fetched
from s2.params.models import Outside, PromptStyle

ASKED = "asked.json"


@dataclass(frozen=True)
class Asked:
    """How a model is asked: in which prompt, and, if it lies elsewhere, where, by which name."""

    prompt: PromptStyle
    endpoint: str | None = None
    model: str | None = None


def bring(outside: Outside, folder: Path) -> None:
    """Make the folder of an outside model: its weights as the base's are kept, or of a model at an
    endpoint nothing but where it is. Raises `S2Error` for one that cannot be had."""
    with new_folder(folder) as part:
        if outside.is_endpoint:
            found = Asked(outside.prompt, outside.source, outside.model)
        else:
            found = Asked(outside.prompt)
            with fetched(outside) as files:
                save_causal_model(files, part, style=outside.prompt)
        write_json(part / ASKED, asdict(found))


def asked(folder: Path, style: PromptStyle) -> Asked:
    """How the model in a folder is asked: in `style`, unless it is an outside one."""
    path = folder / ASKED
    return Asked(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else Asked(style)


def has_weights(folder: Path) -> bool:
    """Whether there is more of the model in a folder than the address of an endpoint."""
    return not asked(folder, "s2").endpoint
