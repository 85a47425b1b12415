"""The stall in Locust's own statistics: its users as its documentation has them, three populations side by side.

What it says is read from `--csv`, as somebody would who uses plain Locust. It does not count what it never sent.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.stall.servers import stalling_server
from benchmarks.stall.truths import LENGTH_S, PEOPLE, RATE_PER_S, THINK_S, Told

__all__ = ["POPULATIONS", "Population", "measure", "told_in"]


@dataclass(frozen=True)
class Population:
    """Users that together ask a hundred times a second. `truth` names the case of theory."""

    what: str
    users: int
    truth: str
    pace_s: float = 0.0
    """From one request to the next, whatever the answer took; else they think, and then ask."""


POPULATIONS: Final = (
    Population("100 users, constant_throughput(1)", RATE_PER_S, "open", pace_s=1.0),
    Population("1,000 users, constant_throughput(0.1)", 10 * RATE_PER_S, "open", pace_s=10.0),
    Population("500 users, poisson(0.2)", PEOPLE, "closed, exponential"),
)


def measure(folder: Path, populations: Sequence[Population] = POPULATIONS) -> list[Told]:
    """Play all of them, each against a server of its own. Raises RuntimeError where one ends badly."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        processes = [_start(stack, population, folder / str(number)) for number, population in enumerate(populations)]
        for number, process in enumerate(processes):
            if process.wait():
                log = (folder / str(number) / "locust.log").read_text()
                raise RuntimeError(f"Locust ended with {process.returncode}: {log[-500:]}")
    return [told_in(folder / str(number) / "told_stats.csv") for number in range(len(populations))]


def _start(stack: ExitStack, population: Population, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    server = stack.enter_context(stalling_server(folder / "sandbox.log"))
    users = str(population.users)
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).parents[1] / "clients" / "paced.py")]
    command += ["--headless", "--only-summary", "--users", users, "--spawn-rate", users]
    command += ["--run-time", f"{LENGTH_S:g}s", "--host", server.root, "--csv", str(folder / "told")]
    wait = ("STALL_PACE_S", population.pace_s) if population.pace_s else ("STALL_THINK_S", THINK_S)
    env = {**os.environ, "STALL_PATH": server.path, wait[0]: f"{wait[1]:g}"}
    with (folder / "locust.log").open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def told_in(table: Path) -> Told:
    """What `--csv` says of all requests together, up to a second before the end.

    Raises RuntimeError where requests failed: their times are not those of answers.
    """
    with table.open(newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    if int(row["Failure Count"]):
        raise RuntimeError(f"{row['Failure Count']} requests of Locust failed: {table}")
    p50_ms, p95_ms, p99_ms, max_ms = (float(row[name]) for name in ("50%", "95%", "99%", "100%"))
    return Told(p50_ms, p95_ms, p99_ms, max_ms, int(row["Request Count"]))
