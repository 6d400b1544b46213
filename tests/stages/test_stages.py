"""Stages as DVC runs them: on good input, on bad input, and what a failure leaves behind."""

import bz2
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from s2.kernel.errors import S2Error
from s2.kernel.files import write_text
from s2.kernel.tables import count_rows, read_rows, write_rows
from s2.questions.generate import SCHEMA
from s2.report.why import story
from s2.splits.leakage import LEAKS
from stages.embeddings import SCHEMA as EMBEDDINGS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DATA_STAGES = ["params", "sample", "classifier", "reddit", "wiki"]
DATA_STAGES += ["candidates_reddit", "candidates_wiki"]
DATASETS = ["eli5", "wiki", "eli5-wiki"]
ASKED = pa.schema([field for field in SCHEMA if field.name != "dropped_by"])


def run(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *f"stages.{stage}".split()],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def build(folder: Path) -> Path:
    (folder / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    for stage in DATA_STAGES:
        done = run(folder, stage)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the data stages that need no model have run on the sample."""
    return build(tmp_path_factory.mktemp("built"))


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [path for part in ("data", "metrics") for path in (folder / part).rglob("*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "params.yaml"
    text = (ROOT / "profiles/sample.yaml").read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_same_texts_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    assert snapshot(build(tmp_path)) == snapshot(built)


def test_one_worker_gives_the_bytes_of_two(built: Path, tmp_path: Path) -> None:
    text = (ROOT / "profiles/sample.yaml").read_text()
    assert "  workers: 2 " in text
    (tmp_path / "params.yaml").write_text(text.replace("  workers: 2 ", "  workers: 1 "))
    for stage in DATA_STAGES:
        assert run(tmp_path, stage).returncode == 0
    assert snapshot(tmp_path) == snapshot(built)


@pytest.mark.parametrize("name", ["candidates-reddit", "candidates-wiki", "wiki"])
def test_every_row_is_accounted_for(built: Path, name: str) -> None:
    found = json.loads((built / f"metrics/data/{name}.json").read_text())
    assert found["rows_in"] == found["rows_out"] + sum(found["dropped"].values()) > 0


def test_the_sample_shows_every_reason(built: Path) -> None:
    reddit = json.loads((built / "metrics/data/candidates-reddit.json").read_text())["dropped"]
    reasons = {"deleted", "bot", "stickied", "nsfw", "not_self", "not_a_question", "reply"}
    assert reasons <= set(reddit)
    wiki = json.loads((built / "metrics/data/candidates-wiki.json").read_text())["dropped"]
    assert {"redirect", "namespace", "disambiguation", "list"} <= set(wiki)


@pytest.mark.parametrize(
    ("old", "new", "stage", "message"),
    [
        ("seed: 17", "seed: 17\nlr: 1", "params", "unknown key 'lr' (did you mean 'sft.lr'?)"),
        ("max_grade: 9", "max_grade: nine", "splits", "quality.readability.max_grade"),
        ("raw: data/raw/sample", "raw: data/raw/none", "reddit", "no dump RS* in data/raw/none/reddit"),
    ],
)
def test_bad_parameters_end_in_one_message(
    built: Path, old: str, new: str, stage: str, message: str
) -> None:
    before = snapshot(built)
    change(built, old, new)
    done = run(built, stage)
    change(built, "seed", "seed")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert snapshot(built) == before


def test_a_truncated_dump_ends_in_one_message_and_leaves_what_was_there(built: Path) -> None:
    before = snapshot(built)
    dump = built / "data/raw/sample/reddit/RC_sample.zst"
    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) // 2])
    done = run(built, "reddit")
    dump.write_bytes(whole)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: RC_sample.zst, byte ")
    assert "data/raw/sample/reddit/RC_sample.zst is damaged at byte" in last
    assert "Traceback" not in done.stderr
    assert snapshot(built) == before


def test_what_cannot_be_read_is_set_aside_and_counted(tmp_path: Path) -> None:
    build(tmp_path)
    change(tmp_path, "on_error: stop", "on_error: quarantine")
    comments, articles = (
        tmp_path / f"data/{name}.parquet" for name in ("reddit/comments", "wiki/articles")
    )
    whole = count_rows(comments), count_rows(articles)
    raw = tmp_path / "data/raw/sample"
    (raw / "reddit/RC_broken").write_text('{"id":"x","subreddit":"askscience"\n')
    dump = raw / "wiki/simplewiki-sample.xml.bz2"
    text = bz2.decompress(dump.read_bytes())
    dump.write_bytes(bz2.compress(text[: len(text) // 2]))
    for stage in ("reddit", "wiki"):
        assert run(tmp_path, stage).returncode == 0
    found = json.loads((tmp_path / "metrics/data/reddit.json").read_text())["comments"]
    assert found == {"rows_in": whole[0] + 1, "rows_out": whole[0], "dropped": {"not_json": 1}}
    found = json.loads((tmp_path / "metrics/data/wiki.json").read_text())
    assert found["dropped"] == {"damaged": 1} and 0 < found["rows_out"] < whole[1]
    assert found["rows_out"] == count_rows(articles) == found["rows_in"] - 1
    (aside,) = read_rows(tmp_path / "data/wiki/quarantine.parquet")
    assert text[aside["offset"] :].startswith(aside["content"])


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
    for stage in ("toxicity reddit", "toxicity wiki", "splits"):
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
        assert "dropped by leakage" in lines
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
                assert f"dropped by {row['dropped_by']}" in lines
            elif not leaks:
                assert f"kept; purpose: {row.get('purpose', 'sft')}, split: {row['split']}" in lines
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


def test_no_question_is_asked_where_no_dataset_takes_wikipedia(in_tmp: Path) -> None:
    change(in_tmp, "base_url: null", "base_url: http://127.0.0.1:9/v1")
    names = ["id", "split", "title", "answer"]
    row = dict(zip(names, ["wiki_1", "train", "Moon", "The Moon is round."], strict=True))
    text = (
        (in_tmp / "params.yaml")
        .read_text()
        .replace(", wiki: all", "")
        .replace("wiki: all", "reddit: all")
    )
    (in_tmp / "params.yaml").write_text(text)
    schema = pa.schema([(name, pa.string()) for name in names])
    write_rows(in_tmp / "data/splits/sft/wiki.parquet", schema, [row])
    done = run(in_tmp, "questions")
    assert done.returncode == 0, done.stderr
    found = json.loads((in_tmp / "metrics/data/questions.json").read_text())
    assert found == {"rows_in": 1, "rows_out": 0, "dropped": {"no_dataset": 1}}


def test_an_unreachable_endpoint_ends_in_one_message_and_leaves_what_was_there(in_tmp: Path) -> None:
    change(in_tmp, "base_url: null", "base_url: http://127.0.0.1:9/v1")
    names = ["id", "split", "title", "answer"]
    row = dict(zip(names, ["wiki_1", "train", "Moon", "The Moon is round."], strict=True))
    schema = pa.schema([(name, pa.string()) for name in names])
    write_rows(in_tmp / "data/splits/sft/wiki.parquet", schema, [row])
    write_text(in_tmp / "data/questions/wiki.parquet", "what was there")
    before = snapshot(in_tmp)
    done = run(in_tmp, "questions")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: endpoint http://127.0.0.1:9/v1 cannot be reached")
    assert "Traceback" not in done.stderr
    assert snapshot(in_tmp) == before


SHARED = ROOT.parent / "shared/data"


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not here")
def test_real_dumps_are_read_whole(tmp_path: Path) -> None:
    change(tmp_path, "raw: data/raw/sample", "raw: try")
    for kind, patterns in {"reddit": ["R?_explain*.zst"], "wiki": ["*.xml.bz2"]}.items():
        (tmp_path / "try" / kind).mkdir(parents=True)
        for pattern in patterns:
            for path in (SHARED / kind).glob(pattern):
                (tmp_path / "try" / kind / path.name).symlink_to(path)
    for stage in ("reddit", "wiki", "candidates_reddit", "candidates_wiki"):
        done = run(tmp_path, stage)
        assert done.returncode == 0, done.stderr
    reddit = json.loads((tmp_path / "metrics/data/reddit.json").read_text())
    assert (reddit["posts"]["rows_in"], reddit["comments"]["rows_in"]) == (1639, 3802)
    wiki = json.loads((tmp_path / "metrics/data/wiki.json").read_text())
    assert wiki["rows_in"] == 206 + 5 + 7
