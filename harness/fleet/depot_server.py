"""The depot over HTTP: reads a request, asks whether its signature is right, and gives the depot's answer, signed.

    GET  /clock                    when it was received and answered
    POST /join /ready /sync /offer /leave          a JSON object there and back
    GET  /plan/NAME                a file of the hand-over
    POST /piece/NAME?offset=N      bytes of a file

A thread a connection, of which each worker has one; none outlives the server. Nothing of what is refused is told to
whoever does not know the secret.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

from harness.errors import InputError, Problem
from harness.fleet.depot import Depot
from harness.fleet.refusal import Refused
from harness.fleet.signature import ELSEWHERE, NONCE_HEADER, SIGNATURE_HEADER, WORKER_HEADER, Gate, Secret, sign_answer

__all__ = ["LARGEST_BODY_BYTES", "DepotServer"]

LARGEST_BODY_BYTES: Final = 8 << 20
IDLE_S: Final = 30.0
"""A connection on which nothing comes for so long is closed: one whose line was cut must not keep its thread."""
LOOK_EVERY_S: Final = 0.1
"""Whether it should end."""

Answer = tuple[int, bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    disable_nagle_algorithm = True
    wbufsize = -1
    """Head and body in one packet, or the answer waits for the other side's delayed acknowledgement."""

    def parse_request(self) -> bool:
        self.received_s = time.time()
        return super().parse_request()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        server = cast("_Server", self.server)
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY_BYTES:
            self.close_connection = True
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"{}", server.secret)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # it hung up
            self.close_connection = True
            return
        with server.gate_lock:
            refusal = server.gate.refuses(self.command, self.path, self.headers, body)  # type: ignore[arg-type]  # str in, str out
        if refusal is not None:
            told = {"refused": refusal, "why": ""}
            if refusal == ELSEWHERE:  # it is signed: whoever made it may know whom to make it for
                told["leader"] = server.gate.leader
            else:
                server.depot.count_refusal(refusal, self._address)
            self._send(HTTPStatus.UNAUTHORIZED, json.dumps(told).encode(), server.secret)
            return
        self._send(*self._answer(server.depot, body), server.secret)

    def _answer(self, depot: Depot, body: bytes) -> Answer:
        worker = self.headers.get(WORKER_HEADER, "")
        parts = urlsplit(self.path)
        verb, _, name = unquote(parts.path).lstrip("/").partition("/")
        try:
            if self.command == "GET":
                return self._read(depot, worker, verb, name)
            if verb == "piece":
                offset = int(parse_qs(parts.query)["offset"][0])
                return _json(depot.piece(worker, name, offset, body))
            told = json.loads(body)
            if not isinstance(told, dict):
                raise TypeError("a body is a JSON object")
            tell: dict[str, Callable[[], dict[str, Any]]] = {
                "join": lambda: depot.join(worker, told, self._address),
                "ready": lambda: depot.ready(worker, told),
                "sync": lambda: depot.sync(worker, told),
                "offer": lambda: depot.offer(worker, told),
                "leave": lambda: depot.leave(worker, str(told.get("why", ""))),
            }
            return _json(tell[verb]())
        except Refused as refused:
            return _json({"refused": refused.kind, "why": str(refused)}, HTTPStatus.CONFLICT)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            depot.count_refusal("nonsense", self._address)
            return _json({"refused": "nonsense", "why": type(error).__name__}, HTTPStatus.BAD_REQUEST)
        except OSError as error:  # no room on the disk: the worker tries again
            return _json({"refused": "disk", "why": str(error)}, HTTPStatus.INSUFFICIENT_STORAGE)

    def _read(self, depot: Depot, worker: str, verb: str, name: str) -> Answer:
        if verb == "clock":
            return _json({"received_s": self.received_s, "sent_s": time.time()})
        if verb == "plan":
            return HTTPStatus.OK, depot.plan_file(worker, name)
        raise KeyError(verb)

    @property
    def _address(self) -> str:
        return str(self.client_address[0])

    def _send(self, status: int, body: bytes, secret: Secret) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(SIGNATURE_HEADER, sign_answer(secret, self.headers.get(NONCE_HEADER, ""), int(status), body))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads a log of requests; what is refused is counted and told."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    """Each is waited for at the end: whoever still answers could write what nobody judges any more."""
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], secret: Secret) -> None:
        self.secret = secret
        self.gate = Gate(secret, leader=secrets.token_hex(16))
        self.gate_lock = threading.Lock()
        self.depot: Depot
        self._lines: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._lines.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """On everybody, also in the middle of a word; no new line comes meanwhile."""
        for line in self._lines.copy():
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker whose line was cut is told by its silence; a traceback on the console tells nobody anything."""


class DepotServer:
    """Listens from its making on, answers inside its context, and nobody after it. `port` is the one it has, where 0
    was asked for.

    Raises InputError where the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, secret: Secret) -> None:
        try:
            self._server = _Server((host, port), secret)
        except OSError as error:
            what = f"cannot listen on {host}:{port}: {error.strerror or error}"
            help_text = "give an address of this machine, and a port that is free, such as --bind 10.0.0.1:5556"
            raise InputError(Problem(what, "--bind", help_text)) from error
        self.host, self.port = host, int(self._server.server_address[1])

    def serve(self, depot: Depot) -> DepotServer:
        """Answer for this depot, inside the context."""
        self._server.depot = depot
        return self

    def __enter__(self) -> DepotServer:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": LOOK_EVERY_S}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()  # which waits for the threads


def _json(told: dict[str, Any], status: int = HTTPStatus.OK) -> Answer:
    return status, json.dumps(told).encode()
