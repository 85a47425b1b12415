"""A persona's curve: the share of its heads that is on duty over local time, straight from point to point.

100% ┤        ╭──╮              A head with threshold 60% is on duty while the curve is above 60%:
 60% ┤- - - ╭╯- -╰╮- - -        one span here, two where the curve dips in between.
  0% ┼─────╯      ╰─────
          ├─ span ─┤
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["Points", "clip", "share_at", "spans_above"]

Points = Sequence[tuple[float, float]]
"""(seconds after local midnight, share 0..1), in strictly rising time."""


def share_at(points: Points, local_s: float) -> float:
    """The share at `local_s`; before the first point and after the last one the curve holds their value."""
    after = bisect_right(points, local_s, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (left_s, left), (right_s, right) = points[after - 1], points[after]
    return left + (right - left) * (local_s - left_s) / (right_s - left_s)


def clip(points: Points, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """The same curve from `start_s` to `end_s` only, with a point at either end."""
    inner = [point for point in points if start_s < point[0] < end_s]
    return [(start_s, share_at(points, start_s)), *inner, (end_s, share_at(points, end_s))]


def spans_above(points: Points, threshold: float) -> list[tuple[float, float]]:
    """The spans (start, end) within the points in which the curve is above `threshold`, in seconds after midnight."""
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
