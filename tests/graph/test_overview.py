import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from s2.graph.overview import Node, overview
from s2.graph.revisions import described, last_tag
from tests.graph.reading import ROOT

GIT = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org"]


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def repository(in_tmp: Path) -> Path:
    run(*GIT, "init", "-q")
    run(sys.executable, "-m", "dvc", "init", "-q")
    return in_tmp


def test_kinds_stand_once_and_need_what_nothing_else_brings(repository: Path) -> None:
    """a → b@x, b@y → c, and c needs a too, which b brings; two kinds that need each other are one."""
    stage = {"cmd": "true", "desc": "does"}
    stages = {
        "a": stage | {"outs": ["a"]},
        "b": {"foreach": ["x", "y"], "do": stage | {"deps": ["a"], "outs": ["b-${item}"]}},
        "c": stage | {"deps": ["a", "b-x", "b-y"], "outs": ["c"]},
        "e": {"foreach": ["1"], "do": stage | {"deps": ["c"], "outs": ["e-${item}"]}},
        "f": {"foreach": ["1"], "do": stage | {"deps": ["e-1"], "outs": ["f-${item}"]}},
        "g": stage | {"deps": ["f-1"], "outs": ["g"]},
    }
    (repository / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    found = overview(repository)
    assert found[:3] == [
        Node("a", "does", ()),
        Node("b", "does", ("a",)),
        Node("c", "does", ("b",)),
    ]
    stages["e"] = {
        "foreach": {"1": "c", "2": "f-1"},
        "do": stage | {"deps": ["${item}"], "outs": ["e-${key}"]},
    }
    (repository / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    assert overview(repository)[3:] == [
        Node("e, f", "does; does", ("c",)),
        Node("g", "does", ("e, f",)),
    ]


def test_the_graph_s_own_kinds_follow_each_other() -> None:
    seen: set[str] = set()
    for node in overview(ROOT):
        assert set(node.needs) <= seen and node.does
        seen.add(node.name)
    assert {"reddit", "sft", "page"} <= seen and not {"code", "params"} & seen


def test_revisions_are_described_by_tags(repository: Path) -> None:
    assert last_tag(repository) is None and described(repository) == "none"
    (repository / "x").write_text("1")
    run(*GIT, "add", "-A")
    run(*GIT, "commit", "-qm", "one")
    run(*GIT, "tag", "v1")
    assert (last_tag(repository), described(repository)) == ("v1", "v1")
    (repository / "x").write_text("2")
    assert described(repository) == "v1-dirty"


def test_the_graph_of_the_documentation_is_the_graph() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^    (\S+)-->(\S+)$", text, flags=re.MULTILINE))
    assert drawn == {(need, node.name) for node in overview(ROOT) for need in node.needs}
