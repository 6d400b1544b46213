from typing import Any

from s2.graph.overview import Node
from s2.report.drawing import drawing
from s2.report.opening import Dump, Opening, opened
from s2.report.page import OPENING

PAGE = f"<main>{OPENING}</main>"
GRAPH = drawing([Node("sample", "pack <texts>", ()), Node("wiki", "read", ("sample",))])
FOUND: dict[str, Any] = {
    "model": "sft", "metric": "rougeL", "a": 0.1, "b": 0.25, "difference": 0.15, "low": 0.1, "high": 0.2,
    "p_holm": 0.002, "n": 19, "verdict": "better",
}  # fmt: skip


def opening(**changes: Any) -> Opening:
    dumps = [Dump("data/raw/wiki", 1, 12345, "ab" * 16)]
    made = {"revision": "v1-3-gabc", "dumps": dumps, "tag": "v1", "verdicts": [FOUND], "trouble": ""}
    return Opening(**(made | changes))


def test_it_says_what_no_stage_knows() -> None:
    same = FOUND | {"metric": "ease", "verdict": "within noise"}
    text = opened(PAGE, opening(verdicts=[FOUND, same]), GRAPH, ["wiki"])
    for told in (
        "v1-3-gabc",
        "12,345",
        "ab" * 16,
        "1 of 2 differences are more than noise",
        "+0.150",
        "+0.100 … +0.200",
        "1 kinds of stages are stale",
        "pack &lt;texts&gt;",
    ):
        assert told in text
    assert OPENING not in text and text.startswith("<main>") and text.endswith("</main>")
    assert 'data-name="wiki" class=stale' in text and 'data-name="sample" class' not in text


def test_without_a_tag_or_with_trouble_it_says_so() -> None:
    assert "there is no tagged build" in opened(PAGE, opening(tag=None), GRAPH, [])
    text = opened(PAGE, opening(trouble="v1 is not to be had", verdicts=[]), GRAPH, [])
    assert "none, for v1 is not to be had" in text and "nothing is stale" in text
