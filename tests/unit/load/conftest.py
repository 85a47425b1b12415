"""A server that does exactly what a test writes down, byte by byte, in a thread of its own; and the load's modules
imported without Locust patching the process that runs the tests."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

# `import locust` would patch this whole process; the code under test asks gevent itself for whatever may block
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
import locust.runners  # noqa: F401 (imported for its side effect, here and never again)

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]

from harness.control import ControlClient, parse_target, seed_sites
from harness.control.metadata import read_capabilities
from harness.fleet import SandboxProcess
from harness.scenario import load_scenario, resolve
from harness.scenario.model import RunSpec

QUICK = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")
HEAD_END = b"\r\n\r\n"


class Line:
    """The server's end of one connection."""

    def __init__(self, line: socket.socket, requests: list[bytes]) -> None:
        self._line = line
        self._requests = requests

    def request(self) -> bytes:
        """Read one request, its body included."""
        data = b""
        while HEAD_END not in data:
            data += self._read()
        head, _, body = data.partition(HEAD_END)
        length = next(
            (int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += self._read()
        self._requests.append(head + HEAD_END + body)
        return self._requests[-1]

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def answer(self, data: bytes) -> None:
        self.request()
        self.send(data)

    def wait_until_left(self) -> None:
        """Until the client hangs up."""
        with suppress(OSError):
            while self._line.recv(65536):
                pass

    def close(self) -> None:
        self._line.close()

    def reset(self) -> None:
        """Hang up the hard way: RST."""
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._line.close()

    def _read(self) -> bytes:
        data = self._line.recv(65536)
        if not data:
            raise ConnectionError("the client left in the middle of a request")
        return data


Script = Callable[[Line], None]


class ScriptedServer:
    """Plays one script a connection, in the order they come; `requests` is what it was sent."""

    def __init__(self, scripts: tuple[Script, ...], wrap: Callable[[socket.socket], socket.socket]) -> None:
        self.requests: list[bytes] = []
        self.failures: list[BaseException] = []
        self._wrap = wrap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/fhir"
        self._thread = threading.Thread(target=self._play, args=(scripts,), daemon=True)
        self._thread.start()

    def _play(self, scripts: tuple[Script, ...]) -> None:
        for script in scripts:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return  # the test needed fewer
            raw.settimeout(60)
            try:
                with self._wrap(raw) as line:
                    script(Line(line, self.requests))
            except (OSError, ValueError) as failure:
                self.failures.append(failure)
            finally:
                raw.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(60)


Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that plays these scripts: `serve(lambda line: line.answer(b"HTTP/1.1 204 No Content…"))`."""
    servers: list[ScriptedServer] = []

    def start(*scripts: Script, wrap: Callable[[socket.socket], socket.socket] = lambda raw: raw) -> ScriptedServer:
        servers.append(ScriptedServer(scripts, wrap))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def full_house() -> Iterator[int]:
    """The port of a listener that takes nobody in any more: its queue is full, further connections just hang."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for one in (*waiting, listener):
        one.close()


@pytest.fixture
def refusing_port() -> Iterator[int]:
    with socket.socket() as holder:  # bound, so that nobody else takes it; not listening, so that it refuses
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="session")
def spec() -> RunSpec:
    return resolve(load_scenario(QUICK, ()), sites=2, seed=5, duration_s=30.0)


@pytest.fixture(scope="session")
def seeded(spec: RunSpec, tmp_path_factory) -> Iterator[str]:
    """A sandbox that holds the people of the quick rush."""
    with SandboxProcess(tmp_path_factory.mktemp("sandbox") / "sandbox.log") as sandbox:
        with ControlClient(parse_target(sandbox.url)) as client:
            seed_sites(client, read_capabilities(client), spec)
        yield sandbox.url
