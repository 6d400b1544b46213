"""`s2 use`: a profile as the whole of params.yaml."""

import io
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from s2.kernel.errors import S2Error
from s2.kernel.files import temporary_file, write_text
from s2.params.loading import PARAMS
from s2.params.whole import load_params

PROFILES = Path("profiles")
SAMPLE = "sample"


def use(profile: str) -> None:
    """Write a profile to params.yaml; what was there is kept as params.yaml.orig. Raises `S2Error` for
    a profile that is not there, or that makes no valid parameters."""
    known = sorted(path.stem for path in PROFILES.glob("*.yaml"))
    if profile not in known:
        raise S2Error(f"there is no profile {profile!r}; there are: {', '.join(known)}")
    text = whole(profile)
    with temporary_file(PARAMS) as part:
        part.write_text(text, encoding="utf-8")
        load_params(part)
    old = PARAMS.read_text(encoding="utf-8") if PARAMS.is_file() else text
    if old != text:
        write_text(PARAMS.with_suffix(".yaml.orig"), old)
    write_text(PARAMS, text)
    print(f"{PARAMS} is now the profile {profile}; `s2 stale` says what `dvc repro` would rebuild")


def whole(profile: str) -> str:
    """The sample profile, which states every parameter, with what another profile says put over it,
    comments kept, in the form in which DVC writes it, so that `-S` changes one line."""
    sample = (PROFILES / f"{SAMPLE}.yaml").read_text(encoding="utf-8")
    if profile == SAMPLE:
        return sample
    yaml = YAML()
    content = yaml.load(sample)
    own = (PROFILES / f"{profile}.yaml").read_text(encoding="utf-8")
    _put_over(content, yaml.load(own))
    out = io.StringIO()
    yaml.dump(content, out)
    comment = "".join(line + "\n" for line in own.splitlines() if line.startswith("#"))
    body = out.getvalue()
    while body.startswith("#"):
        body = body.partition("\n")[2]
    return comment + body


# Sections of names that the user chooses: a profile's stand in place of the sample's.
NAMED = {"datasets", "models", "outside", "sets", "sources", "tasks"}


def _put_over(content: MutableMapping[str, Any], own: MutableMapping[str, Any], path: str = "") -> None:
    """Set in `content` what `own` states, section by section, with the comments that it has there."""
    for key, value in own.items():
        if key not in content:
            raise S2Error(f"the profile sets {path}{key}, which {SAMPLE}.yaml does not have")
        if (
            isinstance(value, MutableMapping)
            and isinstance(content[key], MutableMapping)
            and key not in NAMED
        ):
            _put_over(content[key], value, f"{path}{key}.")
            continue
        content[key] = value
        said = own.ca.items.get(key)  # type: ignore[attr-defined]
        if said and said[2]:
            content.ca.items[key] = said  # type: ignore[attr-defined]
