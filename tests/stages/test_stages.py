"""Stages as DVC runs them: on good input, on bad input, and what a failure leaves behind."""

import bz2
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from s2.kernel.errors import S2Error
from s2.kernel.files import write_text
from s2.kernel.tables import count_rows, read_rows, write_rows
from s2.report.why import story
from stages.embeddings import SCHEMA as EMBEDDINGS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DATA_STAGES = ["params", "sample", "classifier", "reddit", "wiki"]
DATA_STAGES += ["candidates_reddit", "candidates_wiki"]
DATASETS = ["eli5", "wiki", "eli5-wiki"]


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


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample up to its splits, with vectors at random instead of an encoder's."""
    folder = build(tmp_path_factory.mktemp("gated"))
    candidates = read_rows(folder / "data/candidates/reddit.parquet")
    usable = sorted({r["question_id"] for r in candidates if not r["question_dropped_by"]})
    vectors = np.random.default_rng(0).normal(size=(len(usable), 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [{"question_id": q, "embedding": v} for q, v in zip(usable, vectors, strict=True)]
    write_rows(folder / "data/embeddings/reddit.parquet", EMBEDDINGS, rows)
    for stage in ("toxicity reddit", "toxicity wiki", "splits", "datasets eli5"):
        done = run(folder, stage)
        assert done.returncode == 0, done.stderr
    return folder


def test_the_story_of_a_row_ends_as_its_verdict_says(
    gated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(gated)
    told = set()
    for source in ("reddit", "wiki"):
        for row in read_rows(gated / f"data/splits/verdicts/{source}.parquet"):
            reason = row["dropped_by"] or row.get("purpose", "kept")
            if reason in told or row["id"].startswith("t3_"):
                continue
            told.add(reason)
            lines = list(story(row["id"], DATASETS))
            assert " at byte " in lines[0] and lines[0].startswith(row["id"])
            if row["dropped_by"]:
                assert f"dropped by {row['dropped_by']}" in lines
            else:
                assert f"kept; purpose: {row.get('purpose', 'sft')}, split: {row['split']}" in lines
            if reason == "sft":
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
    embeddings = folder / "data/embeddings/reddit.parquet"
    more = {"question_id": "t3_new", "embedding": [1.0] + [0.0] * 63}
    write_rows(embeddings, EMBEDDINGS, [*read_rows(embeddings), more])
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
