"""A web server on loopback that answers as a test tells it, and the sandbox, alone or behind a relay that tampers."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from harness.control import ControlClient, clean_up, parse_target, read_capabilities
from harness.scenario import load_scenario, resolve
from harness.scenario.model import RunSpec

SMALL = ("templates.clinic.peak=8", "templates.clinic.patients=6")
Answer = tuple[int, dict[str, str], bytes]
Respond = Callable[[str, str, bytes], Answer]


class AnsweringServer(ThreadingHTTPServer):
    """Answers with what `respond(method, path, body)` gives and keeps what was asked."""

    daemon_threads = True
    respond: Respond

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.headers_seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/fhir"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer: two would wait 40 ms for each other
    disable_nagle_algorithm = True

    def answer(self) -> None:
        assert isinstance(self.server, AnsweringServer)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path))
        self.server.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        status, headers, content = self.server.respond(self.command, self.path, body)
        if status == 0:  # gone without a word
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 (the names that http.server looks for)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def finish(self) -> None:
        if not self.close_connection or not self.wfile.closed:
            with contextlib.suppress(OSError):  # the test's answer was to hang up
                super().finish()


def fhir_json(content: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": "application/fhir+json", **named}, json.dumps(content).encode()


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    yield from _serving("127.0.0.1")


@pytest.fixture
def ipv6_server() -> Iterator[AnsweringServer]:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    yield from _serving("::1")


def _serving(host: str) -> Iterator[AnsweringServer]:
    with AnsweringServer(host) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def as_fhir() -> Callable[..., Answer]:
    return fhir_json


@contextlib.contextmanager
def running_sandbox() -> Iterator[str]:
    """The sandbox in a process of its own."""
    command = [sys.executable, "-m", "harness.cli", "sandbox", "--end-with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture(scope="session")
def other_sandbox() -> Iterator[str]:
    """A second server."""
    with running_sandbox() as url:
        yield url


@pytest.fixture
def empty_sandbox(sandbox_url: str) -> str:
    """The sandbox with nothing of ours in it."""
    with ControlClient(parse_target(sandbox_url)) as client:
        assert clean_up(client, read_capabilities(client)).complete
    return sandbox_url


@pytest.fixture
def relay(server: AnsweringServer, empty_sandbox: str) -> Iterator[AnsweringServer]:
    """A server that hands everything on to the sandbox; a test may set `tamper(method, path, body, answer)`."""
    onward = httpx.Client(trust_env=False)
    base = empty_sandbox.removesuffix("/fhir")

    def respond(method: str, path: str, body: bytes) -> Answer:
        headers = {"Content-Type": "application/fhir+json"} if body else {}
        got = onward.request(method, base + path, content=body, headers=headers)
        answer = (got.status_code, {"Content-Type": got.headers.get("content-type", "")}, got.content)
        tamper: Callable[[str, str, bytes, Answer], Answer] | None = getattr(server, "tamper", None)
        return tamper(method, path, body, answer) if tamper else answer

    server.respond = respond
    with onward:
        yield server


@pytest.fixture(scope="session")
def spec() -> RunSpec:
    """Two sites of 8 clinicians and 6 patients."""
    return resolve(load_scenario("morning-rush", SMALL), sites=2, seed=7)
