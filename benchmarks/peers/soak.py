"""A load process under load for long: does it grow, does it leave descriptors open, does it come later and later?

├ warm-up ┤ a look each second: requests so far, resident memory, open descriptors ├
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

USERS: Final = 1400
THINK_S: Final = 0.1
"""So many who think so long ask about as much as half a core can do."""
RAMP_S: Final = 10
WARM_UP_S: Final = 60
"""After the last has connected."""
SPARE_S: Final = 5
LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Soaked:
    """What was seen of the load process after its warm-up."""

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
    settled_s = RAMP_S + WARM_UP_S
    whole_s = settled_s + lasts_s + SPARE_S
    load = Load("connected", server.url, workload, whole_s, users=USERS, think_s=THINK_S, ramp_s=RAMP_S)
    place = folder / "run-under-load"
    looks: list[tuple[int, float, int]] = []
    with at_work(emrload.TOOL, load, server, place, USERS) as tree:
        time.sleep(WARM_UP_S)
        process = tree.busiest()
        began_s, cpu_s = time.monotonic(), _cpu_s(process)
        while (gone_s := time.monotonic() - began_s) < lasts_s:
            looks.append((server.requests(), process.memory_info().rss / 1e6, process.num_fds()))
            say(f"soak, {gone_s:.0f} of {lasts_s} s")
            time.sleep(LOOK_EVERY_S)
        cpu = (_cpu_s(process) - cpu_s) / (time.monotonic() - began_s)
    emrload.require_valid(place)
    late_ms = np.array_split(emrload.lags_ms(place, float(settled_s))[0], 3)
    requests, memory_mb, descriptors = (np.array(each) for each in zip(*looks, strict=True))
    return Soaked(
        requests=int(requests[-1] - requests[0]),
        cpu=cpu,
        mb_per_100k=float(np.polyfit(requests / 1e5, memory_mb, 1)[0]),
        least_descriptors=int(descriptors.min()),
        most_descriptors=int(descriptors.max()),
        early_p99_ms=float(np.quantile(late_ms[0], 0.99)),
        late_p99_ms=float(np.quantile(late_ms[2], 0.99)),
    )


def _cpu_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
