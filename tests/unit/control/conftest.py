"""A web server on loopback that answers as a test tells it, and a FHIR server small enough to see through."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = tuple[int, dict[str, str], bytes]
Respond = Callable[[str, str, bytes], Answer]


class AnsweringServer(ThreadingHTTPServer):
    """Answers with what `respond(method, path, body)` gives and keeps what was asked."""

    daemon_threads = True
    respond: Respond

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.headers_seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/fhir"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

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
    with AnsweringServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def as_fhir() -> Callable[..., Answer]:
    return fhir_json
