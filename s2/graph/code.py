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
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from s2.graph.syntax import Module, bindings, digest, names_in, read, walk

ROOT = Path(__file__).parents[2]
OURS = ("s2", "stages")
WATCHING = "s2.graph."  # watches over runs and makes no output: not followed
PRESENTATION = {"rich", "tqdm", "typer", "typing_extensions"}  # no output depends on them
DISTRIBUTIONS = {
    "markdown_it": "markdown-it-py",
    "profanity_check": "alt-profanity-check",
    "vl_convert": "vl-convert-python",
    "ruamel": "ruamel.yaml",
    "yaml": "pyyaml",
}
WHOLE = "*"

Fingerprint = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Step:
    """What one definition is and leads to: its hash (None of a name that is only imported), what it
    refers to, each as (module, name), and the third-party packages among that."""

    digest: str | None
    targets: list[tuple[str, str]]
    packages: set[str]


class Code:
    """The code under a root folder, each module parsed and each definition hashed when first asked
    for."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        paths = [path for top in OURS for path in (root / top).rglob("*.py")]
        self._files = {_module_name(path.relative_to(root)): path for path in paths}
        self._modules: dict[str, Module] = {}
        self._steps: dict[tuple[str, str], Step] = {}

    def fingerprint(self, *entries: tuple[str, str]) -> Fingerprint:
        """The fingerprint of what the entries, each (module, name), can reach.

        Raises `ValueError` for an import that cannot be followed or a package without a pin.
        """
        found: dict[str, str] = {}
        packages: set[str] = set()
        seen: set[tuple[str, str]] = set()
        imported: set[str] = set()
        waiting = list(entries)
        while waiting:
            at = waiting.pop()
            if at in seen or at[0].startswith(WATCHING):
                continue
            seen.add(at)
            step = self._step(*at)
            if step.digest:
                found[":".join(at)] = step.digest
            packages |= step.packages
            waiting += [*step.targets, *((loose, WHOLE) for loose in self._imported(at[0], imported))]
        return {"definitions": dict(sorted(found.items())), "packages": self._pinned(packages, entries)}

    def stages(self) -> dict[str, Fingerprint]:
        """The fingerprint of the `main` of each stage module, by the module's last name."""
        modules = sorted(name for name in self._files if name.startswith("stages."))
        mains = [name for name in modules if "main" in self.module(name).definitions]
        return {name.removeprefix("stages."): self.fingerprint((name, "main")) for name in mains}

    def module(self, name: str) -> Module:
        """A module of ours, parsed; a package is its `__init__`."""
        if name not in self._files:
            raise ValueError(f"there is no module {name} in {self.root}")
        if name not in self._modules:
            self._modules[name] = read(name, ast.parse(self._files[name].read_text(encoding="utf-8")))
        return self._modules[name]

    @cached_property
    def _pins(self) -> dict[str, str]:
        lines = (self.root / "requirements.lock").read_text(encoding="utf-8").splitlines()
        pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
        return {_normal(name.strip()): version.strip() for name, version in pairs}

    def _pinned(self, packages: set[str], entries: Iterable[tuple[str, str]]) -> dict[str, str]:
        names = {_normal(DISTRIBUTIONS.get(name, name)) for name in packages}
        if missing := sorted(names - self._pins.keys()):
            reached = ", ".join(":".join(entry) for entry in entries)
            raise ValueError(f"{reached}: requirements.lock does not pin {', '.join(missing)}")
        return {name: self._pins[name] for name in sorted(names)}

    def _step(self, module_name: str, name: str) -> Step:
        at = module_name, name
        if at not in self._steps:
            self._steps[at] = self._follow(self.module(module_name), name)
        return self._steps[at]

    def _follow(self, module: Module, name: str) -> Step:
        """A definition's own step; of `WHOLE`, that of a module's loose statements, which leads to all
        of its definitions."""
        packages: set[str] = set()
        statements = module.loose if name == WHOLE else module.definitions.get(name, [])
        if not statements and name in module.imports:
            return Step(None, list(self._resolve(*module.imports[name], [], packages)), packages)
        if not statements and name != WHOLE:
            raise ValueError(f"{module.name} defines no {name}")
        targets = list(self._targets(statements, module, packages))
        if name == WHOLE:
            targets += [(module.name, inner) for inner in module.definitions]
        return Step(digest(statements, module) if statements else None, targets, packages)

    def _imported(self, name: str, imported: set[str]) -> Iterator[str]:
        """The modules with loose statements among `name` and all that its import imports."""
        if name in imported or name.startswith(WATCHING):
            return
        imported.add(name)
        module = self.module(name)
        if module.loose:
            yield name
        for target in module.runs:
            if target in self._files:
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
        while path and f"{origin}.{path[0]}" in self._files:
            origin = f"{origin}.{path.pop(0)}"
        yield origin, path[0] if path else WHOLE


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _normal(distribution: str) -> str:
    """A distribution's name as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@cache
def meaning(*definitions: Callable[..., Any]) -> str:
    """A hash of what functions or classes of ours mean, all that they reach included: the code part
    of a cache's key."""
    entries = [(item.__module__, item.__qualname__) for item in definitions]
    return hashlib.sha256(repr(Code().fingerprint(*entries)).encode()).hexdigest()
