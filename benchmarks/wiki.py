"""Pages of a Wikipedia dump to paragraphs, against WikiExtractor with as many processes.

python -m benchmarks.wiki [DUMP, or MB of text to make one of, 60 by default] [processes, 2]
"""

import re
import shutil
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

from benchmarks.corpus import MB, write_wiki
from benchmarks.measure import measure, promise
from s2.dumps.reading import read_chunks
from s2.kernel.pool import map_shards
from s2.kernel.tables import write_batches
from s2.wiki.articles import ARTICLES, articles
from s2.wiki.dump import read_blocks


def wikiextractor(dump: Path, out: Path, processes: int) -> None:
    program = shutil.which("wikiextractor") or "wikiextractor"
    command = [program, "--processes", str(processes), "--no-templates", "--json", "-q"]
    subprocess.run([*command, "-o", str(out), str(dump)], check=True)


def ours(dump: Path, out: Path, processes: int) -> int:
    """What the stage does, but for sorting the pages by id."""
    found = chain.from_iterable(map_shards(articles, read_blocks([dump]), processes))
    return write_batches(out, ARTICLES, found)


def count_pages(dump: Path) -> int:
    return sum(len(re.findall(b"<page>", chunk)) for chunk in read_chunks(dump))


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else "60"
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dump, tenth = folder / "whole.xml.bz2", folder / "tenth.xml.bz2"
        if given.isdecimal():
            pages = write_wiki(dump, int(given) * MB)
            write_wiki(tenth, int(given) * MB // 10)
        else:
            dump = Path(given)
            pages = count_pages(dump)
        print(f"{pages:,} pages, {processes} processes")
        baseline = measure(wikiextractor, dump, folder / "baseline", processes)
        found = measure(ours, dump, folder / "ours.parquet", processes)
        for label, result in (("WikiExtractor", baseline), ("ours", found)):
            print(f"  {label:14} {result}, {pages / result.seconds:,.0f} pages/s")
        promise("  of WikiExtractor's speed", baseline.seconds / found.seconds, least=1.0)
        if given.isdecimal():
            part = measure(ours, tenth, folder / "tenth.parquet", processes)
            print(f"  ours, a tenth  {part}")
            promise("  memory of the whole to that of a tenth", found.peak_mb / part.peak_mb, most=1.2)


if __name__ == "__main__":
    main()
