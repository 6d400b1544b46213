"""Every definition that a stage reaches: a change of meaning changes exactly the stages that reach it,
and nothing else does."""

import ast
import copy
from collections import defaultdict
from collections.abc import Iterator

import pytest

from s2.graph.code import Fingerprint
from s2.graph.syntax import read
from tests.graph.reading import CODE, ROOT

pytestmark = pytest.mark.slow

STAGES = CODE.stages()
USERS: dict[str, set[str]] = defaultdict(set)
for _stage, _fingerprint in STAGES.items():
    for _definition in _fingerprint["definitions"]:
        USERS[_definition].add(_stage)
# A module's loose statements have no name of their own.
DEFINITIONS = sorted(name for name in USERS if not name.endswith(":*"))


def source(module: str) -> str:
    path = ROOT.joinpath(*module.split("."))
    file = next(p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file())
    return file.read_text(encoding="utf-8")


def with_tree(module: str, tree: ast.Module) -> dict[str, Fingerprint]:
    """The fingerprints of all stages if a module read so; other modules' steps are taken over."""
    code = copy.copy(CODE)
    code._modules = dict(CODE._modules) | {module: read(module, tree)}
    code._steps = {at: step for at, step in CODE._steps.items() if at[0] != module}
    return code.stages()


def silent(node: ast.AST) -> Iterator[ast.AST]:
    """What has no meaning inside a definition: docstrings, the words of an `S2Error`."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
            yield from ast.walk(inner)
        if isinstance(inner, ast.Raise) and inner.exc and "S2Error(" in ast.unparse(inner.exc):
            yield from ast.walk(inner)


def mutants(definition: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """The definition with its first constant changed, its first comparison swapped, its last
    statement dropped."""
    quiet = set(map(id, silent(definition)))
    nodes = [node for node in ast.walk(definition) if id(node) not in quiet]
    for kind, wanted in (("constant", ast.Constant), ("comparison", ast.Compare)):
        place = next((i for i, node in enumerate(nodes) if isinstance(node, wanted)), None)
        if place is None:
            continue
        index = list(ast.walk(definition)).index(nodes[place])
        changed = copy.deepcopy(definition)
        node = list(ast.walk(changed))[index]
        if isinstance(node, ast.Constant):
            node.value = f"{node.value} other" if isinstance(node.value, str) else not node.value
        elif isinstance(node, ast.Compare):
            node.ops[0] = ast.IsNot() if isinstance(node.ops[0], ast.Is) else ast.Is()
        yield kind, changed
    body = getattr(definition, "body", [])
    if len([s for s in body if id(s) not in quiet]) > 1:
        changed = copy.deepcopy(definition)
        changed.body.pop()  # type: ignore[attr-defined]
        yield "statement", changed


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_changed_definition_changes_the_stages_that_reach_it(name: str) -> None:
    module, definition = name.split(":")
    text = source(module)
    tree = ast.parse(text)
    tried = 0
    for index, statement in enumerate(tree.body):
        if not any(statement.lineno == s.lineno for s in CODE.module(module).definitions[definition]):
            continue
        for kind, mutant in mutants(statement):
            body = [*tree.body[:index], mutant, *tree.body[index + 1 :]]
            after = with_tree(module, ast.Module(body, type_ignores=[]))
            different = {stage for stage in STAGES if after[stage] != STAGES[stage]}
            assert different == USERS[name], kind
            tried += 1
    assert tried or definition_is_plain(module, definition)


def definition_is_plain(module: str, definition: str) -> bool:
    """Nothing in it to change: names alone, such as `Rows = list[Row]`, or a class with a docstring."""
    statements = CODE.module(module).definitions[definition]
    return all(
        not any(isinstance(node, ast.Constant | ast.Compare) for node in ast.walk(statement))
        for statement in statements
    )


@pytest.mark.parametrize("module", sorted({name.split(":")[0] for name in USERS}))
def test_what_has_no_meaning_changes_no_stage(module: str) -> None:
    text = source(module)
    lines = text.splitlines()
    commented = "\n".join([*lines, "# A comment at the end."])
    unparsed = ast.unparse(ast.parse(text))
    bare = copy.deepcopy(ast.parse(text))
    for node in ast.walk(bare):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    turned = ast.parse(text)
    imports = [s for s in turned.body if isinstance(s, ast.Import | ast.ImportFrom)]
    others = [s for s in turned.body if s not in imports]
    turned.body = [*sorted(imports, key=ast.unparse, reverse=True), *others]
    for changed in (commented, unparsed, ast.unparse(bare), ast.unparse(turned)):
        assert with_tree(module, ast.parse(changed)) == STAGES
