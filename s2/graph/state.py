"""What the next `dvc repro` would run, and why: the one place that asks DVC about stages and locks."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import networkx
from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.logger import set_loggers_level
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc_data.hashfile.hash_info import HashInfo

from s2.graph.code import Code, Fingerprint
from s2.graph.guard import FOLDER, differences
from s2.kernel.errors import S2Error
from s2.params.loading import flat

SHOWN = 3  # changed definitions that are named before the rest is counted
WIDTH = 60  # of a parameter's value


@dataclass(frozen=True)
class Stale:
    """A stage that is not as its inputs are: its `reasons`, which come from it alone; the stages that
    it would `follow` if they change what it reads; and whether its outputs are known already, so that
    they would be restored instead."""

    stage: str
    reasons: list[str]
    follows: list[str]
    restored: bool


def stale_stages(root: Path, targets: Sequence[str] = ()) -> list[Stale]:
    """The stale stages among the targets (all by default) and what they need, in the order in which
    DVC would come to them. Nothing is run or written.

    Raises `S2Error` where there is no graph, or no such target.
    """
    try:
        repo = Repo(str(root))
        graph = repo.index.graph
        wanted = _wanted(repo, graph, targets)
    except DvcException as error:
        raise S2Error(str(error)) from None
    code = Code(Path(repo.root_dir)).stages()
    found: dict[str, Stale] = {}
    with repo.lock:
        for stage in networkx.lexicographical_topological_sort(
            graph.reverse(), key=lambda stage: list(graph).index(stage)
        ):
            if stage in wanted and (stale := _examine(repo, graph, stage, code, found)):
                found[stage.addressing] = stale
    return list(found.values())


def read_folders(root: Path, stages: Sequence[str]) -> list[tuple[str, int, int, str]]:
    """What stages had read when they last ran, parameters and code aside, by dvc.lock: path, number of
    files, bytes and MD5."""
    with Repo(str(root)) as repo:
        return [
            (dep.def_path, dep.meta.nfiles or 1, dep.meta.size or 0, dep.hash_info.value)
            for name in stages
            for stage in repo.stage.collect(name)
            for dep in stage.deps
            if not isinstance(dep, ParamsDependency) and not _is_code(dep) and dep.hash_info
        ]


def _wanted(repo: Repo, graph: Any, targets: Sequence[str]) -> set[PipelineStage]:
    named = [stage for target in targets for stage in repo.stage.collect(target)] or list(graph)
    return {need for stage in named for need in networkx.descendants(graph, stage) | {stage}}


def _examine(
    repo: Repo,
    graph: Any,
    stage: PipelineStage,
    code: dict[str, Fingerprint],
    stale: dict[str, Stale],
) -> Stale | None:
    if stage.addressing == "code":
        return None  # it takes a second, and what it would say is in the reasons of the others
    follows = [need.addressing for need in graph.successors(stage) if need.addressing in stale]
    reasons = list(_reasons(repo, stage, code))
    if not reasons and not follows:
        return None
    return Stale(stage.addressing, reasons, follows, not follows and _is_known(repo, stage, code))


def _reasons(repo: Repo, stage: PipelineStage, code: dict[str, Fingerprint]) -> Iterator[str]:
    if stage.is_data_source:  # what `dvc add` tracks; it is not run
        yield from (
            f"{out.def_path} changed since `dvc add`" for out in stage.outs if out.workspace_status()
        )
        return
    if not any(dep.hash_info for dep in stage.deps):
        yield "it has not run"
        return
    if stage.cmd_changed:
        yield "its command changed"
    for dep in stage.deps:
        if not dep.hash_info:
            yield f"it did not depend on {dep.def_path} when it ran"
        elif isinstance(dep, ParamsDependency):
            yield from _parameters(dep)
        elif _is_code(dep):
            yield from _code(repo, dep, code)
        elif dep.workspace_status() and not _is_made(repo, dep):
            yield f"{dep.def_path} changed"
    for out in stage.outs:
        if out.workspace_status() and out.changed_cache() and out.use_cache:
            yield f"{out.def_path} is not what the stage made, and that is not in the cache"


def _parameters(dep: ParamsDependency) -> Iterator[str]:
    before, now = flat(dep.hash_info.value or {}), flat(dep.read_params())
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{key} {_shown(before, key)} → {_shown(now, key)}"


def _shown(values: dict[str, Any], key: str) -> str:
    return shorten(str(values[key]), WIDTH, placeholder=" …") if key in values else "(none)"


def _is_code(dep: Any) -> bool:
    return str(dep.def_path).startswith(f"{FOLDER.as_posix()}/")


def _is_made(repo: Repo, dep: Any) -> bool:
    """Whether a stage makes what is depended on: then that stage is stale too, or restores it."""
    made = [str(out.def_path) for out in repo.index.outs]
    path = str(dep.def_path)
    return any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in made)


def _code(repo: Repo, dep: Any, code: dict[str, Fingerprint]) -> Iterator[str]:
    """The definitions and packages that changed since the stage ran."""
    now = code.get(Path(dep.def_path).stem, {})
    before = _written(repo, dep)
    if before is None:
        yield "its code may have changed: what it ran with is not in the cache"
        return
    changed = differences(before, now)
    yield from changed[:SHOWN]
    if len(changed) > SHOWN:
        yield f"{len(changed) - SHOWN} more definitions changed"


def _written(repo: Repo, dep: Any) -> Fingerprint | None:
    """The fingerprint that a stage ran with, out of DVC's cache."""
    path = Path(repo.cache.local.oid_to_path(dep.hash_info.value))
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _is_known(repo: Repo, stage: PipelineStage, code: dict[str, Fingerprint]) -> bool:
    """Whether DVC's run cache has the outputs of what the stage would run."""
    for dep in filter(_is_code, stage.deps):
        on_disk = Path(repo.root_dir, dep.def_path)
        now = code.get(on_disk.stem)
        if not on_disk.is_file() or json.loads(on_disk.read_text(encoding="utf-8")) != now:
            return False
    try:
        stage.save_deps()
        for out in stage.outs:
            out.hash_info = HashInfo()  # or DVC takes the stage for unchanged
        with set_loggers_level(logging.WARNING):  # it would say that it checks outputs out
            repo.stage_cache.restore(stage, dry=True)
    except (RunCacheNotFoundError, DvcException):
        return False
    return True
