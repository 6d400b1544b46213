"""From clean rows to datasets: purposes, leakage, parts of a source, and the story of a row."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from s2.kernel.errors import S2Error
from s2.kernel.files import write_text
from s2.kernel.tables import read_rows, write_rows
from s2.questions.generate import SCHEMA
from s2.report.reasons import explained
from s2.report.why import story
from s2.splits.leakage import LEAKS
from stages.embeddings import SCHEMA as EMBEDDINGS
from tests.stages.running import build, change, run

pytestmark = pytest.mark.slow

DATASETS = ["eli5", "wiki", "eli5-wiki"]
ASKED = pa.schema([field for field in SCHEMA if field.name != "dropped_by"])


def vectors(ids: list[str], like: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of vectors at random, of one half of their dimensions alone, so that no two are like each
    other, but for those that are to be `like` another."""
    drawn = np.random.default_rng(0).normal(size=(len(ids), 256)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    of = dict(zip(ids, drawn, strict=True))
    return [{"question_id": id_, "embedding": of[like.get(id_, id_)]} for id_ in ids]


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample up to its datasets: every page asked about by its title, and vectors at random
    instead of an encoder's. One question of each kind is like one that the other source holds out."""
    folder = build(tmp_path_factory.mktemp("gated"))
    for stage in ("toxicity reddit", "toxicity wiki", "toxicity own", "splits"):
        done = run(folder, stage)
        assert done.returncode == 0, done.stderr
    pages = read_rows(folder / "data/splits/sft/wiki.parquet")
    asked = [page | {"question": f"What is {page['title']}?", "prompt_number": 0} for page in pages]
    write_rows(folder / "data/questions/wiki.parquet", ASKED, asked)
    questions = read_rows(folder / "data/splits/questions/reddit.parquet")
    candidates = read_rows(folder / "data/candidates/reddit.parquet")
    usable = sorted({r["question_id"] for r in candidates if not r["question_dropped_by"]})
    assert usable == [row["question_id"] for row in questions]
    held_wiki = first(asked, split="validation")["id"]
    held_reddit = first(questions, split="test")["question_id"]
    sft = first(read_rows(folder / "data/splits/sft/reddit.parquet"), split="train")["question_id"]
    pair = first(read_rows(folder / "data/splits/pairs/reddit.parquet"), split="train")["question_id"]
    prompt = first(questions, split="train", prompt=True)["question_id"]
    like = dict.fromkeys([sft, pair, prompt], held_wiki)
    like[first(asked, split="train")["id"]] = held_reddit
    rows = vectors(usable + [page["id"] for page in asked], like)
    write_rows(folder / "data/embeddings/reddit.parquet", EMBEDDINGS, rows[: len(usable)])
    write_rows(folder / "data/embeddings/wiki.parquet", EMBEDDINGS, rows[len(usable) :])
    for source in ("own", "pairs"):
        write_rows(folder / f"data/embeddings/{source}.parquet", EMBEDDINGS, [])
    write_text(folder / "like.json", json.dumps(like))
    for stage in ("leakage", "datasets eli5", "datasets wiki", "datasets eli5-wiki"):
        done = run(folder, stage)
        assert done.returncode == 0, done.stderr
    return folder


def first(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    return next(row for row in rows if wanted.items() <= row.items())


def test_what_is_like_a_held_out_question_of_any_source_leaves_everything(gated: Path) -> None:
    like = json.loads((gated / "like.json").read_text())
    leaks = {
        row["question_id"]: row["like"]
        for source in ("reddit", "wiki")
        for row in read_rows(gated / f"data/leaks/{source}.parquet")
    }
    assert leaks == like
    kept = {
        "pairs": read_rows(gated / "data/splits/preference/reddit.parquet"),
        "prompts": read_rows(gated / "data/splits/prompts/reddit.parquet"),
    }
    found = json.loads((gated / "metrics/data/leakage.json").read_text())
    assert found.pop("sft_own")["rows_in"] == found.pop("own_pairs")["rows_in"] == 0
    assert set(found) == {"sft_reddit", "sft_wiki", "pairs", "prompts"}
    for name, counts in found.items():
        assert counts["dropped"]["leakage"] >= 1
        assert counts["rows_in"] == counts["rows_out"] + counts["dropped"]["leakage"]
        if name in kept:
            assert len(kept[name]) == counts["rows_out"] > 0
            assert not {row["question_id"] for row in kept[name]} & set(leaks)
    names = {"eli5": ["sft_reddit"], "wiki": ["sft_wiki"], "eli5-wiki": ["sft_reddit", "sft_wiki"]}
    for dataset, sources in names.items():
        counts = json.loads((gated / f"metrics/data/datasets-{dataset}.json").read_text())
        dropped = sum(found[source]["dropped"]["leakage"] for source in sources)
        assert counts["dropped"] == {"leakage": dropped}
    taken = read_rows(gated / "data/sft/eli5-wiki/train.parquet")
    answers = read_rows(gated / "data/splits/sft/reddit.parquet")
    question_of = {row["id"]: row["question_id"] for row in answers}
    assert taken and not {question_of.get(row["id"], row["id"]) for row in taken} & set(leaks)


def test_the_story_of_a_leaking_row_names_what_it_is_like(
    gated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(gated)
    like = json.loads((gated / "like.json").read_text())
    answers = read_rows(gated / "data/splits/sft/reddit.parquet")
    (page,) = (id_ for id_ in like if id_.startswith("wiki_"))
    answer = next(row for row in answers if row["question_id"] in like)
    for id_, question_id in ((page, page), (answer["id"], answer["question_id"])):
        lines = list(story(id_, DATASETS))
        assert f"its question is like {like[question_id]}, which is held out" in lines
        assert f"dropped by {explained('leakage')}" in lines
        assert not any(line.startswith("in data/sft/") for line in lines)


def test_the_story_of_a_row_ends_as_its_verdict_says(
    gated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(gated)
    like = json.loads((gated / "like.json").read_text())
    told = set()
    for source in ("reddit", "wiki"):
        for row in read_rows(gated / f"data/splits/verdicts/{source}.parquet"):
            reason = row["dropped_by"] or row.get("purpose", "kept")
            if reason in told or row["id"].startswith("t3_"):
                continue
            told.add(reason)
            lines = list(story(row["id"], DATASETS))
            assert " at byte " in lines[0] and lines[0].startswith(row["id"])
            leaks = row.get("question_id", row["id"]) in like
            if row["dropped_by"]:
                assert f"dropped by {explained(row['dropped_by'])}" in lines
            elif not leaks:
                assert f"kept; purpose: {row.get('purpose', 'sft')}, split: {row['split']}" in lines
            assert any(line.startswith("text: ") for line in lines) or row["dropped_by"]
            if reason == "preference":
                assert any("(to be chosen, must be: at least 4)" in line for line in lines)
            if reason == "sft" and not leaks:
                assert any(line.startswith("in data/sft/eli5/") for line in lines)
    assert {"deleted", "bot", "not_simple", "sft", "preference", "redirect", "kept"} <= told


def test_a_post_and_an_unknown_row_have_their_stories(
    gated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(gated)
    row = next(r for r in read_rows(gated / "data/splits/verdicts/reddit.parquet") if r["purpose"])
    lines = list(story(row["question_id"], DATASETS))
    assert "a usable question" in lines and any(row["id"] in line for line in lines)
    with pytest.raises(S2Error, match="no row 't1_nothing'"):
        list(story("t1_nothing", DATASETS))
    with pytest.raises(S2Error, match="is no id"):
        list(story("t1_\ud800", DATASETS))


def test_a_new_dump_scores_new_texts_alone_and_moves_no_row(gated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "grown"
    shutil.copytree(gated, folder)
    posts = [{"id": "new", "subreddit": "askscience", "author": "ann", "title": "Why is snow white?"}]
    answer = "Snow is made of many small pieces of ice. Each one sends the light back to us. " * 3
    comments = [
        {"id": "newer", "link_id": "t3_new", "parent_id": "t3_new", "author": "bob", "body": answer}
        | {"subreddit": "askscience", "score": 9}
    ]
    raw = folder / "data/raw/sample/reddit"
    for name, rows in (("RS_2030", posts), ("RC_2030", comments)):
        lines = [json.dumps(row | {"is_self": True}) + "\n" for row in rows]
        (raw / name).write_text("".join(lines))
    cached = cache_size(folder)
    before = {r["id"]: r for r in read_rows(folder / "data/splits/verdicts/reddit.parquet")}
    for stage in ("reddit", "candidates_reddit", "toxicity reddit"):
        assert run(folder, stage).returncode == 0
    assert cache_size(folder) == cached + 1
    assert run(folder, "splits").returncode == 0
    after = {r["id"]: r for r in read_rows(folder / "data/splits/verdicts/reddit.parquet")}
    assert {id_: after[id_] for id_ in before} == before
    assert set(after) - set(before) == {"t1_newer"}


def cache_size(folder: Path) -> int:
    with sqlite3.connect(folder / ".s2/cache/toxicity.sqlite") as db:
        return int(db.execute("SELECT count(*) FROM cache").fetchone()[0])


def test_a_part_of_a_source_is_chosen_stably_and_accounted_for(gated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    shutil.copytree(gated, folder)
    subreddits = "[explainlikeimfive, AskHistorians, askscience]"
    whole = f"eli5: {{reddit: {subreddits}}}"
    write_rows(folder / "data/leaks/reddit.parquet", LEAKS, [])
    kept = read_rows(folder / "data/splits/sft/reddit.parquet")
    chosen = []
    for part in ("reddit: [askscience]", "reddit: all, rows: 12", "reddit: all, rows: 20"):
        change(folder, whole, f"eli5: {{{part}}}")
        done = run(folder, "datasets eli5")
        assert done.returncode == 0, done.stderr
        found = json.loads((folder / "metrics/data/datasets-eli5.json").read_text())
        splits = ("train", "validation", "test")
        rows = [r for name in splits for r in read_rows(folder / f"data/sft/eli5/{name}.parquet")]
        assert found["rows_in"] == len(kept) == len(rows) + sum(found["dropped"].values())
        chosen.append(({row["id"] for row in rows}, found["dropped"]))
    candidates = read_rows(folder / "data/candidates/reddit.parquet", ["id", "subreddit"])
    asked = {row["id"] for row in candidates if row["subreddit"] == "askscience"}
    (of_one, dropped), (twelve, over), (twenty, _) = chosen
    assert of_one == asked & {row["id"] for row in kept} and list(dropped) == ["other_subreddit"]
    assert len(twelve) == 12 and len(twenty) == 20 and twelve < twenty
    assert over == {"over_rows": len(kept) - 12}
    by_split = {row["id"]: row["split"] for row in kept}
    assert {by_split[id_] for id_ in twelve} >= {"train", "validation"}
