"""Truncate articles to answers, measure them, name what is no article."""

from pathlib import Path

from s2.files import write_json
from s2.params import load_params
from s2.quality.gates import account, count_kept, count_reasons
from s2.quality.readability import scorer
from s2.tables import connect, count_rows, scan, stream_rows, write_rows
from s2.wiki.answers import CANDIDATES, candidates
from stages.runner import run

ARTICLES = Path("data/wiki/articles.parquet")
OUT = Path("data/candidates/wiki.parquet")
METRICS = Path("metrics/data/candidates-wiki.json")


def main() -> None:
    params = load_params()
    score = scorer(params.quality.readability.method)
    articles = stream_rows(ARTICLES)
    write_rows(OUT, CANDIDATES, candidates(articles, params.data.wiki.max_words, score))
    connection = connect()
    dropped = count_reasons(connection, scan(OUT))
    kept = count_kept(connection, scan(OUT))
    write_json(METRICS, account(count_rows(ARTICLES), kept, dropped))


if __name__ == "__main__":
    run(main)
