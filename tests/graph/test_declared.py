"""dvc.yaml says of every stage exactly what its code reads: no more, or it is rebuilt for nothing;
no less, or it is silently stale."""

import ast
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml

from s2.params.whole import Params
from tests.graph.reading import (
    CODE,
    ROOT,
    module_of,
    parameters_of,
    paths_of,
    reached,
    section_of,
    stages,
)

# A stage that depends on the whole file of parameters, in order to check it.
CHECKS_ALL = "params"
SCORED = ("base", "eli5-wiki", "preferred", "dpo", "ppo")


def declared_parameters(stage: Any) -> set[str]:
    return {name for dep in stage.deps for name in getattr(dep, "params", [])}


def matches(declared: set[str], read: set[str]) -> bool:
    """Each declared key is read, and each that is read declared, `*` standing for any name."""
    return all(any(fnmatch(key, pattern) for pattern in read) for key in declared) and all(
        any(fnmatch(key, pattern) for key in declared) for pattern in read
    )


def test_the_graph_has_the_stages_of_the_design() -> None:
    declared = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    names = set(stages())
    assert {"code", "params", "sample", "base", "encoder", "classifier", "reddit", "wiki"} <= names
    assert {"splits", "questions", "leakage", "explore", "sets", "bertscore", "report"} <= names
    assert {
        f"{stage}@{source}"
        for stage in ("candidates", "toxicity", "embeddings")
        for source in ("reddit", "wiki")
    } <= names
    assert {f"datasets@{name}" for name in declared["datasets"]} <= names
    assert {f"sft@{name}" for name in declared["sft"]["models"]} <= names
    assert {f"merge@{name}" for name in declared["merge"]["models"]} <= names
    for stage in ("reward", "dpo", "ppo", "rejection"):
        assert {f"{stage}@{name}" for name in declared[stage]["models"]} <= names
    assert {f"preferences@{name}" for name in declared["preference"]["sets"]} <= names
    assert {f"chosen@{name}" for name in declared["preference"]["chosen"]} <= names
    assert {f"answers@{name}" for name in declared["evaluate"]["models"]} <= names
    assert {f"evaluate@{name}" for name in declared["evaluate"]["models"]} <= names


@pytest.mark.parametrize("name", sorted(stages().keys() - {"code"}))
def test_code_is_a_dependency_by_one_file(name: str) -> None:
    stage = stages()[name]
    found = [dep.def_path for dep in stage.deps if str(dep.def_path).startswith("data/code/")]
    assert found == [f"data/code/{module_of(stage)}.json"]
    others = [str(dep.def_path) for dep in stage.deps]
    assert not [path for path in others if path.endswith(".py")]


@pytest.mark.parametrize("name", sorted(stages().keys() - {"code", CHECKS_ALL}))
def test_parameters_are_dependencies(name: str) -> None:
    stage = stages()[name]
    declared, read = declared_parameters(stage), parameters_of(module_of(stage))
    assert matches(declared, read), (sorted(declared), sorted(read))


@pytest.mark.parametrize("name", sorted(stages().keys() - {"code", CHECKS_ALL}))
def test_every_field_of_a_section_that_is_loaded_whole_is_read(name: str) -> None:
    """A section as a parameter stands for all its fields; one that no code reads would rebuild the
    stage for nothing."""
    module = module_of(stages()[name])
    sections = [section for key in declared_parameters(stages()[name]) if (section := section_of(key))]
    read = {
        node.attr
        for _, statement in reached(module)
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute)
    }
    for section in sections:
        unread = set(section.model_fields) - read
        assert not unread, (section.__name__, unread)


def test_nothing_depends_on_the_machine() -> None:
    for name, stage in stages().items():
        assert not [key for key in declared_parameters(stage) if key.startswith("machine")], name


