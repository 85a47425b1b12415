"""Rounds in which the tools take turns: CPU time a request, memory of the connected, lateness of who comes.

Each figure is a median over the rounds; within a round every tool is measured on the same server.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from benchmarks.peers import emrload
from benchmarks.peers.at_work import at_work
from benchmarks.peers.lateness import Lateness, lateness, regular
from benchmarks.peers.stamping_server import stamping_server
from benchmarks.peers.tool import Kind, Load, Tool
from benchmarks.peers.tools import who_can
from benchmarks.peers.turns import take_long_turns
from benchmarks.peers.workload import Workload
from benchmarks.web_server import WebServer

__all__ = ["CONNECTED", "SPREAD", "Effort", "Rounds", "Say", "arrivals", "memory", "on_duty", "requests", "spread"]

USERS: Final = 64
CONNECTED: Final = (500, 5000)
"""Connected people; what one more of them weighs is told by the difference."""
THINK_S: Final = 5
RAMP_S: Final = 10
SETTLED_S: Final = THINK_S + 2
"""After the last has connected: everybody has asked once more."""
SPREAD: Final = (1, 2, 4, 8)
"""Load processes that the same people are spread over."""
SPREAD_USERS: Final = 256
"""Eight processes have tens of people each then: nobody starts as many for fewer."""
RATE_PER_S: Final = 1000
ARRIVALS_WARM_UP_S: Final = 5
ARRIVALS_AT_MOST: Final = 500
"""Who may be there at once; an answer takes a fraction of a millisecond."""
ON_DUTY: Final = 10_000
ON_DUTY_RAMP_S: Final = 60
ON_DUTY_TIMES: Final = 10
"""So much longer than arrivals they are looked at."""
SPARE_S: Final = 3
"""So much longer a load lasts than it is looked at."""

T = TypeVar("T")
Rounds: TypeAlias = dict[str, list[T]]
"""Tool → what it had in each round; who is not installed is left out."""
Say = Callable[[str], None]
"""Hears what is being measured."""


@dataclass(frozen=True)
class Effort:
    """How often everybody takes a turn, and for how long; what CPU time is measured over, and arrivals."""

    rounds: int = 5
    window_s: int = 10
    arrivals_s: int = 30


def requests(
    kind: Kind, server: WebServer, workload: Workload, folder: Path, effort: Effort, say: Say
) -> Rounds[float]:
    """CPU time a request in µs."""

    def measured(tool: Tool, place: Path) -> float:
        return _cpu_a_request(kind, tool, server, workload, place, effort)

    return _in_turn(kind, measured, folder, effort.rounds, say)


def spread(server: WebServer, workload: Workload, folder: Path, effort: Effort, say: Say) -> dict[int, list[float]]:
    """emrload's CPU time a request in µs, by the number of load processes, in turn.

    Raises RuntimeError where the roster is another than with one process, or a slot was not worked once.
    """
    found: dict[int, list[float]] = {workers: [] for workers in SPREAD}
    digests = set()
    for number in range(effort.rounds):
        for workers, costs in found.items():
            say(f"workers, round {number + 1} of {effort.rounds}: {workers}")
            place = folder / f"{number}-{workers}"
            costs.append(_cpu_a_request("review", emrload.TOOL, server, workload, place, effort, workers))
            digest, took_part = emrload.roster(place)
            digests.add(digest)
            if took_part != set(range(workers)) or len(digests) > 1:
                raise RuntimeError(
                    f"{workers} load processes: {sorted(took_part)} took part, rosters {sorted(digests)}"
                )
            shutil.rmtree(place)
    return found


def _cpu_a_request(
    kind: Kind, tool: Tool, server: WebServer, workload: Workload, place: Path, effort: Effort, spread: int = 0
) -> float:
    lasts_s = tool.warm_up_s + effort.window_s + SPARE_S
    users = SPREAD_USERS if spread else USERS
    load = Load(kind, server.url, workload, lasts_s, users=users, spread=spread)
    with at_work(tool, load, server, place, users) as tree:
        if spread:  # as where each load process has a core of its own
            take_long_turns(tree.pids())
        time.sleep(tool.warm_up_s)
        cpu_s, answered = tree.cpu_s(), server.requests()
        time.sleep(effort.window_s)
        spent_s, done = tree.cpu_s() - cpu_s, server.requests() - answered
    return 1e6 * spent_s / done


def memory(users: int, server: WebServer, workload: Workload, folder: Path, effort: Effort, say: Say) -> Rounds[float]:
    """Memory of the whole process tree in MB while so many are connected and ask once in 5 s."""

    def measured(tool: Tool, place: Path) -> float:
        lasts_s = RAMP_S + SETTLED_S + 2 * SPARE_S
        load = Load("connected", server.url, workload, lasts_s, users=users, think_s=THINK_S, ramp_s=RAMP_S)
        with at_work(tool, load, server, place, users) as tree:
            time.sleep(SETTLED_S)
            return tree.memory_mb()

    return _in_turn("connected", measured, folder, effort.rounds, say)


def arrivals(workload: Workload, folder: Path, effort: Effort, say: Say) -> Rounds[Lateness]:
    """How late each tool's requests come of 1,000 a second, as a server of our own sees it."""
    lasts_s = ARRIVALS_WARM_UP_S + effort.arrivals_s

    def measured(tool: Tool, place: Path) -> Lateness:
        with stamping_server(workload.answers) as server:
            load = Load("arrivals", server.url, workload, lasts_s, users=ARRIVALS_AT_MOST, rate_per_s=RATE_PER_S)
            with at_work(tool, load, server, place, connected=0):
                pass
            arrived = server.stamps_s()
        due = emrload.due_s(place) if tool is emrload.TOOL else regular(RATE_PER_S, lasts_s, len(arrived))
        try:
            return lateness(arrived, due, ARRIVALS_WARM_UP_S)
        except RuntimeError as error:
            raise RuntimeError(f"{tool.name}: {error}") from error

    return _in_turn("arrivals", measured, folder, effort.rounds, say)


def on_duty(server: WebServer, workload: Workload, folder: Path, effort: Effort) -> tuple[Lateness, Lateness]:
    """How late emrload's own requests start while 10,000 clinicians are on duty, and how late its loop comes.

    Raises RuntimeError where the run is invalid, or its samples are not what the server answered.
    """
    lasts_s = ON_DUTY_RAMP_S + SPARE_S + ON_DUTY_TIMES * effort.arrivals_s
    load = Load("on-duty", server.url, workload, lasts_s, users=ON_DUTY)
    place = folder / "on-duty"
    with at_work(emrload.TOOL, load, server, place, ON_DUTY):
        pass
    emrload.require_valid(place)
    starts, loop = emrload.lags_ms(place, float(ON_DUTY_RAMP_S + SPARE_S))
    return Lateness.of(starts), Lateness.of(loop)


def _in_turn(kind: Kind, measured: Callable[[Tool, Path], T], folder: Path, rounds: int, say: Say) -> Rounds[T]:
    installed = [tool for tool in who_can(kind) if tool.version() is not None]
    found: Rounds[T] = {tool.name: [] for tool in installed}
    for number in range(rounds):
        for tool in installed:
            say(f"{folder.name}, round {number + 1} of {rounds}: {tool.name}")
            place = folder / f"{number}-{tool.name}"
            found[tool.name].append(measured(tool, place))
            shutil.rmtree(place)  # a run holds some hundred megabytes
    return found
