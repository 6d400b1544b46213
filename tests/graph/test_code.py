"""The slicer on small modules: what counts, what does not, what is followed."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s2.graph.code import Code, meaning
from s2.graph.guard import differences
from tests.graph.reading import ROOT

STAGE = '''
"""A stage."""
import os
import numpy
from s2.a import SIZE, Thing, helper as renamed
from s2 import b

def main() -> None:
    """Runs."""
    renamed(b.twice(SIZE), numpy.zeros(3), os.sep)
    Thing()

def unused() -> int:
    return 1

if __name__ == "__main__":
    main()
'''
A = """
from functools import cache
import torch
from s2.errors import S2Error
from s2.b import twice

SIZE: int = 3
OTHER = 4

class Base:
    def one(self) -> int:
        return 1

class Thing(Base):
    def two(self) -> int:
        return self.one() + inner()

def inner() -> int:
    return 2

@cache
def helper(n: int, *rest: object) -> int:
    # why
    if n > SIZE:
        raise S2Error(f"{n} is too many: {explain(n)}")
    return twice(n)

def explain(n: int) -> str:
    return "words"

def train() -> None:
    torch.zeros(1)
"""
B = """
def twice(n: int) -> int:
    return 2 * n

def thrice(n: int) -> int:
    return 3 * n
