"""What a clinician weighs who is connected and thinks: a load process with many of them, less one with a single one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.locust_process import at_work
from benchmarks.web_server import WebServer

__all__ = ["USERS", "Weights", "weigh"]

USERS: Final = 2000
SETTLED_S: Final = 1.0


@dataclass(frozen=True)
class Weights:
    """Resident memory a user in kB."""

    wire_kb: float
    fast_http_kb: float


def weigh(server: WebServer, folder: Path) -> Weights:
    return Weights(_a_user("wire", server, folder), _a_user("fast_http", server, folder))


def _a_user(client: str, server: WebServer, folder: Path) -> float:
    one, many = (_resident(client, server, users, folder / f"idle-{client}-{users}") for users in (1, USERS))
    return (many - one) / (USERS - 1) / 1024


def _resident(client: str, server: WebServer, users: int, folder: Path) -> int:
    with at_work(client, server, users, folder, BENCH_IDLE="1") as process:
        time.sleep(SETTLED_S)
        return int(process.memory_info().rss)
