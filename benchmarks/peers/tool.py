"""What a tool has to say to be measured: its version, how to get it, and how it is started for a load."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from benchmarks.peers.workload import Workload

__all__ = ["IN_A_ROW", "TOOLS_VARIABLE", "Kind", "Load", "Start", "Tool", "found", "settings", "told_version"]

Kind = Literal["bundle", "review", "connected", "on-duty", "arrivals"]
"""A closed loop on one Bundle, the same on chart reviews, people who ask once in 5 s, a health system
at work, and requests at a rate."""
TOOLS_VARIABLE: Final = "EMRLOAD_BENCH_TOOLS"
"""A folder that is looked into before the path."""
IN_A_ROW: Final = 100
"""So often everybody asks for the one Bundle before the tool chooses what comes next: what that costs is no part of
a request. Few enough that the slowest is through within seconds of the end of a load."""


@dataclass(frozen=True)
class Load:
    """What a tool is asked to do, all users beginning within `ramp_s`; it ends by itself after `lasts_s`."""

    kind: Kind
    url: str
    """Scheme, host and port."""
    workload: Workload
    lasts_s: int
    users: int = 0
    think_s: float = 0
    ramp_s: int = 0
    rate_per_s: int = 0
    spread: int = 0
    """emrload alone: over so many load processes, with sites enough for all of them; 0: one site, one process."""

    @property
    def in_a_row(self) -> int:
        """How often somebody asks in one workflow, iteration, transaction or task."""
        return IN_A_ROW if self.kind == "bundle" else 1


@dataclass(frozen=True)
class Start:
    """A command, and what stands in its environment beside what stands in ours."""

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


def _always(_: Path) -> bool:
    return True


def _nothing(_folder: Path, _answered: int) -> None:
    return


@dataclass(frozen=True)
class Tool:
    """`version` gives None where it is not installed; `install` is the command that mends that."""

    name: str
    install: str
    kinds: frozenset[Kind]
    version: Callable[[], str | None]
    start: Callable[[Load, Path], Start]
    """A load, and a folder of its own to write to."""
    warm_up_s: int = 4
    """From when all are connected; longer where code is compiled while it runs."""
    ends_with: frozenset[int] = frozenset({0})
    """Exit codes of a run in which every check held."""
    has_begun: Callable[[Path], bool] = _always
    """Whether all that it asks from now on is load; the folder is that of `start`."""
    judge: Callable[[Path, int], None] = _nothing
    """Given how many requests were answered since then. Raises RuntimeError where the tool's own records differ."""


def found(name: str) -> str | None:
    """Where a program is: in the folder of $EMRLOAD_BENCH_TOOLS, else on the path; None where it is not installed."""
    folder = os.environ.get(TOOLS_VARIABLE, "")
    return shutil.which(name, path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}" if folder else None)


def told_version(command: Sequence[str], pattern: str) -> str | None:
    """The first group of `pattern` in what a command says. Raises RuntimeError where it says nothing of the kind."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    match = re.search(pattern, done.stdout + done.stderr)
    if match is None:
        raise RuntimeError(f"{' '.join(command)} tells no version: {(done.stdout + done.stderr)[-200:]}")
    return match[1]


def settings(load: Load) -> dict[str, str]:
    """A load as the tools' scripts read it from their environment."""
    return {
        "BENCH_KIND": load.kind,
        "BENCH_URL": load.url,
        "BENCH_BUNDLE": str(load.workload.bundle),
        "BENCH_REVIEW": str(load.workload.review),
        "BENCH_IDENTIFIERS": str(load.workload.identifiers),
        "BENCH_USERS": str(load.users),
        "BENCH_RAMP_S": str(load.ramp_s),
        "BENCH_LASTS_S": str(load.lasts_s),
        "BENCH_THINK_S": str(load.think_s),
        "BENCH_RATE": str(load.rate_per_s),
        "BENCH_IN_A_ROW": str(load.in_a_row),
    }
