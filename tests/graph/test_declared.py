"""dvc.yaml says of every stage exactly what its code reads: no more, or it is rebuilt for nothing;
no less, or it is silently stale."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo
from pydantic import BaseModel

from s2.params import Params, Section
from tests.graph import ROOT, code_of, module_file, parameters_of, parse, whole_params_uses

# A stage that depends on the whole file of parameters, in order to check it.
CHECKS_ALL = "params"


def graph() -> dict[str, Any]:
    return {stage.addressing: stage for stage in Repo(str(ROOT)).index.stages}


STAGES = graph()


def module_of(stage: Any) -> str:
    match = re.match(r"python -m (stages\.\w+)", stage.cmd)
    assert match, stage.cmd
    return match[1]


def declared_code(stage: Any) -> set[str]:
    paths = [dep.def_path for dep in stage.deps if dep.def_path]
    return {path for path in paths if path.endswith(".py")}


def declared_parameters(stage: Any) -> set[str]:
    return {name for dep in stage.deps for name in getattr(dep, "params", [])}


def test_the_graph_has_the_stages_of_the_design() -> None:
    names = set(STAGES)
    assert {"sample", "base", "encoder", "reddit", "wiki", "embeddings", "splits"} <= names
    assert {"candidates@reddit", "candidates@wiki", "toxicity@reddit", "toxicity@wiki"} <= names
    for data in ("eli5", "wiki", "eli5-wiki"):
        assert {f"datasets@{data}", f"sft@{data}", f"merge@{data}-simple"} <= names
        assert {f"answers@{data}", f"evaluate@{data}"} <= names
    assert {"questions", "explore", "answers@base", "evaluate@base", "report"} <= names


@pytest.mark.parametrize("name", STAGES)
def test_code_is_a_dependency(name: str) -> None:
    stage = STAGES[name]
    assert declared_code(stage) == code_of(module_of(stage))


@pytest.mark.parametrize("name", sorted(STAGES.keys() - {CHECKS_ALL}))
def test_parameters_are_dependencies(name: str) -> None:
    stage = STAGES[name]
    assert declared_parameters(stage) == parameters_of(module_of(stage))
    assert whole_params_uses(module_of(stage)) == []


@pytest.mark.parametrize("name", STAGES)
def test_every_field_of_a_section_that_is_passed_on_is_read(name: str) -> None:
    """A section as a parameter stands for all its fields; one that no code reads would rebuild the
    stage for nothing."""
    stage = STAGES[name]
    module = module_of(stage)
    sections = [section for key in parameters_of(module) if (section := section_of(key))]
    read = {
        node.attr
        for path in code_of(module)
        if path != "s2/params.py"
        for node in ast.walk(parse(Path(path)))
        if isinstance(node, ast.Attribute)
    }
    for section in sections:
        assert fields(section) <= read, section.__name__


def section_of(key: str) -> type[BaseModel] | None:
    model: Any = Params
    for part in key.split("."):
        model = model.model_fields[part].annotation
    return model if isinstance(model, type) and issubclass(model, Section) else None


def fields(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            names |= fields(field.annotation)
    return names


@pytest.mark.parametrize(
    ("key", "readers"),
    [
        ("quality.readability.max_grade", {"splits"}),
        ("quality.readability.min_ease", {"splits"}),
        ("quality.toxicity.max_score", {"splits"}),
        ("quality.length.reddit", {"splits"}),
        ("splits.leakage", {"splits"}),
        ("sft.lr", {"sft@eli5", "sft@wiki", "sft@eli5-wiki"}),
        ("data.wiki.max_words", {"candidates@wiki"}),
        ("questions.max_tokens", {"questions"}),
    ],
)
def test_a_parameter_makes_only_its_readers_stale(key: str, readers: set[str]) -> None:
    """Thresholds are the gates' alone, so that moving one never scores a row again. (The cards of
    the datasets state them.)"""
    found = {
        name
        for name, stage in STAGES.items()
        if not name.startswith("cards@")
        and any(key == read or key.startswith(f"{read}.") for read in declared_parameters(stage))
    }
    assert found == readers


def test_packages_hold_no_code() -> None:
    """`__init__` modules are no dependency of any stage, so they must not decide anything."""
    for path in [*(ROOT / "s2").rglob("__init__.py"), ROOT / "stages/__init__.py"]:
        (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr)


@pytest.mark.parametrize("name", sorted({module_of(stage) for stage in STAGES.values()}))
def test_files_named_in_a_stage_are_declared(name: str) -> None:
    """Every path constant of a stage module is one of its dependencies or outputs."""
    path = module_file(name)
    assert path
    texts = [
        node.value
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    named = {text for text in texts if re.fullmatch(r"(data|models|metrics)/[\w./-]+", text)}
    declared = {
        out.def_path
        for stage in STAGES.values()
        if module_of(stage) == name
        for out in [*stage.deps, *stage.outs]
        if out.def_path
    }
    for text in named:
        assert any(known.startswith(text) or text.startswith(f"{known}/") for known in declared), (
            f"{text} is named in {path}, but dvc.yaml does not know it"
        )


def test_outputs_persist() -> None:
    """DVC would delete other outputs before it runs a stage, and a failure would lose them."""
    for stage in STAGES.values():
        assert all(out.persist for out in stage.outs), stage.addressing
