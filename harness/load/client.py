"""A lean HTTP/1.1 client for the hot path: one gevent socket a clinician, llhttp for parsing, nothing in between.

    exchange(request bytes) ──▶ send ──▶ recv … recv ──▶ Exchange(status, headers, body, times)

Keep-alive, chunked and gzip answers, TLS through one shared verifying context, a bound on connecting and one on the
whole answer, no redirects. It only tells what came over the wire; whether that is good is judged elsewhere.
"""

from __future__ import annotations

import math
import socket
import ssl
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

import gevent
from gevent import monkey
from gevent import socket as gsocket
from gevent.ssl import SSLContext

from harness.load.answer import MAX_ANSWER_BYTES, AnswerParser, BadAnswer, Headers
from harness.load.endpoint import Endpoint

__all__ = ["Connection", "Endpoint", "Exchange", "ExchangeFailed", "shared_tls_context"]

_RECEIVE_BYTES: Final = 65_536
_IDLE_S: Final = 0.5
"""Servers hang up on lines that are idle; after this long it is worth a look before sending into the void."""
_poll = monkey.get_original("select", "poll")  # asked without waiting, so the real one does not stall the loop
_POLLIN, _POLLERR, _POLLHUP = 0x001, 0x008, 0x010
_READABLE: Final = _POLLIN | _POLLERR | _POLLHUP


FailureReason = Literal["timeout", "connection", "cancelled"]


class ExchangeFailed(Exception):  # noqa: N818 (what happened on the line, not a fault of the program)
    """No whole answer came.

    `reason` is `timeout`, `connection`, or `cancelled` (the caller's patience ended before the bound on answers did).
    `hung_up`: a kept line closed before one byte of an answer came.
    """

    def __init__(self, reason: FailureReason, detail: str, *, hung_up: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hung_up = hung_up


@dataclass(slots=True)
class Exchange:
    """One answer. Times in seconds from the start of the exchange; `connect_s` is 0 on a reused connection."""

    status: int
    headers: Headers
    body: bytes
    connect_s: float
    ttfb_s: float
    total_s: float
    reused: bool
    bytes_received: int


_tls_context: ssl.SSLContext | None = None


def shared_tls_context() -> ssl.SSLContext:
    """One verifying context for all: a context of its own costs a clinician 821 kB and 28 ms."""
    global _tls_context
    if _tls_context is None:
        _tls_context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
        _tls_context.load_default_certs()
    return _tls_context


class Connection:
    """A clinician's line to the target: opened when needed, kept, opened again when the server closed it."""

    __slots__ = ("_connect_timeout_s", "_endpoint", "_last_use", "_received", "_socket")

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._socket: gsocket.socket | None = None
        self._last_use = 0.0
        self._received = 0
        """Bytes of the answer under way."""

    def exchange(self, request: bytes, answer_timeout_s: float, give_up_s: float = math.inf) -> Exchange:
        """Send `request`, read the whole answer; after `give_up_s` in all, connecting included, it is cancelled.

        Raises ExchangeFailed; the connection is closed then and opened again by the next exchange.
        """
        started = perf_counter()
        if self._socket is not None and started - self._last_use > _IDLE_S and self._closed_while_idle():
            self.close()
        reused = self._socket is not None
        connect_s = 0.0
        if not reused:
            self._connect(give_up_s)
            connect_s = perf_counter() - started
            give_up_s -= connect_s
        self._received = 0
        timer = gevent.Timeout(max(min(answer_timeout_s, give_up_s), 0.001))
        timer.start()
        try:
            return self._converse(request, started, connect_s, reused)
        except gevent.Timeout as timeout:
            if timeout is not timer:
                raise
            raise _out_of_time("no whole answer", answer_timeout_s, give_up_s) from None
        except (OSError, BadAnswer) as error:
            hung_up = reused and not self._received
            raise ExchangeFailed("connection", _describe(error), hung_up=hung_up) from error
        finally:
            timer.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _closed_while_idle(self) -> bool:
        """Whether the server has hung up since the last answer: a readable idle line holds a good-bye, or nonsense."""
        assert self._socket is not None  # noqa: S101 (the caller looked)
        look = _poll()
        look.register(self._socket.fileno(), _READABLE)
        return bool(look.poll(0))

    def _connect(self, give_up_s: float) -> None:
        endpoint = self._endpoint
        # not an OSError: trying a host's addresses one after the other, that would only end the first try
        timer = gevent.Timeout(max(min(self._connect_timeout_s, give_up_s), 0.001))
        timer.start()
        try:
            line = _open(endpoint.host, endpoint.port)
            self._socket = _wrap(line, endpoint.host) if endpoint.tls else line
        except gevent.Timeout as timeout:
            if timeout is not timer:
                raise
            raise _out_of_time("no connection", self._connect_timeout_s, give_up_s) from None
        except OSError as error:
            raise ExchangeFailed("connection", _describe(error)) from error
        finally:
            timer.close()

    def _converse(self, request: bytes, started: float, connect_s: float, reused: bool) -> Exchange:
        line = self._socket
        assert line is not None  # noqa: S101 (exchange() connects first)
        whole = False
        try:
            intact = _send(line, request)
            parsing = AnswerParser(head_only=request.startswith(b"HEAD "))
            feed, receive = parsing.feed, line.recv
            ttfb_s = 0.0
            while not parsing.complete:
                data = receive(_RECEIVE_BYTES)
                if not self._received:
                    ttfb_s = perf_counter() - started
                if not data:
                    parsing.end_of_stream()
                    break
                self._received += len(data)
                if self._received > MAX_ANSWER_BYTES:
                    raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES // 1024 // 1024} MB")
                feed(data)
            body = parsing.body()
            whole = parsing.keep_alive and intact
        finally:
            if not whole:
                self.close()
        self._last_use = perf_counter()
        headers, total_s = Headers(parsing.headers), self._last_use - started
        return Exchange(parsing.status, headers, body, connect_s, ttfb_s, total_s, reused, self._received)


def _send(line: gsocket.socket, request: bytes) -> bool:
    """Whether all of it went out. A server may answer and close before it has read a large body: the answer counts."""
    try:
        sent = line.send(request)
        if sent < len(request):
            line.sendall(memoryview(request)[sent:])
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _open(host: str, port: int) -> gsocket.socket:
    """A connected socket to the first of the host's addresses that takes it. Raises OSError where none does."""
    refusal = OSError("the host has no address")
    for family, kind, protocol, _, address in gsocket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        line = gsocket.socket(family, kind, protocol)
        try:
            line.connect(address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            line.close()
            refusal = error
        except BaseException:  # out of time: nobody else would close it
            line.close()
            raise
        else:
            return line
    raise refusal


def _wrap(line: gsocket.socket, host: str) -> gsocket.socket:
    try:
        wrapped: gsocket.socket = shared_tls_context().wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise
    return wrapped


def _out_of_time(what: str, bound_s: float, give_up_s: float) -> ExchangeFailed:
    if give_up_s < bound_s:
        return ExchangeFailed("cancelled", f"{what} before the clinician's time was over")
    return ExchangeFailed("timeout", f"{what} within {bound_s:g} s")


def _describe(error: BaseException) -> str:
    """What went wrong on the line, without addresses or content."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
