"""Questions of a benchmark from a file."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from s2.evaluate.questions import hub_shape, questions, specs
from s2.kernel.errors import S2Error
from s2.params.evaluate import HarnessTask


class Entry(NamedTuple):
    """What the library knows of a task, a group or a tag."""

    cfg: dict[str, Any] | None
    tags: set[str]
    yaml_path: Path = Path("one.yaml")


INDEX = {
    "all": Entry({"group": "all", "task": ["tagged", "one"]}, set()),
    "tagged": Entry(None, {"two", "three"}),
    "one": Entry({"task": "one", "dataset_name": "first"}, set()),
    "two": Entry({"task": "two", "dataset_name": "second"}, {"tagged"}),
    "three": Entry({"task": "three", "dataset_name": "third"}, {"tagged"}),
}


def lines(found: list[str]) -> dict[str, int]:
    """How many questions each task has, by its name."""
    tasks = [yaml.safe_load(Path(spec).read_text()) for spec in found]
    files = {task["task"]: Path(task["dataset_kwargs"]["data_files"]["test"]) for task in tasks}
    return {name: len(file.read_text().splitlines()) for name, file in files.items()}


def test_the_hub_s_own_is_asked_by_its_name() -> None:
    assert questions(HarnessTask(shots=0)) is None
    with specs("all", 5, None, INDEX) as found:
        assert found == ["all"]


def test_rows_go_to_the_subtasks_of_their_subjects(in_tmp: Path) -> None:
    rows = [{"subject": subject} for subject in ("first", "third", "first")]
    with specs("all", 0, rows, INDEX) as found:
        assert lines(found) == {"one": 2, "three": 1}
    with specs("two", 0, rows, INDEX) as found:
        assert lines(found) == {"two": 3}


def test_a_subject_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with (
        pytest.raises(S2Error, match="question 2 .* subject 'fourth', and .*: first, second, third"),
        specs("all", 0, [{"subject": "first"}, {"subject": "fourth"}], INDEX),
    ):
        pass


def test_a_group_that_changes_its_tasks_takes_no_file() -> None:
    index = INDEX | {"own": Entry({"group": "own", "task": [{"task": "one", "num_fewshot": 2}]}, set())}
    with (
        pytest.raises(S2Error, match="harness.tasks.own asks its subtasks in ways of its own"),
        specs("own", 0, [{"subject": "first"}], index),
    ):
        pass


def test_examples_are_other_questions(in_tmp: Path) -> None:
    with (
        pytest.raises(S2Error, match="one has 2 questions in its file, and 2 shots take 3 or more"),
        specs("all", 2, [{"subject": "first"}] * 2, INDEX),
    ):
        pass
    with specs("all", 1, [{"subject": "first"}] * 2, INDEX) as found:
        assert lines(found) == {"one": 2}


def test_a_nested_question_without_its_choices_is_told_by_file_and_number(in_tmp: Path) -> None:
    whole = '{"question": {"stem": "Why?", "choices": [{"text": "so", "label": "A"}]}}'
    path = Path("data/raw/own/arc.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text(whole + '\n{"question": {"stem": "Why?"}}\n')
    with pytest.raises(S2Error, match=r"arc.jsonl: question 2 is not as .*KeyError: 'choices'"):
        questions(HarnessTask(shots=0, file=str(path)))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(S2Error, match=r"gone.jsonl does not exist"):
        questions(HarnessTask(shots=0, file="data/raw/own/gone.jsonl"))


def test_rows_take_the_hub_s_shape() -> None:
    asked = {"stem": "Why?", "choices": [{"text": "so", "label": "A"}, {"text": "no", "label": "B"}]}
    assert hub_shape({"question": asked, "answerKey": "A"}) == {
        "question": "Why?",
        "choices": {"text": ["so", "no"], "label": ["A", "B"]},
        "answerKey": "A",
    }
    found = hub_shape({"question": "Why?", "mc2_targets": {"so": 1, "no": 0}})
    assert found["mc2_targets"] == {"choices": ["so", "no"], "labels": [1, 0]}
