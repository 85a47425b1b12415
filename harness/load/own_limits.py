"""What keeps a request from being sent that is no doing of the target: this machine's own limits.

The samples call it `connection`, as anything that comes to no answer; beside them it is counted by its cause, so that
the verdict blames nobody else for it (docs/decisions/0024).
"""

from __future__ import annotations

import errno
import socket
from typing import Final

__all__ = ["own_limit", "own_limit_text"]

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
