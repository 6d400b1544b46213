"""Where the boxes and lines of a drawing of the graph stand: rows from the top, what is needed above."""

from collections.abc import Sequence
from dataclasses import dataclass

from s2.graph.overview import Node

BOX = (132, 30)  # width and height, pixels
GAP = (16, 34)


@dataclass(frozen=True)
class Box:
    """A node and its upper left corner."""

    name: str
    does: str
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """From under the box `start` to over the box `end`."""

    start: str
    end: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines in a frame of so many pixels."""

    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]


def drawing(nodes: Sequence[Node]) -> Drawing:
    """Lay nodes out, which stand behind those that they need: each a row below the last of these, and in
    a row near the middle of them, in the manner of Sugiyama et al. (1981)."""
    rows: dict[str, int] = {}
    for node in nodes:
        rows[node.name] = max((rows[need] + 1 for need in node.needs), default=0)
    for node in reversed(nodes):  # a source stands right above the first that takes it
        takers = [rows[other.name] for other in nodes if node.name in other.needs]
        if not node.needs and takers:
            rows[node.name] = min(takers) - 1
    order = {node.name: float(place) for place, node in enumerate(nodes)}
    widest = max(sum(row == at for row in rows.values()) for at in rows.values())
    width = widest * (BOX[0] + GAP[0]) - GAP[0]
    boxes: dict[str, Box] = {}
    for at in sorted(set(rows.values())):
        mine = [node for node in nodes if rows[node.name] == at]
        middles = {
            node.name: sum(boxes[need].x for need in node.needs) / len(node.needs) if node.needs else None
            for node in mine
        }
        mine.sort(key=lambda node: (middles[node.name] or 0.0, order[node.name]))
        left = (width - len(mine) * (BOX[0] + GAP[0]) + GAP[0]) / 2
        for place, node in enumerate(mine):
            x, y = left + place * (BOX[0] + GAP[0]), at * (BOX[1] + GAP[1])
            boxes[node.name] = Box(node.name, node.does, x, y)
    lines = [_line(boxes[need], boxes[node.name]) for node in nodes for need in node.needs]
    height = (max(rows.values()) + 1) * (BOX[1] + GAP[1]) - GAP[1]
    return Drawing(width, height, list(boxes.values()), lines)


def _line(above: Box, below: Box) -> Line:
    half = BOX[0] / 2
    return Line(above.name, below.name, above.x + half, above.y + BOX[1], below.x + half, below.y)
