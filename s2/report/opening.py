"""The part of the report that no stage can know: which revision it is of, what is stale, which dumps were
read, and what changed since the last tagged build."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from s2.report.drawing import BOX, Drawing
from s2.report.page import OPENING, fill
from s2.report.tables import TITLES


@dataclass(frozen=True)
class Dump:
    """A folder of dumps, as DVC knows it."""

    path: str
    files: int
    bytes: int
    md5: str


@dataclass(frozen=True)
class Opening:
    """The revision, the dumps, and what `s2 compare` says of the last tag (`verdicts`: of each model and
    metric what was found), or the `trouble` with it."""

    revision: str
    dumps: Sequence[Dump]
    tag: str | None
    verdicts: Sequence[dict[str, Any]]
    trouble: str


def opened(page: str, opening: Opening, graph: Drawing, stale: Collection[str]) -> str:
    """The report with what is known when it is opened; in the drawing of the graph the kinds of stages
    that are `stale` are marked."""
    told = fill(
        "opening.html.jinja",
        opening=opening,
        graph=graph,
        stale=stale,
        titles=TITLES,
        box_width=BOX[0],
        box_height=BOX[1],
    )
    return page.replace(OPENING, told, 1)
