"""Close TCP connections that this process has accepted on its port, as a dying server would.

granian keeps its connections to itself, so they are found among the process's open files (/dev/fd, on Linux and macOS).
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from pathlib import Path

__all__ = ["drop_connections"]

_OPEN_FILES = Path("/dev/fd")
_CLOSE_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: what is still to be sent is thrown away


def drop_connections(port: int, client_port: int | None = None) -> int:
    """Shut down the connections to the local `port`, or only the one from `client_port`; returns how many.

    Listening sockets stay as they are.
    """
    return sum(_drop(int(name), port, client_port) for name in [entry.name for entry in _OPEN_FILES.iterdir()])


def _drop(descriptor: int, port: int, client_port: int | None) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        copied = os.dup(descriptor)
    except OSError:
        return False  # closed since it was listed
    try:
        connection = socket.socket(fileno=copied)
    except OSError:
        os.close(copied)
        return False
    with connection:
        if connection.type != socket.SOCK_STREAM or connection.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        try:
            peer_port = connection.getpeername()[1]
            if connection.getsockname()[1] != port or client_port not in (None, peer_port):
                return False
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False  # listening, or closed by its client in this moment
    return True
