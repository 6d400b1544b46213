"""Read Wikipedia's dumps: every page, its articles parsed to paragraphs."""

from pathlib import Path

from s2.dumps import find_dumps
from s2.files import temporary_file, write_json
from s2.params import load_params
from s2.quality.gates import account
from s2.tables import connect, query_to_parquet, scan, write_rows
from s2.wiki.articles import ARTICLES, article
from s2.wiki.dump import read_pages
from stages.runner import run

OUT = Path("data/wiki/articles.parquet")
METRICS = Path("metrics/data/wiki.json")


def main() -> None:
    params = load_params()
    dumps = find_dumps(Path(params.data.raw) / "wiki", "*.xml*")
    with temporary_file(OUT.with_suffix(".all")) as everything:
        pages = write_rows(everything, ARTICLES, map(article, read_pages(dumps)))
        one_each = f"""
            FROM {scan(everything)}
            QUALIFY row_number() OVER (PARTITION BY id ORDER BY file DESC) = 1
            ORDER BY id"""
        rows = query_to_parquet(connect(), one_each, OUT)
    write_json(METRICS, account(pages, rows, {"duplicate": pages - rows}))


if __name__ == "__main__":
    run(main)
