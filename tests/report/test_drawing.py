from s2.graph.overview import Node
from s2.report.drawing import BOX, GAP, drawing

NODES = [
    Node("late", "a source that one late stage takes", ()),
    Node("dump", "a source", ()),
    Node("rows", "reads", ("dump",)),
    Node("one", "takes rows", ("rows",)),
    Node("two", "takes rows", ("rows",)),
    Node("end", "takes all", ("late", "one", "two")),
]


def test_what_is_needed_stands_above() -> None:
    drawn = drawing(NODES)
    at = {box.name: box for box in drawn.boxes}
    rows = {name: round(box.y / (BOX[1] + GAP[1])) for name, box in at.items()}
    assert rows == {"dump": 0, "rows": 1, "late": 2, "one": 2, "two": 2, "end": 3}
    assert {(line.start, line.end) for line in drawn.lines} == {
        (need, node.name) for node in NODES for need in node.needs
    }
    assert all(line.y1 < line.y2 for line in drawn.lines)


def test_boxes_do_not_meet_and_lie_in_the_frame() -> None:
    drawn = drawing(NODES)
    places = [(box.x, box.y) for box in drawn.boxes]
    assert len(set(places)) == len(places)
    for box in drawn.boxes:
        assert box.x >= 0 and box.x + BOX[0] <= drawn.width
        assert box.y >= 0 and box.y + BOX[1] <= drawn.height
        for other in drawn.boxes:
            assert other == box or other.y != box.y or abs(other.x - box.x) >= BOX[0] + GAP[0]
