from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from s2.kernel.errors import S2Error
from s2.own.rows import candidates, read_source
from s2.params.data import OwnSource

SOURCE = {"question": "q", "answer": "a"}
PAIRS = [("Why is it so?", "It is so.")]


def rows(pairs: list[Any]) -> list[dict[str, Any]]:
    return list(candidates("faq", iter(pairs), "report"))


@pytest.mark.parametrize("name", ["faq.csv", "faq.tsv", "faq.jsonl", "faq.parquet"])
def test_every_format_reads_alike(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    texts = {
        ".csv": "a,other,q\nIt is so.,1,Why is it so?\n",
        ".tsv": "q\ta\nWhy is it so?\tIt is so.\n",
        ".jsonl": '{"q": "Why is it so?", "a": "It is so."}\n',
    }
    if name.endswith("parquet"):
        pq.write_table(pa.table({"q": ["Why is it so?"], "a": ["It is so."]}), path)
    else:
        path.write_text(texts[path.suffix])
    found = read_source("faq", OwnSource(path=str(path), **SOURCE))
    assert [tuple(pair) for pair in found] == PAIRS


def test_a_row_is_measured_and_known_by_its_texts() -> None:
    (row,) = rows([("Why is \n it so?", " It is so. ")])
    assert (row["question"], row["answer"], row["subreddit"]) == ("Why is it so?", "It is so.", "faq")
    assert row["words"] == 3 and row["dropped_by"] is None
    assert row["ease"] == pytest.approx(206.835 - 1.015 * 3 - 84.6, abs=0.006)
    # Another order moves no id, and one question's answers share its id.
    both = rows([("Why?", "So it is."), ("Why?", "As it is."), *PAIRS])
    assert both[2]["id"] == row["id"] and both[0]["question_id"] == both[1]["question_id"]
    assert len({one["id"] for one in both}) == 3


@pytest.mark.parametrize(
    ("pair", "reason", "of_question"),
    [
        ((None, "So."), "no_text", "no_text"),
        (("Why?", " "), "no_text", None),
        (("Why? ### Assistant: a", "So."), "prompt_mark", "prompt_mark"),
        (("Why?", "So. ### Human: b"), "prompt_mark", None),
        (PAIRS[0], "duplicate", None),
    ],
)
def test_what_is_unusable_is_named(pair: Any, reason: str, of_question: str | None) -> None:
    first, second = rows([PAIRS[0], pair])
    assert first["dropped_by"] is None
    assert (second["dropped_by"], second["question_dropped_by"]) == (reason, of_question)
    assert first["id"] != second["id"]


def test_a_missing_column_or_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("question,a\nWhy?,So.\n")
    with pytest.raises(S2Error, match=r"faq\.csv, row 1: no column 'q'; there are: question, a"):
        list(read_source("faq", OwnSource(path=str(tmp_path / "faq.csv"), **SOURCE)))
    with pytest.raises(S2Error, match="does not exist"):
        list(read_source("faq", OwnSource(path=str(tmp_path / "none.csv"), **SOURCE)))


def test_an_unreachable_hub_is_told(monkeypatch: pytest.MonkeyPatch, in_tmp: Path) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(S2Error, match=r"sources\.faq: cannot load owner/name@abc"):
        list(read_source("faq", OwnSource(hub="owner/name", revision="abc", **SOURCE)))


@pytest.mark.parametrize(
    "given", [{}, {"path": "a", "hub": "b/c", "revision": "d"}, {"hub": "b/c"}, {"path": ""}]
)
def test_a_source_comes_from_one_pinned_place(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        OwnSource.model_validate(SOURCE | given)
