"""Requests per CPU second of the client: emrload's wire and Locust's FastHttpUser in turn, on one server, in one run.

CPU seconds, not seconds: that holds better where the machine is shared. What was sent is counted by nginx.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.locust_process import at_work
from benchmarks.web_server import WebServer
from harness.rundir import RunDir
from harness.samples import merge_streams

__all__ = ["Throughput", "compare"]

USERS = 64
TURNS = 5
WARM_UP_S = 1.0
WINDOW_S = 4.0


@dataclass(frozen=True)
class Throughput:
    """Requests per CPU second, medians over the turns, and of the ratio of each turn."""

    wire: float
    checked: float
    fast_http: float
    ratio: float
    ratio_checked: float
    recorded: int
    """Requests of the wire: as many rows in the samples as nginx counted."""


def compare(server: WebServer, folder: Path, turns: int = TURNS) -> Throughput:
    """Raises RuntimeError where the wire's samples are not exactly what nginx counted, or one of them is not `ok`."""
    rates: list[tuple[float, float, float]] = []
    recorded = 0
    for turn in range(turns):
        wire, rows = _wire(server, folder / f"wire-{turn}")
        checked, rows_checked = _wire(server, folder / f"checked-{turn}", BENCH_CHECK="1")
        rates.append((wire, checked, _rate("fast_http", server, folder / f"fast_http-{turn}")))
        recorded += rows + rows_checked
    wire_rates, checked_rates, fast_rates = zip(*rates, strict=True)
    return Throughput(
        wire=median(wire_rates),
        checked=median(checked_rates),
        fast_http=median(fast_rates),
        ratio=median(wire / fast for wire, _, fast in rates),
        ratio_checked=median(checked / fast for _, checked, fast in rates),
        recorded=recorded,
    )


def _wire(server: WebServer, folder: Path, **settings: str) -> tuple[float, int]:
    before = server.requests()
    rate = _rate("wire", server, folder, **settings)
    answered = server.requests() - before
    rows = _rows_that_are_ok(folder)
    if rows != answered:
        raise RuntimeError(f"nginx answered {answered:,} requests, the samples hold {rows:,} that went well")
    return rate, rows


def _rate(client: str, server: WebServer, folder: Path, **settings: str) -> float:
    """Requests per CPU second in a window after warming up."""
    with at_work(client, server, USERS, folder, **settings) as process:
        time.sleep(WARM_UP_S)
        cpu, answered = process.cpu_times(), server.requests()
        time.sleep(WINDOW_S)
        cpu_after, answered_after = process.cpu_times(), server.requests()
    cpu_s = cpu_after.user + cpu_after.system - cpu.user - cpu.system
    return (answered_after - answered) / cpu_s


def _rows_that_are_ok(folder: Path) -> int:
    run_dir = RunDir(folder)
    run_dir.streams = folder
    merge_streams(run_dir)
    outcomes = pq.read_table(run_dir.samples, columns=["outcome"]).column("outcome").cast(pa.string())
    return outcomes.to_pylist().count("ok")
