"""Questions of a benchmark from a file, for a task of lm-evaluation-harness."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from s2.evaluate.texts import read_records
from s2.kernel.errors import S2Error
from s2.kernel.files import temporary_file
from s2.kernel.paths import local
from s2.params.evaluate import HarnessTask

SUBJECT = "subject"  # as MMLU calls what tells its subtasks apart

Rows = list[dict[str, Any]]
Index = Mapping[str, Any]  # of the library: what it knows of each task, group and tag, by name


def questions(task: HarnessTask) -> Rows | None:
    """The questions in a task's file, or None if it takes a hub's. Raises `S2Error` for one in the shape
    of a publisher's own file that lacks a part of it."""
    if task.file is None:
        return None
    found = []
    for number, row in enumerate(read_records(Path(task.file)), 1):
        with readable(task.file, f"question {number}"):
            found.append(hub_shape(row))
    return found


def hub_shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the hub's data sets have it: ARC's own files nest the question, TruthfulQA's have targets
    as texts with their labels."""
    found = dict(row)
    if isinstance(found.get("question"), Mapping):
        nested = found["question"]
        choices = {key: [choice[key] for choice in nested["choices"]] for key in ("text", "label")}
        found |= {"question": nested["stem"], "choices": choices}
    for key, value in row.items():
        if key.endswith("_targets") and isinstance(value, Mapping):
            found[key] = {"choices": list(value), "labels": list(value.values())}
    return found


@contextmanager
def specs(name: str, shots: int, rows: Rows | None, index: Index) -> Iterator[list[str]]:
    """What the library is to load: a task of its own, or that over rows of a file; of a task with
    subtasks, such as MMLU, those of the rows' subjects. Raises `S2Error` for a subject that it has not,
    and for fewer rows than solved examples and a question take."""
    if rows is None:
        yield [name]
        return
    parts = _by_leaf(name, rows, index)
    for leaf, part in parts.items():
        if len(part) <= shots:
            raise S2Error(
                f"harness.tasks.{name}: {leaf} has {len(part)} questions in its file, and {shots} shots "
                f"take {shots + 1} or more, for examples are other questions; lower its shots"
            )
    with ExitStack() as files:
        yield [
            files.enter_context(_spec(leaf, part, index[leaf].yaml_path)) for leaf, part in parts.items()
        ]


@contextmanager
def readable(where: str, which: str) -> Iterator[None]:
    """Raises `S2Error` where a question of a file is not as its task wants it, which the library tells in
    as many ways as its tasks have of reading one."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise S2Error(
            f"{where}: {which} is not as the library's task has its own "
            f"({type(error).__name__}: {error}); give it the fields of that data set"
        ) from error


def check(name: str, leaf: Any) -> None:
    """Raises `S2Error` for the first question of a loaded task over a file that cannot be asked."""
    for number, row in enumerate(leaf.test_docs(), 1):
        with readable(f"harness.tasks.{name}", f"question {number} of {leaf.task_name} in its file"):
            leaf.doc_to_text(row)
            choices, target = leaf.doc_to_choice(row), leaf.doc_to_target(row)
            if not all(isinstance(choice, str) for choice in choices):
                raise TypeError(f"its choices are {choices}")
            if isinstance(target, int) and not 0 <= target < len(choices):
                raise IndexError(f"of {len(choices)} choices the right one is to be number {target}")


def _by_leaf(name: str, rows: Rows, index: Index) -> dict[str, Rows]:
    leaves = list(_leaves(name, index))
    if leaves == [name]:
        return {name: rows}
    of_subject = {index[leaf].cfg.get("dataset_name"): leaf for leaf in leaves}
    found: dict[str, Rows] = {}
    for number, row in enumerate(rows, 1):
        subject = row.get(SUBJECT)
        if subject not in of_subject:
            raise S2Error(
                f"harness.tasks.{name}: question {number} of its file has {SUBJECT} {subject!r}, and the "
                f"task has: {', '.join(sorted(map(str, of_subject)))}"
            )
        found.setdefault(of_subject[subject], []).append(row)
    return found


def _leaves(name: str, index: Index) -> Iterator[str]:
    """A task itself; of a group or a tag the tasks in it, in the library's order."""
    entry = index[name]
    within = sorted(entry.tags) if entry.cfg is None else entry.cfg["task"]
    if isinstance(within, str):
        yield name
        return
    for one in within:
        if not isinstance(one, str):
            raise S2Error(f"harness.tasks.{name} asks its subtasks in ways of its own: it takes no file")
        yield from _leaves(one, index)


@contextmanager
def _spec(name: str, rows: Rows, described: Path) -> Iterator[str]:
    """A task of the library over rows, as a file that the library reads."""
    with (
        temporary_file(local("harness", f"{name}.jsonl")) as data,
        temporary_file(local("harness", f"{name}.yaml")) as spec,
    ):
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        over = {
            "include": str(described),
            "task": name,
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {"test": str(data)}},
            "training_split": None,
            "validation_split": None,
            "test_split": "test",
            "fewshot_split": "test",
        }
        spec.write_text(yaml.safe_dump(over), encoding="utf-8")
        yield str(spec)
