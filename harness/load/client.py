"""A lean HTTP/1.1 client for the hot path: one gevent socket a clinician, llhttp for parsing, nothing in between.

    exchange(request bytes) ──▶ send ──▶ recv … recv ──▶ Exchange(status, headers, body, times)

Keep-alive, chunked and gzip answers, TLS through one shared verifying context, a bound on connecting and one on the
whole answer, no redirects. It only tells what came over the wire; whether that is good is judged elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

import gevent

from harness.load.answer import MAX_ANSWER_BYTES, AnswerParser, BadAnswer, Headers
from harness.load.deadline import Deadline, OutOfTime
from harness.load.endpoint import Endpoint
from harness.load.line import Line, open_line

__all__ = ["Connection", "Endpoint", "Exchange", "ExchangeFailed", "out_of_time"]

_RECEIVE_BYTES: Final = 65_536
_IDLE_S: Final = 0.5
"""Servers hang up on lines that are idle; after this long it is worth a look before sending into the void."""
_SHORTEST_S: Final = 0.001

FailureReason = Literal["timeout", "connection", "cancelled"]


class ExchangeFailed(Exception):  # noqa: N818 (what happened on the line, not a fault of the program)
    """No whole answer came.

    `reason` is `timeout`, `connection`, or `cancelled` (the caller's patience ended before the bound on answers did).
    `hung_up`: a kept line closed before one byte of an answer came. `link_s`: seconds that went by on an emulated link.
    """

    def __init__(self, reason: FailureReason, detail: str, *, hung_up: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hung_up = hung_up
        self.link_s = 0.0


@dataclass(slots=True)
class Exchange:
    """One answer. Times in seconds from the start of the exchange; `connect_s` is 0 on a reused connection.

    `link_s` is the part of `total_s` that an emulated link took, 0 where there is none.
    """

    status: int
    headers: Headers
    body: bytes
    connect_s: float
    ttfb_s: float
    total_s: float
    reused: bool
    bytes_received: int
    link_s: float = 0.0


class Connection:
    """A clinician's line to the target: opened when needed, kept, opened again when the server closed it."""

    __slots__ = ("_connect_timeout_s", "_deadline", "_endpoint", "_last_use", "_line", "_parser", "_received")

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._line: Line | None = None
        self._parser = AnswerParser()
        self._deadline = Deadline()
        self._last_use = 0.0
        self._received = 0
        """Bytes of the answer under way."""

    def exchange(self, request: bytes, answer_timeout_s: float, give_up_s: float = math.inf) -> Exchange:
        """Send `request`, read the whole answer; after `give_up_s` in all, connecting included, it is cancelled.

        Raises ExchangeFailed; the connection is closed then and opened again by the next exchange.
        """
        started = perf_counter()
        reused = self.is_open()
        line = self._line
        connect_s = 0.0
        if line is None:
            line = self._connect(give_up_s)
            connect_s = perf_counter() - started
            give_up_s -= connect_s
        self._received = 0
        self._deadline.begin(answer_timeout_s if answer_timeout_s < give_up_s else give_up_s)
        try:
            return self._converse(line, request, started, connect_s, reused)
        except OutOfTime:
            raise out_of_time("no whole answer", answer_timeout_s, give_up_s) from None
        except (OSError, BadAnswer) as error:
            hung_up = reused and not self._received
            raise ExchangeFailed("connection", _describe(error), hung_up=hung_up) from error
        finally:
            self._deadline.end()

    def is_open(self) -> bool:
        """Whether the next exchange finds a line; one on which the server has hung up is let go here."""
        line = self._line
        if line is None:
            return False
        if perf_counter() - self._last_use > _IDLE_S and line.has_something():
            # the server has hung up since the last answer, or talks nonsense
            self.close()
            return False
        return True

    def close(self) -> None:
        """Hang up. The next exchange opens a new line."""
        self._deadline.close()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _connect(self, give_up_s: float) -> Line:
        # not an OSError: trying a host's addresses one after the other, that would only end the first try
        timer = gevent.Timeout(max(min(self._connect_timeout_s, give_up_s), _SHORTEST_S))
        timer.start()
        try:
            line = open_line(self._endpoint)
        except gevent.Timeout as timeout:
            if timeout is not timer:
                raise
            raise out_of_time("no connection", self._connect_timeout_s, give_up_s) from None
        except OSError as error:
            raise ExchangeFailed("connection", _describe(error)) from error
        finally:
            timer.close()
        self._line = line
        self._parser = AnswerParser()
        return line

    def _converse(self, line: Line, request: bytes, started: float, connect_s: float, reused: bool) -> Exchange:
        parser = AnswerParser(head_only=True) if request.startswith(b"HEAD ") else self._parser
        ttfb_s = 0.0
        whole = False
        try:
            intact = line.send(request)
            while not parser.complete:
                data = line.receive(_RECEIVE_BYTES)
                if not self._received:
                    ttfb_s = perf_counter() - started
                if not data:
                    parser.end_of_stream()
                    break
                self._received += len(data)
                if self._received > MAX_ANSWER_BYTES:
                    raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES // 1024 // 1024} MB")
                parser.feed(data)
            status, headers, body = parser.take()
            whole = parser.keep_alive and intact
        finally:
            if not whole:
                self.close()
        self._last_use = done = perf_counter()
        return Exchange(status, headers, body, connect_s, ttfb_s, done - started, reused, self._received)


def out_of_time(what: str, bound_s: float, give_up_s: float) -> ExchangeFailed:
    """`timeout` where the bound came first, `cancelled` where the caller's patience ended before."""
    if give_up_s < bound_s:
        return ExchangeFailed("cancelled", f"{what} before the clinician's time was over")
    return ExchangeFailed("timeout", f"{what} within {bound_s:g} s")


def _describe(error: BaseException) -> str:
    """What went wrong on the line, without addresses or content."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
