"""What keeps a request from being sent that is no doing of the target: this machine's own limits.

The samples call it `connection`, as anything that comes to no answer; beside them it is counted by its cause, so that
the verdict blames nobody else for it (docs/decisions/0024).
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, Final

import gevent

__all__ = ["hear_of_memory", "own_limit", "own_limit_text"]

_LIMIT_OF: Final = {
    errno.EMFILE: "descriptors",
    errno.ENFILE: "descriptors",
    errno.EADDRNOTAVAIL: "ports",
    errno.EADDRINUSE: "ports",
    errno.ENOMEM: "memory",
    errno.ENOBUFS: "memory",
}
_TEXT: Final = {
    "descriptors": "this machine has no file descriptor left for a connection",
    "ports": "this machine has no local address for a connection",
    "memory": "this machine has no memory left for a connection",
    "names": "the target's name cannot be resolved from this machine",
}


def own_limit(error: BaseException) -> str:
    """`descriptors`, `ports`, `memory` or `names` where it is this machine that cannot; "" for anything else."""
    if isinstance(error, socket.gaierror):
        return "names"
    return _LIMIT_OF.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def own_limit_text(limit: str, error: BaseException) -> str:
    """What happened, with the system's own words."""
    return f"{_TEXT[limit]} ({error.strerror if isinstance(error, OSError) else error})"


def hear_of_memory(told: Callable[[], None]) -> Callable[[], None]:
    """Have `told` called where any greenlet, Locust's own included, finds no memory; gives what ends the hearing."""
    hub: Any = gevent.get_hub()
    handled = hub.handle_error

    def handle(context: object, kind: Any, value: object, trace: object) -> None:
        if isinstance(kind, type) and issubclass(kind, MemoryError):
            told()
        handled(context, kind, value, trace)

    hub.handle_error = handle
    return lambda: setattr(hub, "handle_error", handled)
