"""Reading params.yaml: a stage loads the keys that it reads, each by its name and its type."""

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypeForm

from s2.kernel.errors import S2Error
from s2.params.explain import explain
from s2.params.train import resolved

Kind = TypeVar("Kind")
Model = TypeVar("Model", bound=BaseModel)

PARAMS = Path("params.yaml")


def load(key: str, kind: TypeForm[Kind]) -> Kind:
    """The value of a dotted key, checked against its type, such as `load("splits.leakage", float)`.

    Raises `S2Error` that names every bad key.
    """
    value: Any = read(PARAMS)
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise S2Error(f"{PARAMS}: key {key!r} is missing")
        value = value[part]
    return check(value, kind, key)


def load_with(key: str, kind: type[Model], **given: Any) -> Model:
    """The section of a dotted key with some of its values given, which are not read: a stage that does
    without them need not depend on them.

    Raises `S2Error` that names every bad key.
    """
    names = [name for name in kind.model_fields if name not in given]
    values = {name: load(f"{key}.{name}", Any) for name in names}
    return check(values | given, kind, key)


def load_settings(trainer: str, name: str, kind: TypeForm[Kind]) -> Kind:
    """The settings that hold for one model of a trainer's section: its own over those for all.

    Raises `S2Error` if the section declares no such model, or that names every bad key.
    """
    section = read(PARAMS).get(trainer)
    if not isinstance(section, dict) or not isinstance(section.get("models"), dict):
        raise S2Error(f"{PARAMS}: {trainer}.models is missing")
    if not isinstance(section["models"].get(name), dict):
        raise S2Error(f"{PARAMS}: {trainer}.models.{name} is not declared")
    return check(resolved(section, name), kind, f"{trainer}.models.{name}")


def check(value: Any, kind: TypeForm[Kind], key: str = "", path: Path = PARAMS) -> Kind:
    """A value as its type; raises `S2Error` that lists what is wrong, by dotted names under `key`."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise S2Error(f"{path}: {explain(error, key, kind)}") from None


def read(path: Path) -> dict[str, Any]:
    """The content of a parameter file; raises `S2Error` if it is missing, no UTF-8, no YAML or no
    mapping, or names a key twice."""
    try:
        content = deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise S2Error(f"{path} is missing: `s2 use sample` writes one") from None
    except UnicodeDecodeError as error:
        raise S2Error(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise S2Error(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise S2Error(f"{path} holds no parameters")
    return content


@lru_cache(maxsize=2)
def _parsed(text: str) -> Any:
    """YAML's content, kept: a stage loads a dozen keys, and to parse all of them takes 30 to 100 ms."""
    return yaml.load(text, _OnceLoader)


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Parameters by dotted keys, sections taken apart."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {}
        found |= inner or {f"{prefix}{key}": value}
    return found


class _OnceLoader(yaml.SafeLoader):
    """Refuses a key that a mapping has already, of which YAML readers silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = key.value
            if name in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    "in a mapping", node.start_mark, f"the key {name!r} stands twice", key.start_mark
                )
            seen.add(name if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)
