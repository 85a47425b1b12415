"""Plain Locust: its own two kinds of user, `FastHttpUser` (geventhttpclient) and `HttpUser` (requests).

Bodies are looked through as `text`, as Locust's documentation does; one more looks through their bytes.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Final

from benchmarks.peers.tool import Kind, Load, Start, Tool, settings

__all__ = ["BYTES", "FAST", "PLAIN"]

LOCUSTFILE: Final = Path(__file__).parent / "locust" / "load.py"


def version() -> str:
    return f"Locust {installed_version('locust')}"


def _start(load: Load, user: str) -> Start:
    rate = load.users / load.ramp_s if load.ramp_s else load.users
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), user, "--headless", "--only-summary"]
    command += ["--users", str(load.users), "--spawn-rate", f"{rate:g}", "--run-time", f"{load.lasts_s}s"]
    command += ["--host", load.url, "--loglevel", "ERROR"]
    return Start(command, settings(load))


def _tool(name: str, user: str, kinds: frozenset[Kind]) -> Tool:
    return Tool(name, "make setup", kinds, version, lambda load, _: _start(load, user))


_REQUESTS: Final[frozenset[Kind]] = frozenset({"bundle", "review"})
FAST: Final = _tool("FastHttpUser", "FastHttpUser", _REQUESTS | {"connected"})
BYTES: Final = _tool("FastHttpUser, bytes", "FastHttpUserOfBytes", _REQUESTS)
PLAIN: Final = _tool("HttpUser", "HttpUser", _REQUESTS | {"connected"})