"""
FILES = {
    "stages/__init__.py": "",
    "stages/one.py": STAGE,
    "s2/__init__.py": "",
    "s2/a.py": A,
    "s2/b.py": B,
    "s2/errors.py": "class S2Error(Exception):\n    pass\n",
    "requirements.lock": "# pins\nnumpy==1.2\ntorch==3.4\n",
}


def written(folder: Path, **changes: str) -> Code:
    """The code above in a folder, changed: file name without folder and ending to (old, new)."""
    for name, text in FILES.items():
        old, new = changes.get(Path(name).stem, "\n").split("\n", 1)
        old, new = old.replace("\\n", "\n"), new.replace("\\n", "\n")
        assert not old or old in text, f"{old!r} is not in {name}"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.replace(old, new) if old else text)
    return Code(folder)


def reached(code: Code) -> set[str]:
    return set(code.fingerprint(("stages.one", "main"))["definitions"])


def test_what_main_reaches_through_names(tmp_path: Path) -> None:
    code = written(tmp_path)
    assert reached(code) == {
        "stages.one:main",
        *(f"s2.a:{name}" for name in ("SIZE", "Base", "Thing", "inner", "helper")),
        "s2.b:twice",
        "s2.errors:S2Error",
    }
    assert code.fingerprint(("stages.one", "main"))["packages"] == {"numpy": "1.2"}


@pytest.mark.parametrize(
    "change",
    [
        {"a": "# why\n# because"},
        {"a": "raise S2Error(f\"{n} is too many: {explain(n)}\")\nraise S2Error('Too many!')"},
        {"a": 'return "words"\nreturn "other words"'},
        {"a": "OTHER = 4\nOTHER = 5"},
        {"b": "return 3 * n\nreturn 4 * n"},
        {"one": '"""Runs."""\n"""Runs well."""'},
        {"one": "import os\\nimport numpy\nimport numpy\\nimport os"},
        {"one": "numpy.zeros(3), os.sep)\nnumpy.zeros(\\n 3), # three\\n os.sep,)"},
        {"requirements": "torch==3.4\ntorch==3.5"},
    ],
)
def test_what_has_no_meaning_changes_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    before = written(tmp_path).fingerprint(("stages.one", "main"))
    assert written(tmp_path, **change).fingerprint(("stages.one", "main")) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a": "SIZE: int = 3\nSIZE: int = 4"}, "s2.a:SIZE changed"),
        ({"a": "SIZE: int = 3\nSIZE: float = 3"}, "s2.a:SIZE changed"),
        ({"a": "if n > SIZE\nif n >= SIZE"}, "s2.a:helper changed"),
        ({"a": "@cache\n"}, "s2.a:helper changed"),
        ({"a": "n: int, *rest\nn: float, *rest"}, "s2.a:helper changed"),
        ({"a": "return 1\nreturn 11"}, "s2.a:Base changed"),
        ({"a": "return 2\nreturn 22"}, "s2.a:inner changed"),
        ({"a": "from s2.b import twice\nfrom s2.b import thrice as twice"}, "s2.b:thrice is new"),
        ({"one": "import numpy\nimport torch as numpy"}, "torch is new"),
        ({"one": "from s2 import b\nfrom s2 import a as b"}, None),
        ({"requirements": "numpy==1.2\nnumpy==1.3"}, "numpy 1.2 → 1.3"),
    ],
)
def test_what_has_a_meaning_changes_its_definition(
    tmp_path: Path, change: dict[str, str], told: str | None
) -> None:
    before = written(tmp_path).fingerprint(("stages.one", "main"))
    after = written(tmp_path, **change).fingerprint(("stages.one", "main"))
    found = differences(before, after)
    assert found and (told is None or told in found)


def test_what_cannot_be_followed_counts_whole(tmp_path: Path) -> None:
    """A statement at a module's top level runs with its import, whatever is used of it; a module
    that is passed about may be used in any way."""
    assert {"s2.b:*", "s2.b:thrice"} <= reached(written(tmp_path, b="def thrice\nprint(1)\ndef thrice"))
    passed = written(tmp_path, one="b.twice(SIZE)\nb, SIZE")
    assert "s2.b:thrice" in reached(passed)


def test_a_side_effect_deep_in_the_imports_counts(tmp_path: Path) -> None:
    written(tmp_path, a="SIZE: int = 3\nimport s2.quiet\\nSIZE: int = 3")
    (tmp_path / "s2/quiet.py").write_text("import torch\ntorch.set_num_threads(1)\n")
    found = Code(tmp_path).fingerprint(("stages.one", "main"))
    assert "s2.quiet:*" in found["definitions"] and "torch" in found["packages"]


def test_an_import_inside_a_function_is_followed(tmp_path: Path) -> None:
    code = written(
        tmp_path, one="Thing()\nfrom s2.b import thrice\\n    import torch\\n    thrice(torch)"
    )
    found = code.fingerprint(("stages.one", "main"))
    assert "s2.b:thrice" in found["definitions"] and "torch" in found["packages"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"one": "from s2 import b\nfrom s2.b import *"}, "star imports cannot be followed"),
        ({"one": "from s2 import b\nfrom . import b"}, "relative and star imports"),
        ({"a": "SIZE: int = 3\nimport scipy\\nSIZE = scipy.one"}, "does not pin scipy"),
        ({"one": "b.twice\nb.treble"}, "s2.b defines no treble"),
    ],
)
def test_what_would_be_missed_is_refused(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        written(tmp_path, **change).fingerprint(("stages.one", "main"))


def interpreter(version: str) -> str:
    """A Python of that version, on the path or of pyenv's; skips the test where there is none."""
    found = [f"python{version}", *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for python in found:
        # A shim may stand on the path for a version that it cannot start.
        if shutil.which(python) and subprocess.run([python, "-V"], capture_output=True).returncode == 0:
            return python
    pytest.skip(f"no Python {version} is installed")


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_another_python_gives_the_same_fingerprints(version: str) -> None:
    script = (
        "import json; from pathlib import Path; from s2.graph.code import Code\n"
        f"print(json.dumps(Code(Path({str(ROOT)!r})).stages()))"
    )
    command = [interpreter(version), "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == Code(ROOT).stages()


def test_the_slicer_needs_the_standard_library_alone() -> None:
    for name in ("code", "syntax"):
        tree = ast.parse((ROOT / f"s2/graph/{name}.py").read_text(encoding="utf-8"))
        imported = {
            alias.name if isinstance(node, ast.Import) else str(node.module)
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        allowed = {*sys.stdlib_module_names, "s2"}
        assert {module.split(".")[0] for module in imported} <= allowed
        assert len((ROOT / f"s2/graph/{name}.py").read_text(encoding="utf-8").splitlines()) < 200


def test_a_cache_key_covers_what_matters_to_it_and_no_more() -> None:
    from s2.quality.toxicity import Detoxify, ProfanityCheck
    from s2.train.sft import make_trainer

    assert len({meaning(Detoxify), meaning(ProfanityCheck), meaning(make_trainer)}) == 3
    scored = Code(ROOT).fingerprint(("s2.quality.toxicity", "Detoxify"))["definitions"]
    assert (
        "s2.quality.toxicity:token_batches" in scored and "s2.quality.toxicity:score_texts" not in scored
    )
    trained = Code(ROOT).fingerprint(("s2.train.sft", "make_trainer"))["definitions"]
    assert "s2.models.adapters:lora_config" in trained and "s2.train.curves:LossCurve" not in trained
