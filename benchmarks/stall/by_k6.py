"""The stall as k6 tells it: a constant arrival rate with few VUs and with enough of them, and people who think.

What it says is read from its summary export.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.stall.servers import stalling_server
from benchmarks.stall.truths import LENGTH_S, PEOPLE, RATE_PER_S, THINK_S, Told

__all__ = ["SCRIPTS", "Script", "measure", "told_in"]


@dataclass(frozen=True)
class Script:
    """One way of running `benchmarks/clients/stall.js`. `truth` names the case of theory."""

    what: str
    vus: int
    truth: str
    thinks: bool = False


SCRIPTS: Final = (
    Script("constant-arrival-rate, 50 VUs", 50, "open"),
    Script("constant-arrival-rate, 700 VUs", 700, "open"),
    Script("constant-vus, 500 VUs that sleep", PEOPLE, "closed, exponential", thinks=True),
)


def measure(k6: str, folder: Path, scripts: Sequence[Script] = SCRIPTS) -> list[Told]:
    """Play all of them, each against a server of its own. Raises RuntimeError with its log where one ends badly."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        processes = [_start(stack, k6, script, folder / str(number)) for number, script in enumerate(scripts)]
        for number, process in enumerate(processes):
            if process.wait():
                log = (folder / str(number) / "k6.log").read_text()
                raise RuntimeError(f"k6 ended with {process.returncode}: {log[-500:]}")
    return [
        told_in(folder / str(number) / "told.json", counts_dropped=not script.thinks)
        for number, script in enumerate(scripts)
    ]


def _start(stack: ExitStack, k6: str, script: Script, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    server = stack.enter_context(stalling_server(folder / "sandbox.log"))
    command = [k6, "run", "--quiet", "--no-color", "--summary-export", str(folder / "told.json")]
    command.append(str(Path(__file__).parents[1] / "clients" / "stall.js"))
    env = {
        **os.environ,
        "K6_NO_USAGE_REPORT": "true",
        "STALL_URL": server.root + server.path,
        "STALL_LENGTH": f"{LENGTH_S:g}s",
        "STALL_RATE": str(RATE_PER_S),
        "STALL_VUS": str(script.vus),
        "STALL_THINK_S": f"{THINK_S:g}" if script.thinks else "0",
    }
    with (folder / "k6.log").open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def told_in(export: Path, *, counts_dropped: bool) -> Told:
    """What a summary export says. k6 leaves `dropped_iterations` out where there are none.

    Raises RuntimeError where requests failed: their times are not those of answers.
    """
    metrics = json.loads(export.read_bytes())["metrics"]
    if failed := metrics["http_req_failed"]["value"]:
        raise RuntimeError(f"{failed:.1%} of the requests of k6 failed: {export}")
    p50_ms, p95_ms, p99_ms, max_ms = (metrics["http_req_duration"][name] for name in ("med", "p(95)", "p(99)", "max"))
    dropped = metrics.get("dropped_iterations", {"count": 0})["count"] if counts_dropped else None
    return Told(p50_ms, p95_ms, p99_ms, max_ms, metrics["http_reqs"]["count"], dropped)
