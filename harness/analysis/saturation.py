"""Is the server getting full? How much longer requests take than when few people are there, since when most of that is
queueing, and how long before the first broken objective that could be seen.

    slowdown   1 ──────────╱──── 1.5: alarm ──╱──── 2: saturated, half of the time is queueing
    p95        ────────────────────────────────────╱──── over its bound: broken
                                    ├── lead time ──┤

A stretch is held to what its own requests take when it is calm, operation by operation, so that heavier work at another
hour is no queue. Calm is where few people are there, not where answers were quick: that would be chance, picked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.requests import Requests
from harness.analysis.timeline import DRAWN, NETWORK

__all__ = ["Broken", "Saturation", "first_broken", "saturation_of", "slowdowns"]

Floats = NDArray[np.float64]

CALM_SHARE: Final = 0.25
"""The quarter of the stretches with fewest people tells what an operation takes. source: assumption"""
CALM_HEADS: Final = 0.8
"""They must have at most this share of the most people, or nothing is there to compare with. source: assumption"""
FEWEST_CALM: Final = 10
"""Requests of an operation that its calm figure needs. source: assumption"""
ALARM_FACTOR: Final = 1.5
"""In a single queue (M/M/1) a third of the response time is waiting then. source: assumption"""
SATURATED_FACTOR: Final = 2.0
"""Half of the response time is waiting; in a single queue the server is busy half of the time more than when calm.
source: assumption"""
IN_A_ROW: Final = 3
"""Stretches one after the other, so that a single slow one is no trend. source: assumption"""
TREND: Final = 8
"""Stretches that a slope is drawn through, and how many ahead it is followed. source: assumption"""
SURE_SLOPE: Final = 5.0
"""Student's t of the slope, of as many stretches less two: once in some thousand stretches by chance."""
LONGEST_BREATH: Final = 0.1
"""A share of the run: shorter than this is a hiccup, and nothing that fills up. source: assumption"""


@dataclass(frozen=True)
class Broken:
    """The first stretch in which a required response time was over its bound; `from_s` is where it begins."""

    objective: str
    site: str
    from_s: float


