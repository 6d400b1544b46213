"""Read a user's own questions and answers, measure them, name what is unusable."""

from itertools import chain
from pathlib import Path

from s2.kernel.accounting import account, count_kept, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, scan, write_rows
from s2.own.rows import CANDIDATES, candidates, read_source
from s2.params.base import Above0, Name
from s2.params.data import Method, OwnSource
from s2.params.loading import load
from stages.runner import run

OUT = Path("data/candidates/own.parquet")
METRICS = Path("metrics/data/candidates-own.json")


def main() -> None:
    sources = load("sources", dict[Name, OwnSource])
    method = load("quality.readability.method", Method)
    found = (candidates(name, read_source(name, source), method) for name, source in sources.items())
    rows = write_rows(OUT, CANDIDATES, chain.from_iterable(found))
    connection = connect(load("machine.memory", Above0))
    kept = count_kept(connection, scan(OUT))
    write_json(METRICS, account(rows, kept, count_reasons(connection, scan(OUT))))


if __name__ == "__main__":
    run(main)
