"""Profiles: the sample, which states every parameter, and what others state over it."""

import io
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from s2.kernel.errors import S2Error
from s2.params.loading import flat

PROFILES = Path("profiles")
SAMPLE = "sample"
UNSEEN = "machine."  # what changes no result


def known() -> list[str]:
    """The names of the profiles that there are."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def whole(profile: str) -> str:
    """The sample profile, which states every parameter, with what another profile says put over it,
    comments kept, in the form in which DVC writes it, so that `-S` changes one line."""
    sample = (PROFILES / f"{SAMPLE}.yaml").read_text(encoding="utf-8")
    if profile == SAMPLE:
        return sample
    editor = YAML()
    content = editor.load(sample)
    own = (PROFILES / f"{profile}.yaml").read_text(encoding="utf-8")
    _put_over(content, editor.load(own))
    out = io.StringIO()
    editor.dump(content, out)
    comment = "".join(line + "\n" for line in own.splitlines() if line.startswith("#"))
    body = out.getvalue()
    while body.startswith("#"):
        body = body.partition("\n")[2]
    return comment + body


def nearest(content: dict[str, Any]) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """The profile that differs in the fewest keys from parameters, those of the machine aside, and by
    dotted key what it has and what they have; None where there is no such key. Raises `S2Error` if
    there are no profiles."""
    if not known():
        raise S2Error(f"{PROFILES}/ holds no profiles: `git restore {PROFILES}` brings them back")
    mine = flat(content)
    found = {}
    for name in known():
        theirs = flat(yaml.safe_load(whole(name)))
        found[name] = {
            key: (theirs.get(key), mine.get(key))
            for key in sorted(theirs.keys() | mine.keys())
            if theirs.get(key) != mine.get(key) and not key.startswith(UNSEEN)
        }
    name = min(found, key=lambda name: len(found[name]))
    return name, found[name]


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
