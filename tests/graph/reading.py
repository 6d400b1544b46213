"""What a stage really reads, out of the definitions that its `main` can reach: parameters and paths."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.stage import PipelineStage
from pydantic import BaseModel

from s2.graph.code import Code
from s2.graph.syntax import Module
from s2.params.align import DpoModel, PpoModel, RejectionModel, RewardModel
from s2.params.train import SftModel
from s2.params.whole import Params

ROOT = Path(__file__).parents[2]
CODE = Code(ROOT)

# The models of a trainer's section, by the section: all keys of the one, and the model's own entry.
MODELS: dict[str, type[BaseModel]] = {
    "sft": SftModel,
    "reward": RewardModel,
    "dpo": DpoModel,
    "ppo": PpoModel,
    "rejection": RejectionModel,
}
OF_A_MODEL = {"data", "start", "rewards", "rule", "earlier"}  # what stands in its entry alone


@cache
def stages() -> dict[str, PipelineStage]:
    """The stages of dvc.yaml by their names, as DVC reads it."""
    return {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}


def module_of(stage: Any) -> str:
    """The stage module that a stage's command runs, without its package."""
    words = stage.cmd.split()
    assert words[:2] == ["python", "-m"], stage.cmd
    return words[2].removeprefix("stages.")


@cache
def reached(module: str) -> tuple[tuple[Module, ast.stmt], ...]:
    """The statements that the `main` of a stage module can reach, each with its module."""
    names = (name.split(":") for name in CODE.fingerprint((f"stages.{module}", "main"))["definitions"])
    found = ((CODE.module(module), name) for module, name in names)
    return tuple((m, statement) for m, name in found for statement in m.definitions.get(name, m.loose))


def parameters_of(module: str) -> set[str]:
    """The keys that a stage module loads, `*` standing for a name from its command line; nothing
    depends on the machine."""
    found: set[str] = set()
    for m, statement in reached(module):
        found |= {key for node in ast.walk(statement) for key in _loaded(node, m)}
    return {key for key in found if key.split(".")[0] != "machine"}


def _loaded(node: ast.AST, module: Module) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return
    origin = module.imports.get(node.func.id)
    if origin == ("s2.params.loading", "load"):
        yield _text(node.args[0])
    elif origin == ("s2.params.loading", "load_with"):
        key, given = _text(node.args[0]), {keyword.arg for keyword in node.keywords}
        whole = section_of(key)
        assert whole and given < whole.model_fields.keys()
        yield from (f"{key}.{name}" for name in whole.model_fields if name not in given)
    elif origin == ("s2.params.loading", "load_settings"):
        section = _text(node.args[0])
        own = [name for name in MODELS[section].model_fields if name not in OF_A_MODEL]
        yield from (f"{section}.{name}" for name in own)
        yield f"{section}.models.*"


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    return str(node.value) if isinstance(node, ast.Constant) else "*"


def section_of(key: str) -> type[BaseModel] | None:
    """The section that a key names, or None for a value."""
    model: Any = Params
    for part in key.split("."):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
        model = model.model_fields[part].annotation
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def paths_of(module: str) -> set[str]:
    """The files that statements of a stage module name, `*` standing for what is filled in."""
    found: set[str] = set()
    for m, statement in reached(module):
        if m.name != f"stages.{module}":
            continue
        nodes = list(ast.walk(statement))
        inner = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        texts = {_text(node) for node in nodes if node not in inner}
        found |= {text for text in texts if text.startswith(("data/", "models/", "metrics/"))}
    return found
