"""Fingerprints of code by meaning: what an entry point can reach through names.

A fingerprint maps each definition that is reached (`module:name`) to a hash of its syntax tree, and
each third-party package that they import to its pin in requirements.lock. Comments, docstrings,
formatting, the order of imports and the words of an `S2Error`, which ends a stage without output,
do not count. What cannot be followed safely counts whole: a class with all its methods, a module
that is passed about by name, and, of every module that is imported, top-level statements that are
neither import, definition, assignment nor main guard, and then all of that module.

tests/graph/test_habits.py bans what this cannot see (importlib, exec, star imports ...).
"""

import ast
import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from s2.graph.syntax import Module, bindings, digest, names_in, parse, walk

ROOT = Path(__file__).parents[2]
OURS = ("s2", "stages")
WATCHING = "s2.graph"  # watches over runs and makes no output: not followed
PRESENTATION = {"dvclive", "rich", "tqdm", "typer", "typing_extensions"}  # no output depends on them
DISTRIBUTIONS = {
    "markdown_it": "markdown-it-py",
    "profanity_check": "alt-profanity-check",
    "yaml": "pyyaml",
}
WHOLE = "*"

Fingerprint = dict[str, dict[str, str]]


class Code:
    """The code under a root folder, each module parsed when it is first asked for."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._modules: dict[str, Module] = {}

    def fingerprint(self, *entries: tuple[str, str]) -> Fingerprint:
        """The fingerprint of what the entries, each (module, name), can reach.

        Raises `ValueError` for an import that cannot be followed or a package without a pin.
        """
        found, packages = self._reach(entries)
        pins = self._pins()
        distributions = {_normal(DISTRIBUTIONS.get(name, name)) for name in packages}
        missing = sorted(distributions - pins.keys())
        if missing:
            raise ValueError(
                f"requirements.lock does not pin {', '.join(missing)}, which {entries} import"
            )
        return {
            "definitions": dict(sorted(found.items())),
            "packages": {name: pins[name] for name in sorted(distributions)},
        }

    def stages(self) -> dict[str, Fingerprint]:
        """The fingerprint of the `main` of each stage module, by the module's last name."""
        names = sorted(path.stem for path in (self.root / "stages").glob("*.py"))
        modules = [name for name in names if "main" in self.module(f"stages.{name}").definitions]
        return {name: self.fingerprint((f"stages.{name}", "main")) for name in modules}

    def module(self, name: str) -> Module:
        """A module of ours, parsed; a package is its `__init__`."""
        if name not in self._modules:
            path = self._file(name)
            if path is None:
                raise ValueError(f"there is no module {name} in {self.root}")
            self._modules[name] = parse(name, path.read_text(encoding="utf-8"))
        return self._modules[name]

    def _file(self, module: str) -> Path | None:
        path = self.root.joinpath(*module.split("."))
        return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)

    def _pins(self) -> dict[str, str]:
        lines = (self.root / "requirements.lock").read_text(encoding="utf-8").splitlines()
        pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
        return {_normal(name.strip()): version.strip() for name, version in pins}

    def _reach(self, entries: Iterable[tuple[str, str]]) -> tuple[dict[str, str], set[str]]:
        found: dict[str, str] = {}
        packages: set[str] = set()
        seen: set[tuple[str, str]] = set()
        imported: set[str] = set()
        waiting = list(entries)
        while waiting:
            module_name, name = at = waiting.pop()
            if at in seen or module_name.startswith(WATCHING):
                continue
            seen.add(at)
            waiting += [(loose, WHOLE) for loose in self._imported(module_name, imported)]
            module = self.module(module_name)
            if name == WHOLE:
                waiting += [(module_name, inner) for inner in module.definitions]
            statements = module.loose if name == WHOLE else module.definitions.get(name, [])
            if not statements and name in module.imports:
                waiting += self._resolve(*module.imports[name], [], packages)
            elif statements:
                found[f"{module_name}:{name}"] = digest(statements, module)
                waiting += self._targets(statements, module, packages)
            elif name != WHOLE:
                raise ValueError(f"{module_name} defines no {name}")
        return found, packages

    def _imported(self, name: str, imported: set[str]) -> Iterator[str]:
        """The modules with loose statements among `name` and all that its import imports."""
        if name in imported or name.startswith(WATCHING):
            return
        imported.add(name)
        module = self.module(name)
        if module.loose:
            yield name
        for target in module.runs:
            if target.split(".")[0] in OURS and self._file(target):
                yield from self._imported(target, imported)

    def _targets(
        self, statements: list[ast.stmt], module: Module, packages: set[str]
    ) -> Iterator[tuple[str, str]]:
        """What statements refer to: names of their module, what its imports bind, own imports."""
        bound, own = names_in(statements, module)
        for name, attributes in bound:
            yield from self._resolve(*module.imports[name], attributes, packages)
        yield from ((module.name, name) for name in own)
        for node in walk(statements):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for origin, attribute in bindings(node).values():
                    yield from self._resolve(origin, attribute, [], packages)

    def _resolve(
        self, origin: str, attribute: str | None, attributes: list[str], packages: set[str]
    ) -> Iterator[tuple[str, str]]:
        """What an imported name with attributes after it is: a definition or a whole module of ours;
        of others, the package is noted."""
        package = origin.split(".")[0]
        if package not in OURS:
            if package not in sys.stdlib_module_names and package not in PRESENTATION:
                packages.add(package)
            return
        path = [*([attribute] if attribute else []), *attributes]
        while path and self._file(f"{origin}.{path[0]}"):
            origin = f"{origin}.{path.pop(0)}"
        yield origin, path[0] if path else WHOLE


def _normal(distribution: str) -> str:
    """A distribution's name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def meaning(*definitions: Callable[..., Any]) -> str:
    """A hash of what functions or classes of ours mean, all that they reach included: the code part
    of a cache's key."""
    entries = [(item.__module__, item.__qualname__) for item in definitions]
    return hashlib.sha256(repr(Code().fingerprint(*entries)).encode()).hexdigest()
