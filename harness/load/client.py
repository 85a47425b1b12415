"""A lean HTTP/1.1 client for the hot path: one gevent socket a clinician, llhttp for parsing, nothing in between.

    exchange(request bytes) ──▶ sendall ──▶ recv … recv ──▶ Exchange(status, headers, body, times)

Keep-alive, chunked and gzip answers, TLS through one shared verifying context, a bound on connecting and one on the whole answer, no
redirects. It only tells what came over the wire; whether that is good is judged elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import gevent
import httptools
from gevent import monkey
from gevent import socket as gsocket

__all__ = ["Connection", "Endpoint", "Exchange", "ExchangeFailed", "shared_tls_context"]

_RECEIVE_BYTES: Final = 65_536
_IDLE_S: Final = 0.5
"""Servers hang up on lines that are idle; after this long it is worth a look before sending into the void."""
_poll = monkey.get_original("select", "poll")
_READABLE: Final = (
    0x001 | 0x010 | 0x008
)  # POLLIN, POLLHUP, POLLERR; asked without waiting, so the real one does not stall the loop
_COMPRESSED: Final = (b"gzip", b"deflate")
_ZLIB_OR_GZIP: Final = 47
_MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""An answer beyond this is refused: a clinician's screen never holds it, and the generator's memory is finite."""


class ExchangeFailed(Exception):
    """No whole answer came. `reason` is `timeout` or `connection`; `hung_up`: a kept line closed before one byte of an answer came."""

    def __init__(self, reason: str, detail: str, *, hung_up: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hung_up = hung_up


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A target's address; `prefix` is the base URL's path without its last slash."""

    host: str
    port: int
    tls: bool
    prefix: str
    authority: str
    """The Host header."""

    @classmethod
    def from_url(cls, url: str) -> Endpoint:
        """Raises ValueError where `url` is no http(s) URL with a host."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is not an http or https URL")
        tls = parts.scheme == "https"
        host = parts.hostname
        port = parts.port or (443 if tls else 80)
        shown = f"[{host}]" if ":" in host else host
        authority = shown if parts.port is None else f"{shown}:{port}"
        return cls(host, port, tls, parts.path.rstrip("/"), authority)

    def request_target(self, path: str) -> str:
        """What stands in the request line for a path relative to the base, or for an absolute link (its own host is dropped)."""
        if path.startswith(("http://", "https://")):
            parts = urlsplit(path)
            return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return f"{self.prefix}/{path}" if path and not path.startswith("?") else f"{self.prefix or '/'}{path}"


@dataclass(slots=True)
class Exchange:
    """One answer. Times in seconds: `connect_s` is 0 on a reused connection; `ttfb_s` and `total_s` count from the start of the exchange."""

    status: int
    headers: Headers
    body: bytes
    connect_s: float
    ttfb_s: float
    total_s: float
    reused: bool
    bytes_received: int


class Headers(Mapping[str, str]):
    """An answer's headers, names in lower case; decoded only when somebody asks for one, which is seldom."""

    __slots__ = ("_decoded", "_raw")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._decoded: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def _known(self) -> dict[str, str]:
        if self._decoded is None:
            self._decoded = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self._raw}
        return self._decoded


_tls_context: ssl.SSLContext | None = None


def shared_tls_context() -> ssl.SSLContext:
    """One verifying context for all: a context of its own costs a clinician 821 kB and 28 ms."""
    global _tls_context  # noqa: PLW0603 (made once, on the first https target)
    if _tls_context is None:
        _tls_context = ssl.create_default_context()
    return _tls_context


class _Parser:
    """Collects what llhttp calls out for one answer."""

    __slots__ = ("body", "complete", "headers", "keep_alive", "parser", "status")

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.complete = False
        self.keep_alive = False
        self.status = 0
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        if status < 200:  # an announcement: the answer itself is still to come
            self.headers.clear()
            return
        self.complete = True
        self.status = status
        self.keep_alive = self.parser.should_keep_alive()  # llhttp forgets it right after this call


