"""A web server that notes when each request arrives, to the microsecond: lateness is measured where it matters.

It is one process with nothing but the standard library; a request is stamped when it is read, before it is answered.
"""

from __future__ import annotations

import re
import selectors
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from benchmarks.web_server import on_core

__all__ = ["StampingServer", "stamping_server"]

_HEAD_END: Final = b"\r\n\r\n"
_RECEIVE_BYTES: Final = 65_536
_BACKLOG: Final = 4096


@dataclass(frozen=True)
class StampingServer:
    """A running one. Its counts do not include those who ask for them."""

    url: str

    def requests(self) -> int:
        """Those for the Bundle."""
        return len(self.stamps_s())

    def connections(self) -> int:
        """It does not count them."""
        return 0

    def stamps_s(self) -> array[float]:
        """When each request for the Bundle arrived, on the system's monotonic clock, in their order."""
        with urlopen(f"{self.url}/stamps") as answer:
            return array("d", answer.read())


@contextmanager
def stamping_server(answers: Path) -> Iterator[StampingServer]:
    """Serves the Bundle of `answers` (benchmarks.peers.workload), the statement and the patients; on core 0."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        handle, port = listener.fileno(), listener.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.peers.stamping_server", str(handle), str(answers)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[handle])
    try:
        on_core(process.pid, 0)
        yield StampingServer(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def serve(listener: socket.socket, answers: Path) -> None:
    """Answer on all connections of `listener`, until killed. Requests have no body, and come in one piece."""
    stamps: array[float] = array("d")
    bundle = _answer((answers / "Observation-laboratory-1.json").read_bytes())
    others = {
        path.stem.rpartition("-")[2].encode(): _answer(path.read_bytes())
        for path in (answers / "metadata.json", *answers.glob("Patient-*.json"))
    }
    listener.setblocking(False)
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.data is None:
                    line, _address = listener.accept()
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    waiting.register(line, selectors.EVENT_READ, line)
                    continue
                asked = _read(key.data)
                now_s = time.monotonic()
                if asked.startswith(b"GET /fhir/Observation"):
                    stamps.extend([now_s] * asked.count(_HEAD_END))
                    key.data.sendall(bundle)
                elif asked.startswith(b"GET /stamps"):
                    key.data.sendall(_answer(stamps.tobytes()))
                elif asked:
                    key.data.sendall(others.get(_last_word(asked), _NOT_FOUND))
                else:
                    waiting.unregister(key.data)
                    key.data.close()


def _read(line: socket.socket) -> bytes:
    """b"" where the other end has left."""
    try:
        return line.recv(_RECEIVE_BYTES)
    except OSError:
        return b""


def _last_word(asked: bytes) -> bytes:
    """`metadata`, or the record number that a Patient is searched by."""
    target = asked.split(b" ", 2)[1]
    return re.split(rb"/|%7C|\|", target.partition(b"&")[0])[-1]


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def main() -> None:
    """`python -m benchmarks.peers.stamping_server DESCRIPTOR FOLDER`: of a listening socket, and of the answers."""
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        serve(listener, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
