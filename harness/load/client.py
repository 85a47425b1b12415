"""A lean HTTP/1.1 client for the hot path: one gevent socket a clinician, llhttp for parsing, nothing in between.

    exchange(request bytes) ──▶ send ──▶ recv … recv ──▶ Exchange(status, headers, body, times)

Keep-alive, chunked and gzip answers, cookies, TLS through one shared verifying context; bounds on connecting, on the
first byte and on the whole answer; no redirects, and never two requests under way on one line. It only tells what came
over the wire; whether that is good is judged elsewhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import gevent

from harness.load.answer import MAX_ANSWER_BYTES, AnswerParser, BadAnswer, Headers
from harness.load.cookies import Cookies
from harness.load.deadline import Deadline, OutOfTime
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed, NoFirstByte, describe, no_name, out_of_time
from harness.load.line import Line, open_line, was_looking_up
from harness.load.own_limits import own_limit

__all__ = ["Connection", "Exchange"]

_RECEIVE_BYTES: Final = 65_536
_SHORTEST_S: Final = 0.001
_AT_ONCE_S: Final = 50e-6
"""A line is looked at before it is used, unless that is sooner than what a server sends of itself, such as its
good-bye, comes behind its answer; `is_open` always looks. (A look costs 3% of a request whose answer nobody reads.)"""
_AHEAD_S: Final = 1.0
"""So much before a server means to hang up on an idle line we do: its good-bye must not cross a request."""
_CROSSING_CONNECTS: Final = 3.0
_SHORTEST_CROSSING_S: Final = 0.1
_LONGEST_CROSSING_S: Final = 1.0
"""A good-bye that crosses a request is here one round trip after it was sent; so many times what connecting took are
more than that, TLS or not. Not less than what a busy loop may be late by, and no more than a round trip ever takes."""
_KEEP_ALIVE_TIMEOUT: Final = re.compile(r"\btimeout\s*=\s*\"?(\d{1,9})\b", re.IGNORECASE)

_idle_parsers: Final[list[AnswerParser]] = []
"""As many as were ever in use at once: a tenth of what a connected clinician weighs, if each had one of her own."""


@dataclass(slots=True, init=False)
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
    link_s: float

    # written out, since what @dataclass makes of it stays interpreted where the hot path is compiled
    def __init__(
        self,
        status: int,
        headers: Headers,
        body: bytes,
        connect_s: float,
        ttfb_s: float,
        total_s: float,
        reused: bool,
        bytes_received: int,
        link_s: float = 0.0,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.connect_s = connect_s
        self.ttfb_s = ttfb_s
        self.total_s = total_s
        self.reused = reused
        self.bytes_received = bytes_received
        self.link_s = link_s


class Connection:
    """A clinician's line to the target: opened when needed, kept, opened again when the server closed it."""

    __slots__ = (
        "_connect_timeout_s",
        "_crossing_s",
        "_deadline",
        "_endpoint",
        "_idle_limit_s",
        "_last_use",
        "_line",
        "_opened",
        "_received",
        "cookies",
    )

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float) -> None:
        self.cookies: Cookies | None = None
        """What the server gave her to keep, over all her lines; None: nothing so far."""
        self._endpoint = endpoint
        self._connect_timeout_s = connect_timeout_s
        self._line: Line | None = None
        self._opened: Line | None = None
        """Opened ahead of the next exchange, which has not used it yet."""
        self._deadline = Deadline()
        self._last_use = 0.0
        self._idle_limit_s = math.inf
        self._received = 0
        """Bytes of the answer under way."""
        self._crossing_s = _SHORTEST_CROSSING_S
        """After so long the server has the request: whatever it does then is its answer to it."""

    def exchange(
        self,
        request: bytes,
        answer_timeout_s: float,
        give_up_s: float = math.inf,
        first_byte_timeout_s: float = math.inf,
    ) -> Exchange:
        """Send `request`, read the whole answer; after `give_up_s` in all, connecting included, it is cancelled.

        The bounds on the answer and on its first byte count from when the request goes out. Raises ExchangeFailed; the
        connection is closed then and opened again by the next exchange.
        """
        started = perf_counter()
        line = self._line
        connect_s = 0.0
        if line is not None and started - self._last_use > _AT_ONCE_S and not self.is_open():
            line = None
        reused = line is not None
        if line is None:
            line = self._connect(give_up_s)
            connect_s = perf_counter() - started
            give_up_s -= connect_s
        self._received = 0
        bound_s = answer_timeout_s if answer_timeout_s < give_up_s else give_up_s
        first = first_byte_timeout_s < bound_s
        self._deadline.begin_until(started + connect_s + (first_byte_timeout_s if first else bound_s))
        try:
            return self._converse(line, request, started, connect_s, bound_s if first else 0.0)
        except OutOfTime:
            if first and not self._received:
                raise NoFirstByte("timeout", f"no first byte within {first_byte_timeout_s:g} s") from None
            raise out_of_time("no whole answer", answer_timeout_s, give_up_s) from None
        except (OSError, BadAnswer) as error:
            limit = own_limit(error)
            crossed = perf_counter() - started <= self._crossing_s
            hung_up = reused and crossed and not self._received and not limit
            raise ExchangeFailed("connection", describe(error), hung_up=hung_up, limit=limit) from error
        finally:
            self._deadline.end()

    def open(self, give_up_s: float, spent_s: float) -> float:
        """Open a line ahead of the next exchange, which then connects in no time; gives the seconds that it took.

        `spent_s` of the bound on connecting are over already. Raises ExchangeFailed.
        """
        started = perf_counter()
        self.close()
        self._opened = self._new_line(give_up_s, spent_s)
        return perf_counter() - started

    def is_open(self) -> bool:
        """Whether the next exchange finds a line; one on which the server has hung up is let go here."""
        line = self._line
        if line is None:
            return False
        if perf_counter() - self._last_use > self._idle_limit_s or line.has_something():
            self.close()  # it is about to hang up or has done so, or sends what nobody asked for
            return False
        return True

    def close(self) -> None:
        """Hang up. The next exchange opens a new line."""
        self._deadline.close()
        for line in (self._line, self._opened):
            if line is not None:
                line.close()
        self._line = self._opened = None

    def _connect(self, give_up_s: float) -> Line:
        """What was opened ahead of the exchange, else a new line."""
        line = self._opened
        if line is None:
            line = self._new_line(give_up_s, 0.0)
        self._line, self._opened = line, None
        self._idle_limit_s = math.inf
        return line

    def _new_line(self, give_up_s: float, spent_s: float) -> Line:
        started = perf_counter()
        # not an OSError: trying a host's addresses one after the other, that would only end the first try
        within_s = max(min(self._connect_timeout_s - spent_s, give_up_s), _SHORTEST_S)
        timer = gevent.Timeout(within_s)
        timer.start()
        try:
            line = open_line(self._endpoint, within_s)
        except gevent.Timeout as timeout:
            if timeout is not timer:
                raise
            if was_looking_up(timeout):
                raise no_name(self._connect_timeout_s, give_up_s + spent_s) from None
            raise out_of_time("no connection", self._connect_timeout_s, give_up_s + spent_s) from None
        except OSError as error:
            raise ExchangeFailed("connection", describe(error), limit=own_limit(error)) from error
        finally:
            timer.close()
        crossing_s = _CROSSING_CONNECTS * (perf_counter() - started)
        self._crossing_s = min(max(crossing_s, _SHORTEST_CROSSING_S), _LONGEST_CROSSING_S)
        return line

    def _converse(self, line: Line, request: bytes, started: float, connect_s: float, bound_s: float) -> Exchange:
        """`bound_s` on the whole answer where one on its first byte is running, else 0."""
        head_only = request.startswith(b"HEAD ")
        parser = _idle_parsers.pop() if _idle_parsers and not head_only else AnswerParser(head_only=head_only)
        if connect_s:
            parser.begin_line()
        ttfb_s = 0.0
        whole = False
        try:
            intact = line.send(request)
            while not parser.complete:
                data = line.receive(_RECEIVE_BYTES)
                if not self._received:
                    ttfb_s = perf_counter() - started
                    if bound_s:
                        self._deadline.begin(bound_s - (ttfb_s - connect_s))
                if not data:
                    parser.end_of_stream()
                    break
                self._received += len(data)
                if self._received > MAX_ANSWER_BYTES:
                    raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES // 1024 // 1024} MB")
                parser.feed(data)
            status, headers, body = parser.take()
            whole = parser.keep_alive and intact
            if whole and not head_only:
                _idle_parsers.append(parser)
        finally:
            if not whole:
                self.close()
        if parser.sets_cookies:
            self._keep_cookies(headers, request)
        if connect_s:
            self._idle_limit_s = _idle_limit_s(headers)
        self._last_use = done = perf_counter()
        return Exchange(status, headers, body, connect_s, ttfb_s, done - started, not connect_s, self._received)

    def _keep_cookies(self, headers: Headers, request: bytes) -> None:
        if self.cookies is None:
            self.cookies = Cookies(self._endpoint.host, tls=self._endpoint.tls)
        self.cookies.keep(headers.lines("set-cookie"), request.split(b" ", 2)[1].decode("latin-1"))


def _idle_limit_s(headers: Headers) -> float:
    """How long the line may lie idle, as far as the server says it: `Keep-Alive: timeout=5, max=100`.

    `max` is no use to us: the last answer says `Connection: close`.
    """
    told = _KEEP_ALIVE_TIMEOUT.search(headers.get("keep-alive", ""))
    if told is None:
        return math.inf
    timeout_s = float(told[1])
    return timeout_s - min(_AHEAD_S, timeout_s / 2)
