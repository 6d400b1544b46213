from collections import Counter
from pathlib import Path

import pyarrow as pa
import zstandard

from s2.reddit.dump import read_dump
from s2.reddit.rows import COMMENTS, POSTS
from s2.sample.pack import load_texts, reddit_rows, write_wiki, write_zst
from s2.wiki.dump import Block, Page, pages, read_blocks

SUBREDDITS = ["explainlikeimfive", "AskHistorians", "askscience"]


def test_the_corpus_is_as_large_as_promised() -> None:
    posts, comments = reddit_rows()
    assert len(posts) >= 100 and set(Counter(post["subreddit"] for post in posts)) == set(SUBREDDITS)
    answers = Counter(row["link_id"] for row in comments if row["parent_id"] == row["link_id"])
    assert max(answers.values()) <= 5
    articles = [entry for entries in load_texts("wiki").values() for entry in entries]
    assert sum(not entry.get("ns") and not entry.get("redirect") for entry in articles) >= 60


def test_ids_are_unique() -> None:
    posts, comments = reddit_rows()
    for rows in (posts, comments):
        assert max(Counter(row["id"] for row in rows).values()) == 1


def test_the_dumps_are_real_ones_and_always_the_same(tmp_path: Path) -> None:
    posts, comments = reddit_rows()
    for name, rows in {"RS": posts, "RC": comments}.items():
        path = tmp_path / f"{name}.zst"
        write_zst(path, rows)
        first = path.read_bytes()
        assert zstandard.get_frame_parameters(first).window_size == 2**31
        write_zst(path, rows)
        assert path.read_bytes() == first
    batches = read_dump(tmp_path / "RS.zst", POSTS, SUBREDDITS)
    read = [row for b in batches if isinstance(b, pa.RecordBatch) for row in b.to_pylist()]
    assert [row["title"] for row in read] == [post["title"] for post in posts]
    batches = read_dump(tmp_path / "RC.zst", COMMENTS, SUBREDDITS)
    assert sum(b.num_rows for b in batches if isinstance(b, pa.RecordBatch)) == len(comments)


def test_the_wiki_dump_is_a_real_one_and_always_the_same(tmp_path: Path) -> None:
    write_wiki(tmp_path / "a.xml.bz2")
    write_wiki(tmp_path / "b.xml.bz2")
    assert (tmp_path / "a.xml.bz2").read_bytes() == (tmp_path / "b.xml.bz2").read_bytes()
    blocks = [b for b in read_blocks([tmp_path / "a.xml.bz2"]) if isinstance(b, Block)]
    read = {page.title: page for b in blocks for page in pages(b) if isinstance(page, Page)}
    articles = [entry for entries in load_texts("wiki").values() for entry in entries]
    assert len(read) == len(articles)
    assert {page.namespace for page in read.values()} >= {0, 1, 2, 10, 14}
    assert any(page.redirect for page in read.values())
    for entry in articles:
        assert read[entry["title"]].text == entry["text"].strip()
