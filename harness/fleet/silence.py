"""For how long a worker is believed in that gives no sign: before the load, before its beginning, and after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.fleet.seat import Seat

__all__ = ["AWAITED_S", "PREPARING_S", "WAITING_S", "awaited", "given_up", "who_is_gone"]

PREPARING_S: Final = 180.0
"""A worker that has the plan compiles it; one that takes longer loses its seat. source: assumption"""
WAITING_S: Final = 15.0
"""One that waits gives a sign each second; a dead one must not keep its seat from another. source: assumption"""
AWAITED_S: Final = 150.0
"""So long after a worker's last sign its files may still come: a worker whose line is cut gives up after a minute,
writes its files, and tries again at least every 10 s. source: assumption"""


def given_up(seats: Iterable[Seat], now_s: float) -> list[Seat]:
    """Before the load: whose seats are free for others."""
    return [seat for seat in seats if now_s - seat.seen_s > (PREPARING_S if seat.phase == "preparing" else WAITING_S)]


def who_is_gone(seats: Iterable[Seat], now_s: float) -> str:
    """A worker whose load ended, or that fell silent or left, in words; empty where all are at work."""
    for seat in seats:
        if seat.left:
            return f"{seat.name} left: {seat.left}"
        if seat.load_code is not None:
            return f"the load process of {seat.name} ended with code {seat.load_code}"
        if seat.began_s is not None and now_s - seat.seen_s > WAITING_S:
            return f"{seat.name} has given no sign for {now_s - seat.seen_s:.0f} s"
    return ""


def awaited(seats: Iterable[Seat], now_s: float) -> list[str]:
    """After the load: whose files may still come, each with when it was last heard of."""
    return [
        f"{seat.name} (last heard of {now_s - seat.seen_s:.0f} s ago)"
        for seat in seats
        if not seat.handed_in and now_s - seat.seen_s <= (WAITING_S if seat.left else AWAITED_S)
    ]
