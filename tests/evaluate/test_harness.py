"""lm-evaluation-harness on a tiny model and local files."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from s2.evaluate.harness import LEADERBOARD, Harness, summary
from s2.evaluate.questions import questions
from s2.kernel.errors import S2Error
from s2.models.loading import Loaded, load_answering
from s2.params.evaluate import HarnessTask


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Loaded:
    return load_answering(tiny_model, tiny_model, "float32", "none")


@pytest.fixture(scope="module")
def harness(loaded: Loaded) -> Harness:
    return Harness(loaded, batch_size=4)


CHOICES = ["It is the sun.", "So it is.", "No.", "The sky."]


@pytest.mark.slow
def test_log_likelihoods_are_the_model_s(in_tmp: Path, harness: Harness, loaded: Loaded) -> None:
    rows = [{"id": str(n), "prompt": f"Why {n}?", "choices": CHOICES, "label": n} for n in range(4)]
    found = harness.run("s2_choice", 0, rows, None)
    assert (found["version"], found["shots"], len(found["samples"])) == (2.0, 0, 4)
    sample = found["samples"][1]
    prompt, whole = (loaded.tokenizer(text)["input_ids"] for text in ("Why 1?", "Why 1? So it is."))
    logits = loaded.model(input_ids=torch.tensor([whole])).logits[0].log_softmax(-1)
    expected = sum(logits[at - 1, whole[at]].item() for at in range(len(prompt), len(whole)))
    assert sample["loglikelihoods"][1] == pytest.approx(expected, abs=1e-4)
    best = max(range(4), key=lambda place: sample["loglikelihoods"][place])
    assert sample["scores"]["acc"] == float(best == 1)


@pytest.mark.slow
def test_a_task_of_the_library_takes_a_file_and_shots(in_tmp: Path, harness: Harness) -> None:
    options = [{"text": text, "label": label} for text, label in (("hot", "A"), ("cold", "B"))]
    rows = [
        {"id": str(n), "question": {"stem": f"Is {n} hot?", "choices": options}, "answerKey": "B"}
        for n in range(3)
    ]
    path = Path("data/raw/own/arc.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = harness.run("arc_challenge", 1, questions(HarnessTask(shots=1, file=str(path))), limit=2)
    assert [sample["target"] for sample in found["samples"]] == ["1", "1"]
    assert set(found["samples"][0]["scores"]) == {"acc", "acc_norm"}


ANATOMY = [
    {"question": "What pumps blood?", "choices": ["heart", "lung", "skin", "bone"], "answer": 0},
    {"question": "What takes in air?", "choices": ["heart", "lung", "skin", "bone"], "answer": 1},
]
PIQA = [
    {
        "goal": "To dry shoes,",
        "sol1": "leave them in the sun.",
        "sol2": "leave them in a bath.",
        "label": 0,
    },
    {"goal": "To cut bread,", "sol1": "take a spoon.", "sol2": "take a knife.", "label": 1},
]
WINOGRANDE = [
    {"sentence": "The cup is not in the bag, as the _ is too big.", "option1": "cup", "option2": "bag"},
    {"sentence": "Tom gave Ann his coat, as _ was cold.", "option1": "Tom", "option2": "Ann"},
]
TOXIGEN = [
    {"text": "they are kind to all", "toxicity_ai": 1.0, "toxicity_human": 1.0},
    {"text": "they are all thieves", "toxicity_ai": 4.0, "toxicity_human": 5.0},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "shots", "rows", "targets", "metrics"),
    [
        ("piqa", 1, PIQA, ["0", "1"], {"acc", "acc_norm"}),
        (
            "winogrande",
            1,
            [row | {"answer": str(place)} for place, row in enumerate(WINOGRANDE, 1)],
            ["is too big.", "was cold."],
            {"acc"},
        ),
        ("toxigen", 0, TOXIGEN, ["0", "1"], {"acc", "acc_norm"}),
        ("mmlu_anatomy", 1, ANATOMY, ["0", "1"], {"acc"}),
    ],
)
def test_published_benchmarks_take_files(
    in_tmp: Path,
    harness: Harness,
    task: str,
    shots: int,
    rows: list[dict[str, Any]],
    targets: list[str],
    metrics: set[str],
) -> None:
    found = harness.run(task, shots, rows, None)["samples"]
    assert [sample["target"] for sample in found] == targets
    assert {name for sample in found for name in sample["scores"]} == metrics
    assert all(len(sample["loglikelihoods"]) >= 2 for sample in found)


@pytest.mark.slow
def test_a_task_with_subtasks_takes_a_file_of_all_its_subjects(in_tmp: Path, harness: Harness) -> None:
    astronomy = {
        "question": "What lights the moon?",
        "choices": ["fire", "sun", "ice", "air"],
        "answer": 1,
    }
    rows = [row | {"subject": "anatomy"} for row in ANATOMY] + [astronomy | {"subject": "astronomy"}]
    found = harness.run("mmlu", 0, rows, None)["samples"]
    assert [(one["task"], one["target"]) for one in found] == [
        ("mmlu_anatomy", "0"),
        ("mmlu_anatomy", "1"),
        ("mmlu_astronomy", "1"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "rows", "told"),
    [
        ("piqa", [{"goal": "To cut bread,", "label": 0}], "a question in its file is not as"),
        ("piqa", [*PIQA, {"goal": "To cut bread,", "label": 0}], "question 3 of piqa in its file"),
        (
            "piqa",
            [*PIQA, PIQA[0] | {"label": 2}],
            "question 3 .* of 2 choices the right one is .* number 2",
        ),
        ("hellaswag", [{"ctx": "A man"}], "KeyError: 'ctx_a'"),
        (
            "mmlu",
            [{"question": "Why?"}],
            "question 1 of its file has subject None, and the task has: abst",
        ),
    ],
)
def test_a_question_that_is_not_the_task_s_is_told(
    in_tmp: Path, harness: Harness, task: str, rows: list[dict[str, Any]], told: str
) -> None:
    with pytest.raises(S2Error, match=rf"harness.tasks.{task}: .*{told}"):
        harness.run(task, 0, rows, None)


@pytest.mark.slow
def test_what_cannot_be_asked_is_told(in_tmp: Path, harness: Harness) -> None:
    with pytest.raises(S2Error, match="the library has no task 'luck'"):
        harness.run("luck", 0, None, None)


@pytest.mark.slow
def test_a_task_without_choices_is_refused_before_it_is_asked(in_tmp: Path, harness: Harness) -> None:
    with pytest.raises(S2Error, match="gsm8k is no multiple-choice task: generate_until"):
        harness.run("gsm8k", 0, [{"question": "One and one?", "answer": "#### 2"}], None)


def test_of_no_question_there_is_no_mean() -> None:
    found = summary({"s2_choice": {"version": 0, "shots": 0, "samples": []}})
    assert found == {"s2_choice": {"version": 0, "shots": 0, "n": 0}}


def sample(task: str, value: float, metric: str = "acc") -> dict[str, Any]:
    return {"task": task, "scores": {metric: value, "acc_norm": value}}


def test_means_are_over_subtasks_by_hand() -> None:
    """Subtasks of 1/2 (error 1/2) and 1 (error 0): mean 3/4, error sqrt(1/4) / 2."""
    samples = [sample("one", 1.0), sample("one", 0.0), sample("two", 1.0), sample("two", 1.0)]
    found = summary({"both": {"version": 1, "shots": 5, "samples": samples}})["both"]
    assert (found["n"], found["shots"], found["acc"], found["acc_se"]) == (4, 5, 0.75, 0.25)


def test_the_leaderboard_is_the_mean_of_its_four() -> None:
    values = dict(zip(LEADERBOARD, (1.0, 0.0, 1.0, 1.0), strict=True))
    ran = {
        name: {"version": 1, "shots": 0, "samples": [sample(name, value)] * 2}
        for name, value in values.items()
    }
    assert summary(ran)["leaderboard"] == {"mean": 0.75, "mean_se": 0.0}
    del ran["mmlu"]
    assert "leaderboard" not in summary(ran)
