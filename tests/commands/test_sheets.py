"""Sheets out, ratings in, by the command line."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from s2 import cli

EVIL = '</script><script>document.title="owned"</script>'


@pytest.fixture
def repository(in_tmp: Path) -> Path:
    (in_tmp / "dvc.yaml").touch()
    (in_tmp / "params.yaml").write_text(
        yaml.safe_dump({"evaluate": {"models": {"base": "b", "sft": "s"}}})
    )
    (in_tmp / "data/evaluate").mkdir(parents=True)
    for model in ("base", "sft"):
        rows = [
            {
                "id": str(n),
                "prompt": f"### Human: Why {n}? ### Assistant:",
                "answer": f"So {n} {EVIL}",
            }
            for n in range(3)
        ]
        pq.write_table(pa.Table.from_pylist(rows), in_tmp / f"data/evaluate/{model}.parquet")
    return in_tmp


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, [*arguments])


def filled(sheet: Path, key: Any, out: Path, rating: int) -> None:
    """A rater who likes `sft` by two points more."""
    models = {item["item"]: item["model"] for item in key["items"]}
    rows = list(csv.DictReader(sheet.open(encoding="utf-8")))
    for row in rows:
        row |= {"rating": str(rating + 2 * (models[row["item"]] == "sft")), "violation": "no"}
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_from_sheets_to_ratings(repository: Path) -> None:
    assert "6 answers: send" in run("sheet", "june", "--questions", "9").stdout
    key = json.loads(Path("june/key.json").read_text())
    for name in ("sheet.csv", "sheet.html"):
        assert (
            "base" not in (text := Path(f"june/{name}").read_text(encoding="utf-8")) and "sft" not in text
        )
    for name, rating in (("ann", 1), ("bob", 2), ("eve", 3)):
        filled(Path("june/sheet.csv"), key, Path(f"{name}.csv"), rating)
    found = json.loads(run("ratings", "june", "ann.csv", "bob.csv", "eve.csv", "--json").stdout)
    assert found["raters"] == 3
    assert (found["models"]["base"]["rating"], found["models"]["sft"]["rating"]) == (2.0, 4.0)
    assert found["pairs"][0]["losses"] == 1.0 and found["violation_ac1"]["value"] == 1.0
    told = run("ratings", "june", "ann.csv").stdout
    assert "base against sft: wins 0%, ties 0%, losses 100% of 3 questions" in told
    assert "AC2 on ratings: needs two ratings an item" in told


def test_the_form_escapes_answers(repository: Path) -> None:
    run("sheet", "june")
    html = Path("june/sheet.html").read_text(encoding="utf-8")
    assert EVIL not in html and html.count("&lt;/script&gt;&lt;") == 6 and html.count("<script>") == 1


def test_what_is_wrong_is_told(repository: Path) -> None:
    run("sheet", "june")
    assert "exists: its key would be lost" in str(run("sheet", "june").exception)
    assert "no 'gpt'; evaluate.models has: base, sft" in str(
        run("sheet", "x", "--models", "gpt").exception
    )
    assert "key.json is missing" in str(run("ratings", "x", "june/sheet.csv").exception)
    Path("data/evaluate/sft.parquet").unlink()
    assert "build it with `dvc repro evaluate@sft`" in str(run("sheet", "x").exception)