@pytest.mark.parametrize(
    ("key", "readers"),
    [
        ("quality.readability.max_grade", {"splits", "pairs"}),
        ("quality.readability.min_ease", {"splits", "pairs"}),
        ("quality.toxicity.max_score", {"splits", "pairs"}),
        ("quality.length.reddit", {"splits", "pairs"}),
        ("splits.leakage", {"leakage"}),
        ("splits.pairs.choice", {"splits"}),
        ("data.reddit.edits", {"candidates@reddit", "splits", "pairs"}),
        ("data.reddit.removed_posts", {"candidates@reddit"}),
        ("evaluate.bertscore.layer", {"bertscore", *(f"evaluate@{name}" for name in SCORED)}),
        ("sft.lr", {"sft@eli5-wiki", "sft@preferred"}),
        ("sft.models.eli5-wiki", {"sft@eli5-wiki", "report"}),
        ("preference.simplicity", {"pairs"}),
        ("reward.lr", {"reward@helpfulness", "reward@simplicity"}),
        ("reward.min_accuracy", {"ppo_panels@ppo", "rejection_panels@best-of-4"}),
        ("preference.chosen.preferred", {"chosen@preferred"}),
        ("dpo.beta", {"dpo@dpo"}),
        ("ppo.kl.target", {"ppo@ppo"}),
        ("rejection.samples", {"rejection@best-of-4"}),
        ("merge.rows", {"merge@eli5-wiki-simple"}),
        ("datasets.eli5", {"datasets@eli5", "questions", "report"}),
        ("data.wiki.truncate", {"candidates@wiki"}),
        ("questions.max_tokens", {"questions"}),
        (
            "answers.max_new_tokens",
            {"report", *(f"{kind}@{name}" for kind in ("answers", "judge") for name in SCORED)},
        ),
    ],
)
def test_a_parameter_makes_only_its_readers_stale(key: str, readers: set[str]) -> None:
    """Thresholds are the gates' alone, so that moving one never scores a row again. (The cards of
    datasets and models state them.)"""
    found = {
        name
        for name, stage in stages().items()
        if not name.startswith(("cards@", "model_cards"))
        and any(key == read or key.startswith(f"{read}.") for read in declared_parameters(stage))
    }
    assert found == readers


@pytest.mark.parametrize("module", sorted({module_of(stage) for stage in stages().values()} - {"code"}))
def test_files_named_in_a_stage_are_declared(module: str) -> None:
    """Every path of a stage module is one of its dependencies or outputs, or lies in one."""
    declared = {
        str(item.def_path)
        for stage in stages().values()
        if module_of(stage) == module
        for item in [*stage.deps, *stage.outs]
    }
    for path in paths_of(module):
        assert any(
            fnmatch(known, path) or fnmatch(known, f"{path}/*") or path.startswith(f"{known}/")
            for known in declared
        ), f"stages/{module}.py names {path}, but dvc.yaml does not"


def test_nothing_persists_and_every_stage_can_be_restored() -> None:
    """DVC's run cache refuses stages without outputs, with outputs that persist, and with outputs out
    of the cache that are neither metric nor plot (Stage.run)."""
    for name, stage in stages().items():
        assert stage.outs and not any(out.persist for out in stage.outs), name
        uncached = [out for out in stage.outs if not out.use_cache]
        assert all(out.is_metric or out.is_plot for out in uncached), name


def test_one_folder_of_short_files_is_the_metric() -> None:
    metrics = [out.def_path for stage in stages().values() for out in stage.outs if out.metric]
    assert metrics == ["metrics/headline"]


def test_no_dataset_or_model_is_named_in_code_or_in_the_graph() -> None:
    declared = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    names = {*declared["datasets"], *declared["sft"]["models"]} - {"wiki"}  # which is a source too
    texts = {
        node.value
        for folder in ("s2", "stages")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not names & texts
    assert not [name for name in names if name in (ROOT / "dvc.yaml").read_text(encoding="utf-8")]


def test_packages_hold_no_code() -> None:
    """No fingerprint has it. That of `stages` turns a knob of Python's, which no output depends on."""
    for path in (ROOT / "s2").rglob("__init__.py"):
        (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
        assert isinstance(docstring, ast.Expr)


def test_every_parameter_has_a_reader() -> None:
    """A key that no stage loads would be a knob that turns nothing."""
    read = {key for stage in stages().values() for key in parameters_of(module_of(stage))}
    for key in Params.model_fields:
        assert key == "machine" or any(found.split(".")[0] == key for found in read), key
    assert CODE.root == ROOT


@pytest.mark.parametrize("section", ["dpo", "merge", "ppo", "rejection", "reward", "sft"])
def test_a_section_may_declare_no_model(section: str) -> None:
    """DVC refuses a stage whose dependency is not there: a folder to which nothing but the stages of one
    section write is kept by git."""
    folders = {
        dep.def_path
        for stage in stages().values()
        for dep in stage.deps
        if dep.def_path in (f"metrics/{section}", f"metrics/plots/{section}")
    }
    assert folders
    for folder in folders:
        assert (ROOT / folder / ".gitkeep").is_file(), folder
