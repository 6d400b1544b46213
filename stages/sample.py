"""Pack the hand-written sample texts into the formats of the real dumps."""

from pathlib import Path

from s2.sample.pack import reddit_rows, write_wiki, write_zst
from stages.runner import run

OUT = Path("data/raw/sample")


def main() -> None:
    posts, comments = reddit_rows()
    write_zst(OUT / "reddit/RS_sample.zst", posts)
    write_zst(OUT / "reddit/RC_sample.zst", comments)
    write_wiki(OUT / "wiki/simplewiki-sample.xml.bz2")


if __name__ == "__main__":
    run(main)
