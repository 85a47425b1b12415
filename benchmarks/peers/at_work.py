"""One tool at work on a server, on the second core, watched from outside; it ends by itself.

start ── begun ── connected ══════ measured ══════ ── ended, every check held
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from benchmarks.peers.process_tree import ProcessTree
from benchmarks.peers.tool import Load, Tool
from benchmarks.web_server import on_core

__all__ = ["Counting", "at_work"]

CONNECTED_WITHIN_S: Final = 180.0
ENDED_WITHIN_S: Final = 120.0
"""After its load; emrload writes a report of some millions of requests."""
LOOK_EVERY_S: Final = 0.05
_LAST_WORDS: Final = 1000


class Counting(Protocol):
    """A server that counts by itself."""

    def requests(self) -> int:
        """Those of the load that were answered so far."""

    def connections(self) -> int:
        """Those that are open now."""


@contextmanager
def at_work(tool: Tool, load: Load, server: Counting, folder: Path, connected: int) -> Iterator[ProcessTree]:
    """The tool doing this load, once so many connections are open; the block ends before its load does.

    Raises RuntimeError with what it said where it does not come so far, ends badly, or recorded something else than
    the server.
    """
    folder.mkdir(parents=True)
    log = folder / "log"
    start = tool.start(load, folder)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            start.command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd=folder,
            env={**os.environ, **start.env},
            preexec_fn=_settle_down,
        )
    try:
        _wait(lambda: tool.has_begun(folder), tool, process, log, "has not begun")
        before = server.requests()
        _wait(lambda: server.connections() >= connected, tool, process, log, f"has not opened {connected} connections")
        yield ProcessTree(process.pid)
        try:
            process.wait(load.lasts_s + ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise _failure(tool, "does not end", log) from None
        if process.returncode not in tool.ends_with:
            raise _failure(tool, f"ended with {process.returncode}", log)
        tool.judge(folder, server.requests() - before)
    finally:
        process.kill()
        process.wait()


def _settle_down() -> None:
    """On the second core before it counts the cores that it has, and with as many connections as the system allows."""
    on_core(os.getpid(), 1)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _wait(so: Callable[[], bool], tool: Tool, process: subprocess.Popen[bytes], log: Path, what: str) -> None:
    given_up = time.monotonic() + CONNECTED_WITHIN_S
    while time.monotonic() < given_up and process.poll() is None:
        if so():
            return
        time.sleep(LOOK_EVERY_S)
    raise _failure(tool, f"{what} after {CONNECTED_WITHIN_S:g} s" if process.poll() is None else "ended early", log)


def _failure(tool: Tool, what: str, log: Path) -> RuntimeError:
    return RuntimeError(f"{tool.name} {what}: {log.read_text(errors='replace')[-_LAST_WORDS:].strip()}")
