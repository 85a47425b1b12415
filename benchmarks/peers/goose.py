"""goose: Rust on tokio and reqwest; a load test is a program of its own, built by whoever installs it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from benchmarks.peers.tool import Load, Start, Tool, found, settings

__all__ = ["TOOL"]

CRATE: Final = Path(__file__).parent / "goose" / "Cargo.toml"
INSTALL: Final = "sh benchmarks/peers/get.sh goose"


def version() -> str | None:
    """Of the crate that the program is built from, which is pinned."""
    return _pinned(CRATE) if found("goose-load") else None


def start(load: Load, _: Path) -> Start:
    rate = load.users // load.ramp_s if load.ramp_s else load.users
    command = [found("goose-load") or "goose-load", "--host", load.url, "--users", str(load.users)]
    command += ["--increase-rate", str(rate), "--run-time", f"{load.lasts_s}s", "--no-reset-metrics", "--quiet"]
    return Start([*command, "--no-telnet"], settings(load))


def _pinned(manifest: Path) -> str:
    return str(tomllib.loads(manifest.read_text())["dependencies"]["goose"]).removeprefix("=")


TOOL: Final = Tool("goose", INSTALL, frozenset({"bundle", "review", "connected"}), version, start)