@dataclass(frozen=True)
class Saturation:
    """Seconds of the run; None where it did not come to that, or the stretches do not suffice to say."""

    slowdown_max: float | None
    """The most that requests took in a stretch, in multiples of what they take when it is calm."""
    queueing_share_max: float | None
    """1 − 1/slowdown: the part of the response time that was waiting. In a single queue it is the server's
    utilisation."""
    onset_s: float | None
    """From when on requests took twice as long as when calm, for a tenth of the run at least."""
    alarm_s: float | None
    """When the first of both alarms came, concurrency or slope; what was known at the end of a stretch counts."""
    alarm: str
    """`concurrency`, `slope`, or "" where none came."""
    broken: Broken | None
    lead_s: float | None
    """From the alarm to the end of the first broken stretch; 0 where none came before; None where nothing broke."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def slowdowns(requests: Requests, edges_s: Floats, heads: Floats) -> Floats:
    """Of each stretch, how many times as long its requests took as the same operations in the quarter of the stretches
    with fewest people; NaN where too few are known, or people are about as many throughout. `heads` is the mean number
    there in each stretch."""
    counts, sums_ms = _by_operation(requests, edges_s)
    untold: Floats = np.full(len(counts), np.nan)
    asking = np.flatnonzero(counts.sum(axis=1) > 0)
    if not len(asking):
        return untold
    calm = asking[np.argsort(heads[asking], kind="stable")][: max(1, round(CALM_SHARE * len(asking)))]
    if heads[calm].mean() > CALM_HEADS * heads.max():
        return untold
    calm_counts = counts[calm].sum(axis=0)
    known = calm_counts >= FEWEST_CALM
    calm_ms = np.divide(sums_ms[calm].sum(axis=0), calm_counts, out=np.zeros(len(known)), where=known)
    usual = counts[:, known] @ calm_ms[known]
    taken = sums_ms[:, known].sum(axis=1)
    held: Floats = np.divide(taken, usual, out=untold, where=usual > 0)
    return held


def _by_operation(requests: Requests, edges_s: Floats) -> tuple[Floats, Floats]:
    """Requests that have a latency, and its sum in ms: a row a stretch, a column an operation."""
    begins = np.searchsorted(requests.start_s, edges_s[1:-1])
    stretches = [slice(begin, end) for begin, end in pairwise([0, *begins.tolist(), len(requests.start_s)])]
    operations = len(requests.names["operation"]) + 1
    timed = requests.timed
    rows = []
    for own in stretches:
        codes = requests.codes["operation"][own][timed[own]]
        taken_ms = requests.latency_ms[own][timed[own]]
        rows.append([np.bincount(codes, minlength=operations), np.bincount(codes, taken_ms, operations)])
    found = np.array(rows, dtype=np.float64)
    return found[:, 0], found[:, 1]


def first_broken(timeline: pd.DataFrame, bounds: Sequence[tuple[str, str, str, float]]) -> Broken | None:
    """The first stretch over a bound, followed by another one over it. `bounds`: objective, site ("" = network),
    column (p50_ms, p95_ms or p99_ms), milliseconds."""
    found: list[Broken] = []
    for objective, site, column, bound_ms in bounds:
        if column not in DRAWN:
            continue
        rows = timeline[timeline["site"] == site]
        start = _runs_of((rows[column] > bound_ms).to_numpy(), 2)
        if start is not None:
            found.append(Broken(objective, site, float(rows["time_s"].iloc[start])))
    return min(found, key=lambda each: (each.from_s, each.site != NETWORK), default=None)


def saturation_of(
    edges_s: Floats, slowdown: Floats, p95_ms: Floats, bound_ms: float | None, broken: Broken | None
) -> Saturation:
    """All of it, from a figure a stretch. `bound_ms`: the network's required p95, which the slope is held against."""
    known = slowdown[np.isfinite(slowdown)]
    if not len(known):
        return Saturation(None, None, None, None, "", broken, None if broken is None else 0.0)
    over = np.nan_to_num(slowdown, nan=1.0)
    width_s = float(edges_s[1] - edges_s[0])
    breath = max(IN_A_ROW, int(np.ceil(LONGEST_BREATH * (len(edges_s) - 1))))
    onset = _runs_of(over >= SATURATED_FACTOR, breath)
    concurrency = _runs_of(over >= ALARM_FACTOR, IN_A_ROW)
    alarms = [
        (float(edges_s[at + 1]), name)
        for at, name in (
            (None if concurrency is None else concurrency + IN_A_ROW - 1, "concurrency"),
            (_first_slope(p95_ms, bound_ms), "slope"),
        )
        if at is not None
    ]
    alarm_s, alarm = min(alarms, default=(None, ""))
    lead_s = None
    if broken is not None:
        lead_s = 0.0 if alarm_s is None else max(0.0, broken.from_s + width_s - alarm_s)
    worst = float(known.max())
    return Saturation(
        slowdown_max=worst,
        queueing_share_max=max(0.0, 1 - 1 / worst),
        onset_s=None if onset is None else float(edges_s[onset]),
        alarm_s=alarm_s,
        alarm=alarm,
        broken=broken,
        lead_s=lead_s,
    )


def _runs_of(held: NDArray[np.bool_], length: int) -> int | None:
    """Where the first `length` stretches in a row begin in which it held."""
    if len(held) < length:
        return None
    sums = np.convolve(held, np.ones(length, dtype=int), mode="valid")
    first = np.flatnonzero(sums == length)
    return int(first[0]) if len(first) else None


def _first_slope(p95_ms: Floats, bound_ms: float | None) -> int | None:
    """The first stretch at whose end a line through the last eight rises for sure, and reaches the bound within eight
    more."""
    if bound_ms is None:
        return None
    at = np.arange(TREND, dtype=np.float64)
    centred = at - at.mean()
    for last in range(TREND - 1, len(p95_ms)):
        seen = p95_ms[last - TREND + 1 : last + 1]
        if not np.isfinite(seen).all():
            continue
        slope = float(centred @ seen / (centred @ centred))
        rest = seen - seen.mean() - slope * centred
        error = np.sqrt(float(rest @ rest) / (TREND - 2) / float(centred @ centred))
        ahead = seen.mean() + slope * (TREND - 1 + TREND - at.mean())
        if slope > 0 and slope > SURE_SLOPE * error and ahead > bound_ms:
            return last
    return None