class Connection:
    """A clinician's line to the target: opened when needed, kept, opened again when the server closed it."""

    __slots__ = ("_connect_timeout_s", "_endpoint", "_last_use", "_socket")

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._socket: gsocket.socket | None = None
        self._last_use = 0.0

    def exchange(self, request: bytes, answer_timeout_s: float) -> Exchange:
        """Send `request`, read the whole answer.

        Raises ExchangeFailed; the connection is closed then and opened again by the next exchange.
        """
        started = perf_counter()
        if self._socket is not None and started - self._last_use > _IDLE_S and self._closed_while_idle():
            self.close()
        reused = self._socket is not None
        connect_s = 0.0
        if not reused:
            self._connect()
            connect_s = perf_counter() - started
        timer = gevent.Timeout(answer_timeout_s)
        timer.start()
        progress = _Progress()
        try:
            return self._converse(request, started, connect_s, reused, progress)
        except gevent.Timeout as timeout:
            if timeout is not timer:
                raise
            self.close()
            raise ExchangeFailed("timeout", f"no whole answer within {answer_timeout_s:g} s") from None
        except (OSError, httptools.HttpParserError, zlib.error, _BadAnswer) as error:
            self.close()
            hung_up = reused and not progress.received
            raise ExchangeFailed("connection", _describe(error), hung_up=hung_up) from error
        except BaseException:
            self.close()
            raise
        finally:
            timer.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _closed_while_idle(self) -> bool:
        """Whether the server has hung up since the last answer: a readable idle line holds its good-bye (or nonsense)."""
        assert self._socket is not None  # noqa: S101 (the caller looked)
        look = _poll()
        look.register(self._socket.fileno(), _READABLE)
        return bool(look.poll(0))

    def _connect(self) -> None:
        endpoint = self._endpoint
        try:
            with gevent.Timeout(self._connect_timeout_s, TimeoutError("connect")):
                raw = gsocket.create_connection((endpoint.host, endpoint.port))
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if endpoint.tls:
                    self._socket = _wrap(raw, endpoint.host)
                else:
                    self._socket = raw
        except TimeoutError:
            detail = f"no connection within {self._connect_timeout_s:g} s"
            raise ExchangeFailed("timeout", detail) from None
        except OSError as error:
            raise ExchangeFailed("connection", _describe(error)) from error

    def _converse(
        self, request: bytes, started: float, connect_s: float, reused: bool, progress: _Progress
    ) -> Exchange:
        line = self._socket
        assert line is not None  # noqa: S101 (exchange() connects first)
        sent = line.send(request)
        if sent < len(request):
            line.sendall(request[sent:])
        parsing = _Parser()
        feed, receive = parsing.parser.feed_data, line.recv
        ttfb_s = 0.0
        while not parsing.complete:
            data = receive(_RECEIVE_BYTES)
            if not progress.received:
                ttfb_s = perf_counter() - started
            if not data:
                self._end_of_stream(parsing, progress)
                break
            progress.received += len(data)
            if progress.received > _MAX_ANSWER_BYTES:
                raise _BadAnswer(f"an answer of more than {_MAX_ANSWER_BYTES // 1024 // 1024} MB")
            feed(data)
        if not parsing.keep_alive:
            self.close()
        self._last_use = perf_counter()
        body = b"".join(parsing.body)
        if any(name.lower() == b"content-encoding" and value in _COMPRESSED for name, value in parsing.headers):
            body = zlib.decompress(body, _ZLIB_OR_GZIP)
        return Exchange(
            parsing.status or parsing.parser.get_status_code(),
            Headers(parsing.headers),
            body,
            connect_s,
            ttfb_s,
            self._last_use - started,
            reused,
            progress.received,
        )

    def _end_of_stream(self, parsing: _Parser, progress: _Progress) -> None:
        """The server closed: the end of an answer without a length, or an answer cut short."""
        delimited = any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in parsing.headers)
        if not progress.received or not parsing.headers or delimited:
            raise _BadAnswer("closed by the server before the answer was whole")
        self.close()


class _Progress:
    __slots__ = ("received",)

    def __init__(self) -> None:
        self.received = 0


class _BadAnswer(Exception):
    """The bytes that came are not a whole HTTP answer."""


def _wrap(raw: gsocket.socket, host: str) -> gsocket.socket:
    from gevent.ssl import SSLContext as GeventContext

    context = shared_tls_context()
    assert isinstance(context, GeventContext)  # noqa: S101 (Locust has patched ssl before this is imported)
    try:
        return context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _describe(error: BaseException) -> str:
    """What went wrong on the line, without addresses or content."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
