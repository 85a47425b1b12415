"""What changed between two runs, or two groups of runs, row by row, and which of it is more than chance.

    rows          the network · each site · each workflow · the waiting of each workflow
    judged        p95 of each row (one family of tests), and the error rate of each row (another)
    beside it     p50 with its interval, which is shown and not judged

A family is what the table claims of one kind of figure: whoever reads "three sites became slower" is right but for 5%
of such rows. Latencies and errors are families apart, so that forty rows without any error do not blunt a look at
latencies, nor the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.block_bootstrap import percentile_difference
from harness.analysis.run_rows import KINDS, RowKey, RunRow
from harness.analysis.significance import (
    FALSE_DISCOVERIES,
    Difference,
    benjamini_yekutieli,
    share_difference,
    welch,
)

__all__ = ["ComparedFigure", "ComparedRow", "compare_rows", "judged", "regressions", "set_side_by_side"]

Rows = Mapping[RowKey, RunRow]
Figure = Callable[[RunRow], float | None]


@dataclass(frozen=True)
class ComparedFigure:
    """One figure in A and in B, and how sure the change is."""

    a: float | None
    """Of a group: the geometric mean over its runs of a latency, the mean of a share. None: too few samples."""
    b: float | None
    difference: Difference | None
    """On the scale of logarithms for latencies; None where one of both is not known."""
    adjusted_p: float | None = None
    """By Benjamini-Yekutieli over the family; None where the figure is not judged."""

    @property
    def direction(self) -> int:
        """1 where B is higher and that is no chance, -1 where it is lower, else 0."""
        if self.difference is None or self.adjusted_p is None or self.adjusted_p > FALSE_DISCOVERIES:
            return 0
        return 1 if self.difference.estimate > 0 else -1


@dataclass(frozen=True)
class ComparedRow:
    """One row of a comparison."""

    key: RowKey
    samples: tuple[int, int]
    """Requests (or runs of a workflow that ended) in A and in B, over all runs of a group."""
    p95: ComparedFigure
    p50: ComparedFigure
    errors: ComparedFigure
    """Share of errors; for waiting, of runs that failed or were given up."""

    @property
    def outcome(self) -> str:
        """`slower`, `faster`, `no difference seen` or `too few samples`, by p95."""
        if self.p95.difference is None:
            return "too few samples"
        return {1: "slower", -1: "faster", 0: "no difference seen"}[self.p95.direction]

    @property
    def errors_outcome(self) -> str:
        """`more`, `fewer`, or "" where no difference was seen."""
        return {1: "more", -1: "fewer", 0: ""}[self.errors.direction]


def compare_rows(a: Sequence[Rows], b: Sequence[Rows], length_s: float) -> list[ComparedRow]:
    """Every row that A or B has: the network, sites, workflows, waiting, each by name, judged as one table. `a` and `b`
    hold one mapping a run; one each: two single runs of `length_s`; two or more each: groups.

    Raises ValueError where one side has a single run and the other has more.
    """
    return judged(set_side_by_side(a, b, length_s))


def judged(rows: Sequence[ComparedRow]) -> list[ComparedRow]:
    """The rows with adjusted p-values, all of them together one family of p95 and one of errors."""
    p95 = _adjusted([row.p95 for row in rows])
    errors = _adjusted([row.errors for row in rows])
    return [replace(row, p95=one, errors=other) for row, one, other in zip(rows, p95, errors, strict=True)]


def set_side_by_side(a: Sequence[Rows], b: Sequence[Rows], length_s: float) -> list[ComparedRow]:
    """As `compare_rows`, not judged yet: for a table that is put together from several comparisons."""
    if (len(a) == 1) != (len(b) == 1):
        raise ValueError(f"{len(a)} runs in A and {len(b)} in B: one each, or several each")
    keys = {key for rows in (*a, *b) for key in rows}
    found = []
    for key in sorted(keys, key=lambda key: (KINDS.index(key.kind), key.name)):
        own = [[rows.get(key) for rows in side] for side in (a, b)]
        found.append(_single(key, own[0][0], own[1][0], length_s) if len(a) == 1 else _groups(key, *own))
    return found


def regressions(rows: Sequence[ComparedRow], max_regression: float) -> list[ComparedRow]:
    """Rows that fail a comparison: slower by more than `max_regression` (a share of A's p95) and more than chance, or
    with more errors, whatever `max_regression` is."""
    return [
        row
        for row in rows
        if (row.outcome == "slower" and row.p95.difference and row.p95.difference.ratio[0] > 1 + max_regression)
        or row.errors_outcome == "more"
    ]


def _single(key: RowKey, a: RunRow | None, b: RunRow | None, length_s: float) -> ComparedRow:
    def percentile(p: float, figure: Figure) -> ComparedFigure:
        in_a, in_b = (figure(row) if row else None for row in (a, b))
        if a is None or b is None or in_a is None or in_b is None:
            return ComparedFigure(in_a, in_b, None)
        return ComparedFigure(in_a, in_b, percentile_difference(a.samples, b.samples, p, length_s))

    in_a, in_b = (_share_of(row) if row else None for row in (a, b))
    apart = None
    if a and b and a.total and b.total:
        apart = share_difference((a.bad, a.total), (b.bad, b.total), max(a.bad_effect, b.bad_effect))
    samples = (a.total if a else 0, b.total if b else 0)
    return ComparedRow(key, samples, percentile(0.95, _p95), percentile(0.50, _p50), ComparedFigure(in_a, in_b, apart))


def _groups(key: RowKey, a: Sequence[RunRow | None], b: Sequence[RunRow | None]) -> ComparedRow:
    p95, p50 = (_over_runs(a, b, figure, math.log, math.exp) for figure in (_p95, _p50))
    errors = _over_runs(a, b, _share_of, float, float)
    counts = [sum(row.total for row in side if row) for side in (a, b)]
    return ComparedRow(key, (counts[0], counts[1]), p95, p50, errors)


def _over_runs(
    a: Sequence[RunRow | None],
    b: Sequence[RunRow | None],
    figure: Figure,
    scale: Callable[[float], float],
    back: Callable[[float], float],
) -> ComparedFigure:
    """Welch's t on a figure of each run; None where any run lacks it: the runs that have it would be a selection."""
    means: list[float | None] = []
    sides: list[list[float]] = []
    for side in (a, b):
        found = [figure(row) if row else None for row in side]
        known = [scale(value) for value in found if value is not None]
        sides.append(known)
        means.append(back(sum(known) / len(known)) if len(known) == len(side) else None)
    return ComparedFigure(means[0], means[1], welch(*sides) if None not in means else None)


def _p50(row: RunRow) -> float | None:
    return row.p50_ms


def _p95(row: RunRow) -> float | None:
    return row.p95_ms


def _share_of(row: RunRow) -> float | None:
    return row.bad / row.total if row.total else None


def _adjusted(figures: Sequence[ComparedFigure]) -> list[ComparedFigure]:
    """The figures of one family with their adjusted p-values."""
    p_values = [figure.difference.p_value for figure in figures if figure.difference]
    adjusted = iter(benjamini_yekutieli(p_values))
    return [replace(figure, adjusted_p=next(adjusted)) if figure.difference else figure for figure in figures]
