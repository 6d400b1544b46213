"""What a stage module really depends on, read out of its source: the code that it imports, directly
or not, and the parameters that it reads."""

import ast
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from s2.params import Params

ROOT = Path(__file__).parents[1]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def module_file(name: str) -> Path | None:
    """The file of one of our modules; a package is no file, since its `__init__` holds no code."""
    path = Path(*name.split(".")).with_suffix(".py")
    return path if (ROOT / path).is_file() else None


def imported(path: Path) -> set[Path]:
    """Our own modules that a module imports anywhere in its text, functions included."""
    names: set[str] = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {str(node.module)}
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {name for name in names if name.split(".")[0] in {"s2", "stages"}}
    return {file for name in ours if (file := module_file(name))}


def code_of(module: str) -> set[str]:
    """The files of a stage module and of all that it imports, directly or not."""
    start = module_file(module)
    assert start, f"{module} does not exist"
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += imported(path)
    return {path.as_posix() for path in seen}


# How much of the machine to use: no output depends on them (tests/test_stages.py), so that changing
# them must not rebuild anything.
MACHINE = {"data.workers", "data.memory"}


def parameters_of(module: str) -> set[str]:
    """The keys or sections that a stage module reads from the variable `params`, but for `MACHINE`."""
    path = module_file(module)
    assert path
    found: set[str] = set()
    inner: set[ast.AST] = set()
    for node in ast.walk(parse(path)):
        chain = _chain(node)
        if chain and node not in inner:
            found.add(".".join(_declared(chain)))
        if isinstance(node, ast.Attribute):
            inner.add(node.value)
    found -= MACHINE
    return {key for key in found if not any(key.startswith(f"{other}.") for other in found)}


def _chain(node: ast.AST) -> list[str]:
    """`params.a.b` as [a, b]; [] for anything else. Passing `params` on whole is not allowed."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return names if isinstance(node, ast.Name) and node.id == "params" else []


def _declared(chain: list[str]) -> list[str]:
    """The part of a chain that names parameters: `sft.model_dump` reads `sft`."""
    model: type[BaseModel] | None = Params
    kept = []
    for name in chain:
        if model is None or name not in model.model_fields:
            break
        kept.append(name)
        annotation = model.model_fields[name].annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return kept


def whole_params_uses(module: str) -> list[int]:
    """Lines on which a stage passes `params` on whole, which would hide what is read."""
    path = module_file(module)
    assert path
    attributes = {id(node.value) for node in ast.walk(parse(path)) if isinstance(node, ast.Attribute)}
    return [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Name)
        and node.id == "params"
        and isinstance(node.ctx, ast.Load)
        and id(node) not in attributes
    ]
