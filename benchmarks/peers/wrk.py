"""wrk: the yardstick. It writes bytes, counts answers, and looks at nothing but their status."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.peers.tool import Load, Start, Tool, found, told_version

__all__ = ["TOOL"]

SCRIPT: Final = Path(__file__).parent / "wrk" / "load.lua"


def version() -> str | None:
    wrk = found("wrk")
    return wrk and told_version([wrk, "--version"], r"wrk (?:debian/)?([\w.]+)")


def start(load: Load, _: Path) -> Start:
    command = [found("wrk") or "wrk", "--threads", "1", "--connections", str(load.users)]
    command += ["--duration", f"{load.lasts_s}s", "--script", str(SCRIPT), load.url]
    return Start(command, {"BENCH_REQUESTS": str(load.workload.lines(load.kind))})


TOOL: Final = Tool("wrk", "sh benchmarks/peers/get.sh wrk", frozenset({"bundle", "review"}), version, start)
