"""The parts of the comparison, each measured in one go: requests, memory, arrivals, on duty, workers, soak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.peers import measure, results
from benchmarks.peers.awake import kept_awake
from benchmarks.peers.bounds import OURS
from benchmarks.peers.lateness import Lateness
from benchmarks.peers.measure import CONNECTED, Effort, Rounds, Say
from benchmarks.peers.results import Part
from benchmarks.peers.soak import soak
from benchmarks.peers.turns import TURN_MS
from benchmarks.peers.workload import Workload, write_workload
from benchmarks.web_server import web_server

__all__ = ["PARTS", "measured"]

SOAK_TIMES: Final = 120
"""A soak lasts so much longer than requests are counted: 20 min."""
Figures = Mapping[str, Rounds[float]]


def measured(name: str, nginx: str, folder: Path, effort: Effort, say: Say) -> Part:
    """One of `PARTS`, with everything that it needs written to `folder`, which is there and empty.

    Raises RuntimeError where a tool fails, a check does not hold, or emrload's samples are not what nginx answered.
    """
    began, machine, versions = results.now(), results.machine(), results.versions()
    folder.chmod(0o755)  # nginx may be another user
    workload = write_workload(folder / "workload")
    workload.folder.chmod(0o755)
    figures, in_words = PARTS[name](nginx, workload, folder, effort, say)
    return Part(began, machine, in_words, versions, figures)


def _requests(nginx: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    with web_server(nginx, folder / "nginx", workload.answers) as server:
        found = {
            kind: measure.requests(kind, server, workload, folder / kind, effort, say) for kind in ("bundle", "review")
        }
    return found, f"median of {effort.rounds}, {effort.window_s} s each"


def _memory(nginx: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    found = {}
    with web_server(nginx, folder / "nginx", workload.answers) as server:
        for users in CONNECTED:
            place = folder / f"memory of {users}"
            found[f"memory of {users:,}"] = measure.memory(users, server, workload, place, effort, say)
    return found, f"median of {effort.rounds}"


def _arrivals(_: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    found = measure.arrivals(workload, folder / "arrivals", effort, say)
    return _by_share(found), f"median of {effort.rounds}, {effort.arrivals_s} s each"


def _on_duty(nginx: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    say("10,000 on duty")
    with web_server(nginx, folder / "nginx", workload.answers) as server:
        starts, loop = measure.on_duty(server, workload, folder, effort)
    lasts_s = measure.ON_DUTY_TIMES * effort.arrivals_s
    return {**_by_share({OURS: [starts]}), "loop p99": {OURS: [loop.p99_ms]}}, f"{lasts_s} s, once"


def _workers(nginx: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    with web_server(nginx, folder / "nginx", workload.answers) as server, kept_awake() as awake:
        found = measure.spread(server, workload, folder / "workers", effort, say)
    figures = {str(workers): {OURS: costs} for workers, costs in found.items()}
    cores = "cores kept awake" if awake else "cores that sleep (to keep them awake takes root)"
    turns = f"in turns of {TURN_MS} ms on one core, {cores}"
    return figures, f"median of {effort.rounds}, {effort.window_s} s each, {turns}"


def _soak(nginx: str, workload: Workload, folder: Path, effort: Effort, say: Say) -> tuple[Figures, str]:
    lasts_s = SOAK_TIMES * effort.window_s
    with web_server(nginx, folder / "nginx", workload.answers) as server:
        soaked = soak(server, workload, folder, lasts_s, say)
    return {name: {OURS: [value]} for name, value in asdict(soaked).items()}, f"{lasts_s} s, once"


def _by_share(found: Rounds[Lateness]) -> Figures:
    return {
        name: {tool: [getattr(late, f"{name}_ms") for late in rounds] for tool, rounds in found.items()}
        for name in ("p50", "p99", "max")
    }


PARTS: Final[Mapping[str, Callable[[str, Workload, Path, Effort, Say], tuple[Figures, str]]]] = {
    "requests": _requests,
    "memory": _memory,
    "arrivals": _arrivals,
    "on-duty": _on_duty,
    "workers": _workers,
    "soak": _soak,
}
"""Each gives its figures, and in words how they were measured."""
