from collections import Counter
from pathlib import Path

import zstandard

from s2.reddit.dump import COMMENTS, POSTS, read_dumps
from s2.sample.pack import load, reddit_rows, write_wiki, write_zst
from s2.wiki.dump import read_pages

SUBREDDITS = ["explainlikeimfive", "AskHistorians", "askscience"]


def test_the_corpus_is_as_large_as_promised() -> None:
    posts, comments = reddit_rows()
    assert len(posts) >= 100 and set(Counter(post["subreddit"] for post in posts)) == set(SUBREDDITS)
    answers = Counter(row["link_id"] for row in comments if row["parent_id"] == row["link_id"])
    assert max(answers.values()) <= 5
    articles = [entry for entries in load("wiki").values() for entry in entries]
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
    read = [row for b in read_dumps([tmp_path / "RS.zst"], POSTS, SUBREDDITS) for row in b.to_pylist()]
    assert [row["title"] for row in read] == [post["title"] for post in posts]
    said = sum(b.num_rows for b in read_dumps([tmp_path / "RC.zst"], COMMENTS, SUBREDDITS))
    assert said == len(comments)


def test_the_wiki_dump_is_a_real_one_and_always_the_same(tmp_path: Path) -> None:
    write_wiki(tmp_path / "a.xml.bz2")
    write_wiki(tmp_path / "b.xml.bz2")
    assert (tmp_path / "a.xml.bz2").read_bytes() == (tmp_path / "b.xml.bz2").read_bytes()
    pages = {page.title: page for page in read_pages([tmp_path / "a.xml.bz2"])}
    articles = [entry for entries in load("wiki").values() for entry in entries]
    assert len(pages) == len(articles)
    assert {page.namespace for page in pages.values()} >= {0, 1, 2, 10, 14}
    assert any(page.redirect for page in pages.values())
    for entry in articles:
        assert pages[entry["title"]].text == entry["text"].strip()
