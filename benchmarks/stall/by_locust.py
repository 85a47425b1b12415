"""The stall in Locust's own statistics: its users as its documentation has them, three populations side by side.

What it says is read from `--csv`, as somebody would who uses plain Locust.
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

__all__ = ["POPULATIONS", "Population", "measure"]


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
    """Play all of them, each against a server of its own. Raises RuntimeError with its log where one ends badly."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        processes = [_start(stack, population, folder / str(number)) for number, population in enumerate(populations)]
        for number, process in enumerate(processes):
            if process.wait():
                log = (folder / str(number) / "locust.log").read_text()
                raise RuntimeError(f"Locust ended with {process.returncode}: {log[-500:]}")
    return [_told(population, folder / str(number)) for number, population in enumerate(populations)]


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


def _told(population: Population, folder: Path) -> Told:
    with (folder / "told_stats.csv").open(newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    if int(row["Failure Count"]):
        raise RuntimeError(f"{row['Failure Count']} requests of Locust failed: {folder}")
    sent = int(row["Request Count"])
    due = round(RATE_PER_S * LENGTH_S) if population.pace_s else None
    times = (float(row[name]) for name in ("50%", "95%", "99%", "100%"))
    return Told(*times, sent, None if due is None else max(0, due - sent))
