"""A load process under load for long: does it grow, does it leave descriptors open, does it come later and later?

├ two trials: how many take half a core here ┤ warm-up ┤ a look each second: requests, memory, descriptors ├
                  memory over requests: the slope of a straight line        start lag: its first third against its last
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from benchmarks.peers import emrload
from benchmarks.peers.at_work import at_work
from benchmarks.peers.measure import Say
from benchmarks.peers.tool import Load
from benchmarks.peers.workload import Workload
from benchmarks.web_server import WebServer

__all__ = ["Soaked", "soak"]

HALF_A_CORE: Final = 0.5
THINK_S: Final = 0.1
FIRST_GUESS: Final = 800
"""People that the first trial has."""
TRIALS: Final = 2
"""The more there are the less each costs: the second has about as many as the soak."""
TRIAL_S: Final = 15
RAMP_S: Final = 10
WARM_UP_S: Final = 60
"""After the last has connected."""
SPARE_S: Final = 5
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Soaked:
    """What was seen of the load process after its warm-up."""

    users: int
    requests: int
    cpu: float
    """Share of a core."""
    mb_per_100k: float
    """Resident memory over requests, the slope of a straight line."""
    least_descriptors: int
    most_descriptors: int
    early_p99_ms: float
    """Start lag in the first third."""
    late_p99_ms: float
    """Start lag in the last third."""


def soak(server: WebServer, workload: Workload, folder: Path, lasts_s: int, say: Say) -> Soaked:
    """Raises RuntimeError where the run is invalid, or its samples are not what the server answered."""
    users = FIRST_GUESS
    for trial in range(TRIALS):
        say(f"soak, trial {trial + 1} of {TRIALS} with {users} people")
        _, cpu = _watched(server, _load(server, workload, users, TRIAL_S), folder / f"trial-{trial + 1}", TRIAL_S, say)
        users = max(round(users * HALF_A_CORE / cpu), 1)
    place = folder / "run-under-load"
    load = _load(server, workload, users, WARM_UP_S + lasts_s)
    looks, cpu = _watched(server, load, place, lasts_s, say, settles_s=WARM_UP_S)
    emrload.require_valid(place)
    late_ms = np.array_split(emrload.lags_ms(place, float(RAMP_S + WARM_UP_S))[0], 3)
    requests, memory_mb, descriptors = (np.array(each) for each in zip(*looks, strict=True))
    return Soaked(
        users=users,
        requests=int(requests[-1] - requests[0]),
        cpu=cpu,
        mb_per_100k=float(np.polyfit(requests / 1e5, memory_mb, 1)[0]),
        least_descriptors=int(descriptors.min()),
        most_descriptors=int(descriptors.max()),
        early_p99_ms=float(np.quantile(late_ms[0], 0.99)),
        late_p99_ms=float(np.quantile(late_ms[2], 0.99)),
    )


def _load(server: WebServer, workload: Workload, users: int, lasts_s: int) -> Load:
    whole_s = RAMP_S + lasts_s + SPARE_S
    return Load("connected", server.url, workload, whole_s, users=users, think_s=THINK_S, ramp_s=RAMP_S)


def _watched(
    server: WebServer, load: Load, place: Path, lasts_s: int, say: Say, settles_s: int = 0
) -> tuple[list[tuple[int, float, int]], float]:
    """A look each second (requests, memory in MB, descriptors), and the share of a core that was taken meanwhile."""
    looks: list[tuple[int, float, int]] = []
    with at_work(emrload.TOOL, load, server, place, load.users) as tree:
        time.sleep(settles_s)
        process = tree.busiest()
        began_s, cpu_s = time.monotonic(), _cpu_s(process)
        while (gone_s := time.monotonic() - began_s) < lasts_s:
            looks.append((server.requests(), process.memory_info().rss / 1e6, process.num_fds()))
            say(f"soak, {load.users} people, {gone_s:.0f} of {lasts_s} s")
            time.sleep(LOOK_EVERY_S)
        return looks, (_cpu_s(process) - cpu_s) / (time.monotonic() - began_s)


def _cpu_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
