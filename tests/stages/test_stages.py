"""Stages as DVC runs them: on good input, on bad input, and what a failure leaves behind."""

import bz2
import json
from pathlib import Path

import pyarrow as pa
import pytest

from s2.kernel.files import write_text
from s2.kernel.tables import count_rows, read_rows, write_rows
from s2.report.reasons import REASONS
from tests.stages.running import DATA_STAGES, ROOT, build, change, run, snapshot

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the data stages that need no model have run on the sample."""
    return build(tmp_path_factory.mktemp("built"))


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
    assert {*reddit, *wiki} <= REASONS.keys()


@pytest.mark.parametrize(
    ("old", "new", "stage", "message"),
    [
        ("seed: 17", "seed: 17\nlr: 1", "params", "unknown key 'lr' (did you mean 'sft.lr' or"),
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


def test_no_question_is_asked_where_no_dataset_takes_wikipedia(in_tmp: Path) -> None:
    change(in_tmp, "base_url: ", "base_url: http://127.0.0.1:9/v1 ")
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
    change(in_tmp, "base_url: ", "base_url: http://127.0.0.1:9/v1 ")
    names = ["id", "split", "title", "answer"]
    row = dict(zip(names, ["wiki_1", "train", "Moon", "The Moon is round."], strict=True))
    schema = pa.schema([(name, pa.string()) for name in names])
    write_rows(in_tmp / "data/splits/sft/wiki.parquet", schema, [row])
    write_text(in_tmp / "data/questions/wiki.parquet", "what was there")
    before = snapshot(in_tmp)
    done = run(in_tmp, "questions")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: endpoint http://127.0.0.1:9/v1, model local cannot be reached")
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
