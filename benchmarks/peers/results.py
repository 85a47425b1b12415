"""What was measured last, kept in `benchmarks/results/latest.json`: each part with its date, machine and versions.

{"requests": {"date": …, "machine": {…}, "effort": {…}, "versions": {tool: text}, "figures": {…}}, "memory": …}
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.peers.tools import TOOLS

__all__ = ["LATEST", "Part", "keep", "latest", "machine", "now", "versions"]

LATEST: Final = Path(__file__).parents[1] / "results" / "latest.json"


@dataclass(frozen=True)
class Part:
    """What was measured in one go. `figures` is name → tool → what it had in each round."""

    date: str
    """UTC, RFC 3339 to the minute."""
    machine: Mapping[str, Any]
    """`cpu`, `cores`, `kernel`, `python`, and the `load` before."""
    effort: str
    """How often and for how long, in words."""
    versions: Mapping[str, str | None]
    """None where a tool is not installed."""
    figures: Mapping[str, Mapping[str, Sequence[float]]]

    def median(self, name: str, tool: str) -> float | None:
        """None where the tool was not measured so."""
        rounds = self.figures.get(name, {}).get(tool)
        return median(rounds) if rounds else None


def machine() -> dict[str, Any]:
    """This machine, and how busy it is now: asked before anything is measured."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "kernel": platform.release().partition("-")[0],
        "python": _python(),
        "load": round(os.getloadavg()[0], 2),
    }


def _python() -> str:
    """Those of the system's packages are built with profile-guided optimisation, others seldom; Python cannot tell."""
    version = platform.python_version()
    return f"the system's {version}" if sys.base_prefix == "/usr" else version


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="minutes")


def versions() -> dict[str, str | None]:
    """Of all tools; None where one is not installed."""
    return {tool.name: tool.version() for tool in TOOLS}


def latest(path: Path = LATEST) -> dict[str, Part]:
    """Part by name; empty where nothing was ever kept."""
    if not path.exists():
        return {}
    return {name: Part(**part) for name, part in json.loads(path.read_bytes()).items()}


def keep(name: str, part: Part, path: Path = LATEST) -> None:
    """In the place of what was measured of that name before."""
    path.parent.mkdir(exist_ok=True)
    parts = {**latest(path), name: part}
    path.write_text(json.dumps({name: vars(one) for name, one in sorted(parts.items())}, indent=1) + "\n")


def _cpu() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
