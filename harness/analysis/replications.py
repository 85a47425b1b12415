"""Several runs of one scenario, each by chance of its own: how sure is a percentile over all of them?

run 1 ─▶ p95 ─┐
run 2 ─▶ p95 ─┼─▶ logarithms ─▶ mean ± t·s/√n ─▶ geometric mean and interval, in ms
run 3 ─▶ p95 ─┘

Runs are independent of each other where requests are not, so this interval holds near saturation too. Independent
replications: Law, Simulation Modeling and Analysis (McGraw-Hill, 5th edition 2015), chapter 9. On logarithms, since
response times are skewed: what doubles them is as likely as what halves them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import stdtrit

__all__ = [
    "FEWEST_RUNS",
    "LEVEL_OVER_RUNS",
    "MOST_RUNS",
    "NARROW_ENOUGH",
    "PERCENTILES_OVER_RUNS",
    "Replications",
    "replicate",
    "replicate_rows",
]

LEVEL_OVER_RUNS: Final = 0.95
"""Level of an interval over runs: two-sided, 2.5% on either side."""

FEWEST_RUNS: Final = 5
"""Runs from which an interval may count as narrow enough: by chance two runs can lie close together. source:
assumption, from the t quantile, which is 12.7 for 2 runs, 4.3 for 3 and 2.8 for 5"""

MOST_RUNS: Final = 15
"""Where more than these would be needed, longer runs are the better way. source: assumption"""

NARROW_ENOUGH: Final = 0.05
"""Relative half-width at which repeating stops. source: assumption"""

PERCENTILES_OVER_RUNS: Final = ("p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True)
class Replications:
    """One percentile of one row, over runs."""

    figures_ms: tuple[float | None, ...]
    """One a run, in their order; None where too few of its requests carry it."""
    mean_ms: float | None
    """Geometric mean of those that are there; None without any."""
    interval_ms: tuple[float, float] | None
    """At `LEVEL_OVER_RUNS`; None unless at least two runs are there and each has a figure: requests hang together most
    in those that lack one, so the others would not speak for them."""
    relative_half_width: float | None
    """How far the upper end lies above the mean, as a share of it."""
    narrow_enough: bool
    more_runs: int | None
    """How many more make it narrow enough, if runs go on to differ as they do; None where `MOST_RUNS` do not suffice or
    nothing is known."""


def replicate(figures_ms: Sequence[float | None]) -> Replications:
    """Mean, interval and need of a percentile of several runs, in ms; infinite ones and zeros count as lacking."""
    figures = tuple(figure if figure and math.isfinite(figure) else None for figure in figures_ms)
    known = np.log([figure for figure in figures if figure is not None])
    if not len(known):
        return Replications(figures, None, None, None, False, None)
    mean = float(known.mean())
    if len(known) < len(figures) or len(known) < 2:
        return Replications(figures, math.exp(mean), None, None, False, None)
    spread = float(known.std(ddof=1))
    half = _half_width(spread, len(known))
    narrow = _narrow(spread, len(known))
    more = next((n for n in range(len(known), MOST_RUNS + 1) if _narrow(spread, n)), None)
    return Replications(
        figures,
        math.exp(mean),
        (math.exp(mean - half), math.exp(mean + half)),
        math.expm1(half),
        narrow,
        0 if narrow else more and more - len(known),
    )


def replicate_rows(summaries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Replications]]]:
    """`overall` (its one row is ""), `by_site` and `by_workflow` → name → percentile → what the runs say together.

    `summaries` are those of the runs, as in their summary.json; a row that a run has not counts as one without figures.
    """
    rows: dict[str, dict[str, dict[str, Replications]]] = {
        "overall": {"": _row([summary["overall"] for summary in summaries])}
    }
    for section in ("by_site", "by_workflow"):
        names = dict.fromkeys(name for summary in summaries for name in summary[section])
        rows[section] = {name: _row([summary[section].get(name, {}) for summary in summaries]) for name in names}
    return rows


def _row(of_runs: Sequence[Mapping[str, Any]]) -> dict[str, Replications]:
    return {name: replicate([row.get(name) for row in of_runs]) for name in PERCENTILES_OVER_RUNS}


def _half_width(spread: float, runs: int) -> float:
    """Of the mean of logarithms whose standard deviation is `spread`."""
    return float(stdtrit(runs - 1, (1 + LEVEL_OVER_RUNS) / 2)) * spread / math.sqrt(runs)


def _narrow(spread: float, runs: int) -> bool:
    return runs >= FEWEST_RUNS and math.expm1(_half_width(spread, runs)) <= NARROW_ENOUGH
