"""Read a user's own preference pairs, measure their answers, name what is unusable."""

from itertools import chain
from pathlib import Path

from s2.kernel.accounting import account, count_kept, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, scan, write_rows
from s2.own.pairs import CANDIDATES, candidates, read_pairs
from s2.params.align import PairSource
from s2.params.base import Above0, Name, Share
from s2.params.data import Method
from s2.params.loading import load
from s2.splits.assign import Shares, split_of
from stages.runner import run

OUT = Path("data/candidates/pairs.parquet")
METRICS = Path("metrics/data/candidates-pairs.json")


def main() -> None:
    sources = load("preference.sources", dict[Name, PairSource])
    method = load("quality.readability.method", Method)
    shares = Shares(load("splits.validation", Share), load("splits.test", Share))
    found = (
        candidates(name, read_pairs(name, source), method, lambda id_: split_of(id_, shares))
        for name, source in sources.items()
    )
    rows = write_rows(OUT, CANDIDATES, chain.from_iterable(found))
    connection = connect(load("machine.memory", Above0))
    kept = count_kept(connection, scan(OUT))
    write_json(METRICS, account(rows, kept, count_reasons(connection, scan(OUT))))


if __name__ == "__main__":
    run(main)
