"""Large dumps made out of the embedded sample corpus: the schema of 2019 and after, with all the
fields that nobody reads."""

import bz2
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from s2.sample.pack import load_texts, reddit_rows

OTHERS = ["AskReddit", "funny", "pics", "worldnews", "gaming", "todayilearned", "movies", "science"]
MB = 10**6

_NULLS = (
    *("associated_award", "author_cakeday", "author_flair_background_color", "collapsed_reason"),
    *("author_flair_css_class", "author_flair_template_id", "author_flair_text", "approved_by"),
    *("author_flair_text_color", "banned_by", "collapsed_because_crowd_control", "mod_note"),
    *("comment_type", "mod_reason_by", "mod_reason_title", "top_awarded_type", "report_reasons"),
)
_FLAGS = (
    *("archived", "author_patreon_flair", "can_gild", "can_mod_post", "collapsed", "locked"),
    *("is_submitter", "no_follow", "score_hidden", "send_replies", "author_premium", "saved"),
)
_BOTH: dict[str, Any] = {
    **dict.fromkeys(_NULLS),
    **dict.fromkeys(_FLAGS, False),
    **{"all_awardings": [], "awarders": [], "author_flair_richtext": [], "gildings": {}, "gilded": 0},
    **{"author_flair_type": "text", "author_fullname": "t2_3xk2b", "controversiality": 0},
    **{"subreddit_id": "t5_2sokd", "subreddit_type": "public", "total_awards_received": 0},
    **{"permalink": "/r/explainlikeimfive/comments/dbkzvz/eli5_why_is_the_sky_blue/f21x9zt/"},
}


def vocabulary() -> list[str]:
    """All the words of the sample's comments, as often as they are used."""
    _, comments = reddit_rows()
    return [word for row in comments for word in row["body"].split()]


def reddit_lines(kind: str, size: int, wanted: float) -> Iterator[bytes]:
    """Lines of a dump of posts (`RS`) or comments (`RC`), `size` bytes in all; of the share `wanted`
    the subreddit is explainlikeimfive. Lengths of texts are log-normal, as those of real answers
    (median 78 words), and the words are drawn one by one, so that the dump compresses about as well
    as a real one."""
    chance = random.Random(kind)
    words = vocabulary()
    posts, comments = reddit_rows()
    rows = posts if kind == "RS" else comments
    text = "selftext" if kind == "RS" else "body"
    written = 0
    while written < size:
        row = _BOTH | chance.choice(rows)
        for field in ("id", "author", "author_fullname", "subreddit_id", "permalink"):
            row[field] = f"{chance.getrandbits(40):x}"
        row["created_utc"] = chance.randrange(1_200_000_000, 1_600_000_000)
        row["score"] = int(chance.lognormvariate(1, 1.5))
        row[text] = " ".join(chance.choices(words, k=round(chance.lognormvariate(4.36, 0.95))))
        others = chance.random() >= wanted
        row["subreddit"] = chance.choice(OTHERS) if others else "explainlikeimfive"
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        written += len(line)
        yield line


def write_reddit(path: Path, size: int, wanted: float, repeats: int = 1) -> Path:
    """Write a dump, `repeats` times the same frame, with a window of 16 MB: what Reddit's of 2 GB
    takes is the same for ours and for the baselines."""
    settings = zstandard.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=settings)
    with path.open("wb") as file, compressor.stream_writer(file) as writer:
        for line in reddit_lines(path.name[:2], size, wanted):
            writer.write(line)
    frame = path.read_bytes()
    with path.open("ab") as file:
        for _ in range(repeats - 1):
            file.write(frame)
    return path


def write_wiki(path: Path, size: int) -> int:
    """Write a dump of the sample's articles over and over, `size` bytes; returns the pages."""
    pages = [entry for entries in load_texts("wiki").values() for entry in entries]
    chance = random.Random(1)
    written = number = 0
    with bz2.open(path, "wt", encoding="utf-8") as file:
        file.write('<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">\n<siteinfo>\n')
        file.write("  <base>https://simple.wikipedia.org/wiki/Main_Page</base>\n  <namespaces>\n")
        file.write('    <namespace key="6" case="first-letter">File</namespace>\n')
        file.write('    <namespace key="10" case="first-letter">Template</namespace>\n')
        file.write("  </namespaces>\n</siteinfo>\n")
        while written < size:
            number += 1
            parts = chance.sample(pages, 4)
            text = "\n\n== More ==\n".join(part["text"] for part in parts if "redirect" not in part)
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            page = (
                f"  <page>\n    <title>Page {number}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n"
                "    <revision>\n      <id>1</id>\n      <model>wikitext</model>\n"
                f'      <text bytes="1" xml:space="preserve">{text}</text>\n'
                "    </revision>\n  </page>\n"
            )
            file.write(page)
            written += len(page)
        file.write("</mediawiki>\n")
    return number
