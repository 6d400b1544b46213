"""The graph as a person would draw it: a node for all stages of one kind."""

from dataclasses import dataclass
from pathlib import Path

import networkx
from dvc.repo import Repo

LEFT_OUT = {"code", "params"}  # which every stage, or none, depends on


@dataclass(frozen=True)
class Node:
    """Stages of one kind, or of kinds that need each other in turn: what they do, and which others they
    need, without those that another need needs anyway."""

    name: str
    does: str
    needs: tuple[str, ...]


def overview(root: Path) -> list[Node]:
    """The kinds of stages of a repository, each behind those that it needs."""
    with Repo(str(root)) as repo:
        graph = repo.index.graph
        does = {kind(stage.addressing): stage.desc or "" for stage in graph}
        edges = {(kind(a.addressing), kind(b.addressing)) for a, b in graph.edges}
    kinds = networkx.DiGraph()
    kinds.add_nodes_from(sorted(does.keys() - LEFT_OUT))
    kinds.add_edges_from(sorted((a, b) for a, b in edges if a != b and not {a, b} & LEFT_OUT))
    rounds = networkx.condensation(kinds)
    names = {node: ", ".join(sorted(rounds.nodes[node]["members"])) for node in rounds}
    told = {
        node: "; ".join(does[kind] for kind in sorted(rounds.nodes[node]["members"])) for node in rounds
    }
    least = networkx.transitive_reduction(rounds)
    order = networkx.lexicographical_topological_sort(rounds.reverse(), key=names.__getitem__)
    return [
        Node(names[node], told[node], tuple(sorted(names[need] for need in least.successors(node))))
        for node in order
    ]


def kind(stage: str) -> str:
    """The kind of a stage, by its name."""
    return stage.partition("@")[0]
