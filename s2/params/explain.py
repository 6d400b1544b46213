"""What is wrong with parameters, in words that name the key."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key that a section may hold, inner sections included."""
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        yield prefix + name
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys(kind, f"{prefix}{name}.")


def explain(error: ValidationError, key: str, kind: Any) -> str:
    """Every problem of a validation, by dotted names under `key`."""
    is_section = isinstance(kind, type) and issubclass(kind, BaseModel)
    known = list(keys(kind, f"{key}." if key else "")) if is_section else []
    return "; ".join(_problem(dict(detail), key, known) for detail in error.errors())


def _problem(detail: dict[str, Any], key: str, known: list[str]) -> str:
    parts = [str(part) for part in detail["loc"] if "[" not in str(part)]
    name = ".".join([key, *parts] if key else parts) or "the whole file"
    if detail["type"] == "extra_forbidden":
        return f"unknown key {name!r}{_suggestion(name, known)}"
    if detail["type"] == "missing":
        return f"key {name!r} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    value = detail["input"]
    shown = "" if isinstance(value, dict) else f" (it is {value!r})"
    return f"{name}: {message[0].lower()}{message[1:]}{shown}"


def _suggestion(name: str, known: list[str]) -> str:
    last = name.rpartition(".")[2]
    same_leaf = [key for key in known if key.rpartition(".")[2] == last]
    leaves = {key.rpartition(".")[2] for key in known}
    close = get_close_matches(last, leaves, n=2, cutoff=0.7)
    guesses = (
        same_leaf
        or get_close_matches(name, known, n=2, cutoff=0.85)
        or [key for key in known if key.rpartition(".")[2] in close]
        or get_close_matches(name, known, n=2)
    )
    return f" (did you mean {' or '.join(repr(guess) for guess in guesses[:4])}?)" if guesses else ""
