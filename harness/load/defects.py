"""Defects of a load engine, planted in the processes of one run by `emrload calibrate --self-test`, to see them caught.

Each wraps what writes a request's row. They are obeyed only by the run whose folder the variable names, so that one
that was left standing in an environment spoils nobody's run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.load import wire
from harness.load.client import Exchange
from harness.load.posting import Posting
from harness.load.recorder import Recorder
from harness.rundir import DEFECT_VARIABLE

__all__ = ["PLANTED", "plant_defect"]

_WRITER: Final = "write_request"
"""As the wire knows it."""
LEFT_OUT_S: Final = 0.020
SLOW_S: Final = 0.200
EXPECTED_S: Final = 0.100
"""Between two requests of one person, as the correction for omission believes."""

Write = Callable[..., None]


@dataclass(frozen=True)
class _Row:
    """What a defect may falsify of one request; `rest` is handed on as it is."""

    recorder: Recorder
    posting: Posting
    start_s: float
    total_s: float
    exchange: Exchange | None


Falsify = Callable[[_Row], Iterator[_Row]]


def plant_defect(run: str) -> None:
    """Plant what the environment asks for, where it asks for it in the run of this folder."""
    name, _, where = os.environ.get(DEFECT_VARIABLE, "").partition("@")
    if name and where == run:
        setattr(wire, _WRITER, _falsified(getattr(wire, _WRITER), PLANTED[name]()))


def _falsified(write: Write, falsify: Falsify) -> Write:
    def write_falsified(recorder: Recorder, posting: Posting, *arguments: Any) -> None:
        run, call, size, request_id, intended_s, start_s, total_s, link_s, exchange, *rest = arguments
        for row in falsify(_Row(recorder, posting, start_s, total_s, exchange)):
            told = (run, call, size, request_id, intended_s, row.start_s, row.total_s, link_s, exchange, *rest)
            write(recorder, posting, *told)

    return write_falsified


def _left_out() -> Falsify:
    """Timers that leave out what happens before the first byte is on its way."""

    def falsify(row: _Row) -> Iterator[_Row]:
        yield replace(row, total_s=max(0.0, row.total_s - LEFT_OUT_S))

    return falsify


def _slow_dropped() -> Falsify:
    """A buffer that is full when it matters: every second slow sample is lost."""
    slow = 0

    def falsify(row: _Row) -> Iterator[_Row]:
        nonlocal slow
        slow += row.total_s > SLOW_S
        if row.total_s <= SLOW_S or slow % 2:
            yield row

    return falsify


def _after_the_queue() -> Falsify:
    """The stamp is taken once somebody sees to the request: what it waited is gone."""

    def falsify(row: _Row) -> Iterator[_Row]:
        served = row.exchange.headers.get("x-service-ms", "") if row.exchange else ""
        yield replace(row, total_s=float(served) / 1000) if served else row

    return falsify


def _thinking_counted() -> Falsify:
    """The watch is started at the last answer instead of at the request."""
    answered_s: dict[tuple[int, int, int], float] = {}

    def falsify(row: _Row) -> Iterator[_Row]:
        who = (row.posting.site_code, row.posting.persona_code, row.posting.clinician)
        before_s = answered_s.get(who, row.start_s)
        answered_s[who] = row.start_s + row.total_s
        yield replace(row, start_s=before_s, total_s=row.start_s + row.total_s - before_s)

    return falsify


def _omission_corrected() -> Falsify:
    """Samples made up for requests that nobody would have sent: right for a fixed rate, wrong for people who wait."""

    def falsify(row: _Row) -> Iterator[_Row]:
        yield row
        missing_s = row.total_s - EXPECTED_S
        while missing_s > 0:
            yield replace(row, total_s=missing_s)
            missing_s -= EXPECTED_S

    return falsify


def _worker_lost() -> Falsify:
    """What the second load process recorded never arrives."""

    def falsify(row: _Row) -> Iterator[_Row]:
        if row.recorder.worker != 1:
            yield row

    return falsify


PLANTED: Final[dict[str, Callable[[], Falsify]]] = {
    "left-out": _left_out,
    "slow-dropped": _slow_dropped,
    "after-the-queue": _after_the_queue,
    "thinking-counted": _thinking_counted,
    "omission-corrected": _omission_corrected,
    "worker-lost": _worker_lost,
}
