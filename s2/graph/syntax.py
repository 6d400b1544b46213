"""Modules as syntax trees: what each top-level statement defines, what it refers to, what it means.

Comments, docstrings, formatting and `pass` have no meaning; nor have the words of an `S2Error`,
which ends a stage without output.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NO_MEANING = {"ctx", "kind", "type_comment", "type_ignores"}

# What an import binds a name to: a module and, if it names one, an attribute of it.
Binding = tuple[str, str | None]


@dataclass
class Module:
    """A module's top-level statements: by the names that they define, what its imports bind and which
    modules they run, and those `loose` ones that are neither."""

    name: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Binding] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    loose: list[ast.stmt] = field(default_factory=list)


def read(name: str, tree: ast.Module) -> Module:
    """A module's syntax tree, of which only what has a meaning is left."""
    module = Module(name)
    for statement in _Meaning().visit(tree).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports |= bindings(statement)
            above = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
            module.runs += [above.rstrip("."), *(above + alias.name for alias in statement.names)]
        elif (names := _defined(statement)) is not None:
            for defined in names:
                module.definitions.setdefault(defined, []).append(statement)
        elif not (isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test)):
            module.loose.append(statement)
    return module


def _defined(statement: ast.stmt) -> list[str] | None:
    """The names that a definition or an assignment to names defines; None for anything else."""
    if isinstance(statement, _DEFINITIONS):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    flat = [item for target in targets for item in getattr(target, "elts", [target])]
    names = [item.id for item in flat if isinstance(item, ast.Name)]
    return names if names and len(names) == len(flat) else None


def bindings(node: ast.Import | ast.ImportFrom) -> dict[str, Binding]:
    """What an import binds: local name to (module, attribute)."""
    if isinstance(node, ast.ImportFrom):
        if node.level or any(alias.name == "*" for alias in node.names):
            raise ValueError(f"line {node.lineno}: relative and star imports cannot be followed")
        return {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}
    found: dict[str, Binding] = {}
    for alias in node.names:
        top = alias.name.split(".")[0]
        found[alias.asname or top] = (alias.name if alias.asname else top, None)
    return found


class _Meaning(ast.NodeTransformer):
    """Leaves out docstrings and other bare strings, `pass`, and the words of an `S2Error`."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        bare = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if bare else self.generic_visit(node)  # type: ignore[return-value]

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") == "S2Error":
            return ast.Raise(exc=node.exc.func)
        return self.generic_visit(node)


def walk(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    return (node for statement in statements for node in ast.walk(statement))


def names_in(statements: list[ast.stmt], module: Module) -> tuple[list[tuple[str, list[str]]], set[str]]:
    """The names in statements that imports bind, each with the attributes after it, and those that
    the module defines. A local name that is also one of these counts, to be on the safe side."""
    bound, own, inner = [], set(), set()
    for node in walk(statements):
        attributes: list[str] = []
        top = node
        while isinstance(node, ast.Attribute):
            inner.add(id(node.value))
            attributes.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or id(top) in inner:
            continue
        if node.id in module.definitions:
            own.add(node.id)
        elif node.id in module.imports:
            bound.append((node.id, attributes))
    return bound, own


def digest(statements: list[ast.stmt], module: Module) -> str:
    """A hash of what statements mean, and of where the imported names in them come from."""
    origins = sorted({f"{name} is {module.imports[name]}" for name, _ in names_in(statements, module)[0]})
    return hashlib.sha256(f"{_canonical(statements)}{origins}".encode()).hexdigest()[:16]


def _canonical(node: Any) -> str:
    """A syntax tree as text that is the same whatever Python parsed it."""
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__}:{node!a}"
    fields = ((name, value) for name, value in ast.iter_fields(node) if name not in _NO_MEANING)
    said = (f"{name}={_canonical(value)}" for name, value in fields if value is not None and value != [])
    return f"{type(node).__name__}({','.join(said)})"
