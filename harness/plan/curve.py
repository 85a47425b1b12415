"""A curve over local time, straight from point to point, and what becomes of it on a run's own time.

100% ┤        ╭──╮              A head with threshold 60% is on duty while the curve is above 60%:
 60% ┤- - - ╭╯- -╰╮- - -        one span here, two where the curve dips in between.
  0% ┼─────╯      ╰─────
          ├─ span ─┤

Two points at one time are a step. Curves repeat daily; where a clock is set back, an hour of them comes twice.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from harness.plan.timeline import SiteClock
from harness.scenario.model import Shift
from harness.units import DAY_S

__all__ = [
    "Points",
    "door_points",
    "lower_of",
    "on_run",
    "share_at",
    "shift_points",
    "spans_above",
    "unrolled",
    "while_open",
]

Points = Sequence[tuple[float, float]]
"""(seconds after the first local midnight, value), in rising time."""

DOOR_S: Final = 900.0
"""People come within so long before a site opens, and leave within so long after it has closed. source: assumption"""


def share_at(points: Points, local_s: float) -> float:
    """The value at `local_s` (after a step, where one is there); outside of the points it holds the nearest one's."""
    after = bisect_right(points, local_s, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    return _between(points, after, local_s)


def spans_above(points: Points, threshold: float) -> list[tuple[float, float]]:
    """The spans (start, end) within the points in which the curve is above `threshold`, in the points' own time."""
    spans = []
    start_s = points[0][0] if points[0][1] > threshold else None
    for (left_s, left), (right_s, right) in pairwise(points):
        if (start_s is None) == (right <= threshold):
            continue
        crossing_s = left_s + (right_s - left_s) * (threshold - left) / (right - left)
        if start_s is None:
            start_s = crossing_s
        else:
            spans.append((start_s, crossing_s))
            start_s = None
    if start_s is not None:
        spans.append((start_s, points[-1][0]))
    return spans


def unrolled(points: Points, from_s: float, to_s: float) -> list[tuple[float, float]]:
    """The same curve over [from, to], with a point at either end; points within the first day repeat daily."""
    if points[-1][0] > DAY_S:
        return _clipped(points, from_s, to_s)
    whole = [(0.0, points[0][1])] if points[0][0] > 0 else []
    whole += points
    whole += [(DAY_S, points[-1][1])] if points[-1][0] < DAY_S else []
    days = range(math.floor(from_s / DAY_S), math.floor(to_s / DAY_S) + 1)
    daily = [(day * DAY_S + time_s, value) for day in days for time_s, value in whole]
    return _clipped(_without_doubles(daily), from_s, to_s)


def shift_points(shift: Shift, from_s: float, to_s: float) -> list[tuple[float, float]]:
    """The share of a shift's people who are there over [from, to]: rising as they come, falling as they leave."""
    lasts_s = (shift.end_s - shift.start_s) % DAY_S or DAY_S
    return _doors(shift.start_s, lasts_s, shift.arrive_s, shift.linger_s, from_s, to_s)


def door_points(opening: tuple[float, float], from_s: float, to_s: float) -> list[tuple[float, float]]:
    """1 while a site is open, 0 while it is closed, day by day over [from, to]."""
    lasts_s = opening[1] - opening[0]
    if lasts_s + 2 * DOOR_S >= DAY_S:
        return [(from_s, 1.0), (to_s, 1.0)]
    return _doors(opening[0], lasts_s, DOOR_S, DOOR_S, from_s, to_s)


def while_open(points: Points, opening: tuple[float, float], from_s: float, to_s: float) -> list[tuple[float, float]]:
    """The same curve over [from, to] while a site is open, and 0 while it is closed."""
    kept = [(from_s, 0.0)]
    for day in range(math.floor(from_s / DAY_S) - 1, math.floor(to_s / DAY_S) + 1):
        opens_s, closes_s = (min(max(day * DAY_S + edge_s, from_s), to_s) for edge_s in opening)
        if opens_s < closes_s:
            kept += [(opens_s, 0.0), *_clipped(points, opens_s, closes_s), (closes_s, 0.0)]
    return _without_doubles([*kept, (to_s, 0.0)])


def lower_of(one: Points, other: Points) -> list[tuple[float, float]]:
    """The lower of two curves over the same time."""
    times = sorted({time_s for time_s, _ in (*one, *other)})
    lower: list[tuple[float, float]] = []
    for left_s, right_s in pairwise(times):
        a = (share_at(one, left_s), _before(one, right_s))
        b = (share_at(other, left_s), _before(other, right_s))
        lower.append((left_s, min(a[0], b[0])))
        gap = (a[0] - b[0], a[1] - b[1])
        if gap[0] * gap[1] < 0:
            part = gap[0] / (gap[0] - gap[1])
            lower.append((left_s + (right_s - left_s) * part, a[0] + (a[1] - a[0]) * part))
        lower.append((right_s, min(a[1], b[1])))
    return _without_doubles(lower)


def on_run(clock: SiteClock, points: Points) -> list[tuple[float, float]]:
    """(run second, value) over the whole run: `points` cover all that the site's clock shows during it."""
    mapped: list[tuple[float, float]] = []
    for first_s, from_s, to_s in clock.pieces():
        mapped += [
            (round(first_s + (time_s - from_s) / clock.time_lapse, 6), value)
            for time_s, value in _clipped(points, from_s, to_s)
        ]
    return _without_doubles(mapped)


def _doors(
    start_s: float, lasts_s: float, before_s: float, after_s: float, from_s: float, to_s: float
) -> list[tuple[float, float]]:
    days = range(math.floor(from_s / DAY_S) - 2, math.floor(to_s / DAY_S) + 2)
    points: list[tuple[float, float]] = []
    for day in days:
        opens_s = day * DAY_S + start_s
        closes_s = opens_s + lasts_s
        points += [(opens_s - before_s, 0.0), (opens_s, 1.0), (closes_s, 1.0), (closes_s + after_s, 0.0)]
    return _clipped(points, from_s, to_s)


def _clipped(points: Points, from_s: float, to_s: float) -> list[tuple[float, float]]:
    inner = [point for point in points if from_s < point[0] < to_s]
    return [(from_s, share_at(points, from_s)), *inner, (to_s, _before(points, to_s))]


def _before(points: Points, local_s: float) -> float:
    """The value just before `local_s`."""
    after = bisect_left(points, local_s, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    return _between(points, after, local_s)


def _between(points: Points, after: int, local_s: float) -> float:
    (left_s, left), (right_s, right) = points[after - 1], points[after]
    return left + (right - left) * (local_s - left_s) / (right_s - left_s)


def _without_doubles(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]
