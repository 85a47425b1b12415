"""A clinician's connection over her site's emulated link: the same exchange, with the link's time before and after it.

    handshake ─▶ way up ───────────▶ the real exchange ─▶ way down ───────────▶ done
    1–2 round    pipe + ½ round      nothing is sent      pipe + ½ round
    trips and    trip + losses       before               trip + losses
    the real one,
    if not kept

The bounds on connecting, on the first byte and on the whole answer, and the clinician's own time, hold the link's part
too.
"""

from __future__ import annotations

import math

from harness.load.client import Connection, Exchange
from harness.load.cookies import Cookies
from harness.load.deadline import Deadline, OutOfTime
from harness.load.endpoint import Endpoint
from harness.load.exchange_failed import ExchangeFailed, NoFirstByte, out_of_time
from harness.load.site_link import Direction, SiteLink
from harness.network import Draws, handshake_s, retransmission_s, round_trip_s

__all__ = ["LinkedConnection"]


class LinkedConnection:
    """Used like a Connection. `draws` are this clinician's own, so that her delays depend on nobody else's requests."""

    __slots__ = ("_connect_timeout_s", "_connection", "_deadline", "_draws", "_link", "_link_s", "_opened_s", "_tls")

    def __init__(self, endpoint: Endpoint, connect_timeout_s: float, link: SiteLink, draws: Draws) -> None:
        self._connection = Connection(endpoint, connect_timeout_s)
        self._connect_timeout_s = connect_timeout_s
        self._tls = endpoint.tls
        self._link = link
        self._draws = draws
        self._deadline = Deadline()
        self._link_s = 0.0
        """What the link has taken of the exchange under way."""
        self._opened_s = 0.0
        """What connecting to the target itself has taken of it."""

    @property
    def cookies(self) -> Cookies | None:
        """As Connection.cookies."""
        return self._connection.cookies

    @cookies.setter
    def cookies(self, kept: Cookies | None) -> None:
        self._connection.cookies = kept

    def exchange(
        self,
        request: bytes,
        answer_timeout_s: float,
        give_up_s: float = math.inf,
        first_byte_timeout_s: float = math.inf,
    ) -> Exchange:
        """As Connection.exchange; the way down begins when the whole answer has come, all of it at once.

        Raises ExchangeFailed; where the link let nothing through, it is as if the target had not answered.
        """
        self._link_s = self._opened_s = 0.0
        try:
            kept = self._connection.is_open()
            late_s = 0.0 if kept else self._shake_hands(give_up_s)
            give_up_s -= self._link_s + self._opened_s
            return self._converse(request, answer_timeout_s, give_up_s, first_byte_timeout_s, kept, late_s)
        except NoFirstByte:
            raise self._no_first_byte(first_byte_timeout_s) from None
        except ExchangeFailed as failure:
            failure.link_s = self._link_s
            self._connection.close()  # half an answer may be on the way
            raise
        finally:
            self._deadline.end()

    def is_open(self) -> bool:
        """As Connection.is_open."""
        return self._connection.is_open()

    def close(self) -> None:
        """Hang up. The next exchange opens a new line."""
        self._deadline.close()
        self._connection.close()

    def _shake_hands(self, give_up_s: float) -> float:
        """The link's handshake, then the target's own: one bound holds both."""
        self._deadline.begin(min(self._connect_timeout_s, give_up_s))
        try:
            late_s = self._pass(None, 0, self._handshake_s())
        except OutOfTime:
            raise out_of_time("no connection", self._connect_timeout_s, give_up_s) from None
        self._deadline.end()
        self._opened_s = self._connection.open(give_up_s - self._link_s, self._link_s)
        return late_s

    def _no_first_byte(self, bound_s: float) -> ExchangeFailed:
        """Told with the bound as the clinician knows it, of which the link has taken a part."""
        failure = NoFirstByte("timeout", f"no first byte within {bound_s:g} s")
        failure.link_s = self._link_s
        self._connection.close()
        return failure

    def _converse(
        self,
        request: bytes,
        answer_timeout_s: float,
        give_up_s: float,
        first_byte_timeout_s: float,
        kept: bool,
        late_s: float,
    ) -> Exchange:
        profile, draws, shaken_s = self._link.profile, self._draws, self._link_s
        bound_s = min(answer_timeout_s, give_up_s)
        on_the_way_up = True
        self._deadline.begin(min(bound_s, first_byte_timeout_s))
        try:
            way_s = round_trip_s(profile, draws) / 2
            up_s = way_s + retransmission_s(profile, len(request), draws)
            late_s = self._pass(self._link.up, len(request), up_s - late_s)
            on_the_way_up, before_s = False, self._link_s
            went_s = before_s - shaken_s
            if kept and not self._connection.is_open():  # the server hung up while the request was on its way
                self._deadline.end()
                self._opened_s = self._connection.open(give_up_s - went_s, 0.0)
                give_up_s -= self._opened_s
                bound_s = min(answer_timeout_s, give_up_s)
            # runs on through the real exchange, where it comes before the connection's own
            self._deadline.begin(bound_s - went_s)
            first_s = first_byte_timeout_s - went_s - way_s
            told = self._connection.exchange(request, answer_timeout_s, give_up_s, first_s)
            down_s = way_s + retransmission_s(profile, told.bytes_received, draws)
            if kept and not told.reused:
                down_s += self._handshake_s()
            self._pass(self._link.down, told.bytes_received, down_s - late_s)
        except OutOfTime:
            if on_the_way_up and first_byte_timeout_s < bound_s:
                raise NoFirstByte("timeout", "") from None
            raise out_of_time("no whole answer", answer_timeout_s, give_up_s) from None
        told.connect_s += shaken_s + self._opened_s
        told.total_s += self._link_s + self._opened_s
        told.ttfb_s = min(told.ttfb_s + before_s + self._opened_s + way_s, told.total_s)
        told.link_s = self._link_s
        return told

    def _handshake_s(self) -> float:
        return handshake_s(self._link.profile, self._draws, tls=self._tls)

    def _pass(self, direction: Direction | None, size_bytes: int, delay_s: float) -> float:
        link, begun_s = self._link, self._link.run_now_s()
        try:
            return link.pass_through(direction, size_bytes, delay_s)
        finally:
            self._link_s += link.run_now_s() - begun_s
