"""Bans what the slicer cannot see: a stage that did any of it might be silently stale."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2.graph.code import OURS
from s2.graph.syntax import Module
from tests.graph.reading import CODE, ROOT, module_of, reached, stages

# A stage's code and the code that caches and checkpoints are keyed by.
MODULES = sorted({m.name for stage in stages().values() for m, _ in reached(module_of(stage))})
DYNAMIC = {"exec", "eval", "compile", "globals", "locals", "__import__", "setattr"}
# Decorators that hand back what they were given or a wrapper of it, and register nothing anywhere.
DECORATORS = {
    "dataclass",
    "cache",
    "lru_cache",
    "cached_property",
    "contextmanager",
    "property",
    "staticmethod",
    "classmethod",
    "model_validator",
    "torch.inference_mode",
    "torch.no_grad",
}


def tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    file = next(p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file())
    return ast.parse(file.read_text(encoding="utf-8"))


def habits(found: ast.Module, module: Module) -> Iterator[str]:
    """What is wrong with a module, each with its line."""
    for node in ast.walk(found):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield f"line {line}: star import"
        if isinstance(node, ast.Import | ast.ImportFrom) and "importlib" in ast.unparse(node):
            yield f"line {line}: importlib"
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called in DYNAMIC:
            yield f"line {line}: {called}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.modules":
            yield f"line {line}: sys.modules"
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Attribute) and stored and _is_our_module(node.value, module):
            yield f"line {line}: assigns to an attribute of a module"
        looked_up = node.args[0] if isinstance(node, ast.Call) and node.args else None
        if called in ("getattr", "vars") and looked_up and _is_our_module(looked_up, module):
            yield f"line {line}: looks a name up in a module"
        if isinstance(node, ast.ExceptHandler) and node.type and "S2Error" in ast.unparse(node.type):
            yield f"line {line}: catches S2Error, whose words do not count"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _decorators(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _inner_imports(node)
    for statement in found.body:
        if isinstance(statement, ast.FunctionDef) and statement.name in ("__getattr__", "__dir__"):
            yield f"line {statement.lineno}: {statement.name} of a module"


def _is_our_module(node: ast.expr, module: Module) -> bool:
    if not isinstance(node, ast.Name) or node.id not in module.imports:
        return False
    origin, attribute = module.imports[node.id]
    path = f"{origin}.{attribute}" if attribute else origin
    return origin.split(".")[0] in OURS and path in CODE._files


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called) not in DECORATORS:
            yield f"line {node.lineno}: decorator {ast.unparse(called)}, which may register"


def _inner_imports(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in inner.names]
            if isinstance(inner, ast.ImportFrom):
                names = [f"{inner.module}.{name}" for name in names]
                names = [name for name in names if name in CODE._files]  # a definition is followed
            if any(name.split(".")[0] in OURS for name in names):
                yield f"line {inner.lineno}: imports a module of ours inside a function"


@pytest.mark.parametrize("module", MODULES)
def test_stages_do_nothing_that_the_slicer_cannot_see(module: str) -> None:
    assert list(habits(tree(module), CODE.module(module))) == []


@pytest.mark.parametrize(
    "text",
    [
        "from s2.kernel.files import *",
        "import importlib",
        "from importlib import import_module",
        "exec('1')",
        "def f():\n    return globals()",
        "from s2.kernel import progress\nprogress.total = 1",
        "from s2.kernel import progress\nsetattr(progress, 'total', 1)",
        "from s2.kernel import progress\nx = getattr(progress, 'sha' + 're')",
        "def f():\n    from s2.kernel import files",
        "def f():\n    import s2.kernel.files",
        "import sys\nsys.modules['x'] = 1",
        "from s2.x import register\n@register\ndef f(): ...",
        "try:\n    f()\nexcept S2Error as error:\n    print(error)",
        "def __getattr__(name): ...",
    ],
)
def test_each_ban_finds_what_it_is_for(text: str, tmp_path: Path) -> None:
    found = ast.parse(text)
    module = Module("planted", imports={"progress": ("s2.kernel", "progress")})
    assert list(habits(found, module)), text
