"""The sample texts as real dumps: zstd with a 2^31 window, and MediaWiki export XML in bzip2.

Ids, times and everything else that a dump carries are made from the texts' own order, so the same
texts always give the same bytes.
"""

import bz2
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import yaml
import zstandard

from s2.dumps.reading import WINDOW
from s2.kernel.files import new_file

TEXTS = Path(__file__).parent
FIRST_TIME = 1_500_000_000
HOUR = 3_600

_NAMESPACES = {
    0: "",
    1: "Talk",
    2: "User",
    4: "Wikipedia",
    6: "File",
    10: "Template",
    14: "Category",
}

_Row = dict[str, Any]


def load_texts(kind: str) -> dict[str, list[_Row]]:
    """The texts of `kind` (`reddit` or `wiki`) by file name without its endings: what stands before the
    first dot, such as a subreddit, of which there may be several files."""
    found: dict[str, list[_Row]] = {}
    for file in sorted((TEXTS / kind).glob("*.yaml"), key=lambda file: file.name.removesuffix(".yaml")):
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        found.setdefault(file.name.split(".")[0], []).extend(entries)
    return found


def reddit_rows() -> tuple[list[_Row], list[_Row]]:
    """Submissions and comments, in order of time, as Reddit's dumps write them."""
    posts: list[_Row] = []
    comments: list[_Row] = []
    for subreddit, entries in load_texts("reddit").items():
        for number, entry in enumerate(entries):
            post = _post(entry, subreddit, FIRST_TIME + (len(posts) + 1) * HOUR)
            posts.append(post)
            parent = f"t3_{post['id']}"
            comments += _comments(entry["answers"], post, parent, f"{subreddit}/{number}")
    return posts, comments


def _post(entry: _Row, subreddit: str, time: int) -> _Row:
    link = f"https://www.reddit.com/r/{subreddit}/comments/"
    is_self = entry.get("is_self", True)
    post_id = _id(subreddit, entry["title"])
    return {
        "id": post_id,
        "subreddit": subreddit,
        "author": entry["author"],
        "title": entry["title"],
        "selftext": entry["body"].strip(),
        "score": entry["score"],
        "created_utc": time,
        "retrieved_on": time + 30 * 24 * HOUR,
        "edited": time + HOUR if entry.get("edited") else False,
        "is_self": is_self,
        "over_18": entry.get("nsfw", False),
        "stickied": entry.get("stickied", False),
        "distinguished": entry.get("distinguished"),
        "link_flair_text": entry.get("flair"),
        "domain": f"self.{subreddit}" if is_self else "example.org",
        "url": f"{link}{post_id}/" if is_self else entry["url"],
        "num_comments": len(entry["answers"]),
    }


def _comments(entries: Iterable[_Row], post: _Row, parent: str, path: str) -> Iterator[_Row]:
    for number, entry in enumerate(entries):
        comment_id = _id(path, str(number), entry["body"])
        time = post["created_utc"] + (number + 1) * 60
        yield {
            "id": comment_id,
            "link_id": f"t3_{post['id']}",
            "parent_id": parent,
            "subreddit": post["subreddit"],
            "author": entry["author"],
            "body": entry["body"].strip(),
            "score": entry["score"],
            "created_utc": time,
            "retrieved_on": post["retrieved_on"],
            "edited": time + HOUR if entry.get("edited") else False,
            "stickied": entry.get("stickied", False),
            "distinguished": entry.get("distinguished"),
        }
        replies = entry.get("replies") or []
        yield from _comments(replies, post, f"t1_{comment_id}", f"{path}/{number}")


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:9]


def write_zst(path: Path, rows: Iterable[_Row]) -> None:
    """Write rows as newline-delimited JSON in one zstd frame with a window of 2^31 bytes.

    The frame does not state its content's size, or zstd would shrink the window to it."""
    settings = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=WINDOW.bit_length() - 1, enable_ldm=False
    )
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    compressor = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    with new_file(path) as part:
        part.write_bytes(compressor.compress(text) + compressor.flush())


def write_wiki(path: Path) -> None:
    """Write all articles as one MediaWiki export, bzip2-compressed."""
    out = io.StringIO()
    out.write('<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11"')
    out.write(' xml:lang="en">\n  <siteinfo>\n    <sitename>Wikipedia</sitename>\n')
    out.write("    <dbname>simplewiki</dbname>\n    <namespaces>\n")
    for key, name in _NAMESPACES.items():
        out.write(f'      <namespace key="{key}" case="first-letter">{name}</namespace>\n')
    out.write("    </namespaces>\n  </siteinfo>\n")
    articles = [entry for entries in load_texts("wiki").values() for entry in entries]
    for number, entry in enumerate(articles, start=1):
        out.write(_page(entry, number))
    out.write("</mediawiki>\n")
    with new_file(path) as part:
        part.write_bytes(bz2.compress(out.getvalue().encode()))


def _page(entry: _Row, number: int) -> str:
    redirect = entry.get("redirect")
    mark = f"    <redirect title={quoteattr(redirect)} />\n" if redirect else ""
    return (
        f"  <page>\n    <title>{escape(entry['title'])}</title>\n"
        f"    <ns>{entry.get('ns', 0)}</ns>\n    <id>{number}</id>\n{mark}"
        f"    <revision>\n      <id>{1000 + number}</id>\n"
        "      <timestamp>2020-01-01T00:00:00Z</timestamp>\n"
        "      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text xml:space="preserve">{escape(entry["text"].strip())}</text>\n'
        "    </revision>\n  </page>\n"
    )
