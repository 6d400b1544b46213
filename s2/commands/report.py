"""`s2 report`: the report, in a browser."""

import webbrowser
from dataclasses import asdict
from pathlib import Path

from s2.commands.compare import comparison
from s2.graph.overview import kind, overview
from s2.graph.revisions import described, last_tag
from s2.graph.state import read_folders, stale_stages
from s2.kernel.errors import S2Error
from s2.kernel.files import write_text
from s2.kernel.paths import local
from s2.params.evaluate import ALL_SETS
from s2.report.drawing import drawing
from s2.report.opening import Dump, Opening, opened

PAGE = Path("metrics/report/index.html")
READERS = ("reddit", "wiki")


def report() -> None:
    """Open the page with what is known of it today, and say where that is, for those whose browser is
    elsewhere; raises `S2Error` if it is not built."""
    if not PAGE.is_file():
        raise S2Error(f"{PAGE} is missing: build it with `dvc repro page`")
    stale = sorted({kind(one.stage) for one in stale_stages(Path())})
    text = opened(PAGE.read_text(encoding="utf-8"), opening(), drawing(overview(Path())), stale)
    path = local("report", "index.html")
    write_text(path, text)
    print(path.resolve())
    webbrowser.open(path.resolve().as_uri())


def opening() -> Opening:
    """What is known when the report is opened."""
    dumps = [Dump(*read) for read in read_folders(Path(), READERS)]
    tag = last_tag(Path())
    verdicts, trouble = [], ""
    if tag:
        try:
            compared, _ = comparison(tag, None, ALL_SETS)
            verdicts = [{"model": model} | asdict(one) for (model, _), one in compared.found.items()]
        except S2Error as error:
            trouble = str(error)
    return Opening(described(Path()), dumps, tag, verdicts, trouble)
