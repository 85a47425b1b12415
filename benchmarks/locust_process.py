"""One Locust process at work on the web server, watched from outside.

Its CPU and memory are told by the system, its requests by nginx.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.web_server import WebServer, on_core

__all__ = ["at_work"]

CONNECTED_WITHIN_S = 30.0
ENDED_WITHIN_S = 15.0


@contextmanager
def at_work(client: str, server: WebServer, users: int, folder: Path, **settings: str) -> Iterator[psutil.Process]:
    """A Locust process with `users` users of `benchmarks/clients/<client>.py`, all connected; it ends with the block.

    Raises RuntimeError with its log where it does not come so far or ends badly.
    """
    folder.mkdir(parents=True)
    log = folder / "locust.log"
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("clients") / f"{client}.py")]
    command += [
        "--headless",
        "--only-summary",
        "--users",
        str(users),
        "--spawn-rate",
        str(users),
        "--stop-timeout",
        "5",
    ]
    command += ["--host", server.url, "--loglevel", "ERROR"]
    with log.open("wb") as sink:
        env = {**os.environ, **settings, "BENCH_FOLDER": str(folder)}
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env)
    try:
        on_core(process.pid, 1)
        _wait_until_connected(process, server, users, log)
        yield psutil.Process(process.pid)
        process.terminate()
        if process.wait(ENDED_WITHIN_S) not in (0, 1):  # 1: Locust's own judgement on failed requests
            raise RuntimeError(f"{client} ended with {process.returncode}: {log.read_text()[-500:]}")
    finally:
        process.kill()
        process.wait()


def _wait_until_connected(process: subprocess.Popen[bytes], server: WebServer, users: int, log: Path) -> None:
    given_up = time.monotonic() + CONNECTED_WITHIN_S
    while time.monotonic() < given_up:
        if process.poll() is not None:
            break
        if server.connections() >= users:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{users} users are not connected after {CONNECTED_WITHIN_S:g} s: {log.read_text()[-500:]}")
