"""k6: one Go process, scripts in JavaScript, a virtual machine a user."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.peers.tool import Load, Start, Tool, found, settings, told_version

__all__ = ["INSTALL", "TOOL", "k6_path"]

SCRIPT: Final = Path(__file__).parent / "k6" / "load.js"
INSTALL: Final = "sh benchmarks/peers/get.sh k6"


def k6_path() -> str | None:
    """Where k6 is; None where it is not installed."""
    return found("k6")


def version() -> str | None:
    k6 = k6_path()
    return k6 and told_version([k6, "version"], r"k6(?:\.exe)? v([\w.]+)")


def start(load: Load, _: Path) -> Start:
    command = [k6_path() or "k6", "run", "--quiet", "--no-color", "--no-usage-report", "--address", "", str(SCRIPT)]
    return Start(command, settings(load))


TOOL: Final = Tool("k6", INSTALL, frozenset({"bundle", "review", "connected", "arrivals"}), version, start)
