"""How sure the ratio of two runs' percentiles is: stretches of time, drawn again and again from both runs together.

run A   ▁▂▁▁▅▇▂▁▁▁▂▁    the same stretches of both: what the day does to both runs is no noise,
run B   ▁▁▂▁▆▇▃▁▁▁▁▁    and requests that resemble their neighbours stay with them
          └─┘ └─┘

Requests of one run are correlated, so that drawing single requests calls most runs different that are not. What is
drawn is counts: requests by cell of time and by place in a grid of latencies; a draw is one row of a matrix product,
and a million requests take no longer than a thousand. docs/decisions/0014 has what was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.analysis.significance import Difference, t_difference

__all__ = ["NO_SAMPLES", "Stretch", "effective_stretches", "percentile_difference", "stretches_of"]

Floats = NDArray[np.float64]

SHORTEST_STRETCH_S: Final = 30.0
"""A queue near saturation remembers for tens of seconds; stretches must be longer than that (measured: 0014)."""
FEWEST_STRETCHES: Final = 8
MOST_STRETCHES: Final = 20
CELLS_A_STRETCH: Final = 12
"""A stretch may begin at any of these, and goes on at the run's beginning where the run ends."""
FEWEST_EFFECTIVE: Final = 4.0
"""Where fewer stretches than this hold nearly all samples, nobody knows how much one differs from the next."""
DRAWS: Final = 1000
"""The error of an error from so many draws is 2% of it."""
SEED: Final = 20041
"""Fixed, so that the same two runs give the same answer each time."""
_ODDS: Final = np.linspace(-3.5, 3.5, 141)
"""Grid of latencies around a percentile, as logarithms of odds: steps of 5%, up to a factor of 33 either way."""


@dataclass(frozen=True)
class Stretch:
    """What one row of one run holds: when its samples began (s of the run, ascending) and how long they took (ms)."""

    start_s: Floats
    values_ms: Floats


NO_SAMPLES: Final = Stretch(np.empty(0), np.empty(0))


def stretches_of(length_s: float) -> int:
    """How many stretches a run of this length is cut into: 20, fewer where they would be too short, 8 at least."""
    return int(min(max(length_s // SHORTEST_STRETCH_S, FEWEST_STRETCHES), MOST_STRETCHES))


def effective_stretches(start_s: Floats, length_s: float) -> float:
    """How many stretches, equally full, hold as much as these samples do: (Σn)²/Σn² (Kish, Survey Sampling, 1965)."""
    if not len(start_s):
        return 0.0
    counts = np.bincount(_cells(start_s, length_s, stretches_of(length_s))).astype(float)
    return float(counts.sum() ** 2 / (counts**2).sum())


def percentile_difference(a: Stretch, b: Stretch, p: float, length_s: float) -> Difference | None:
    """Logarithm of percentile `p` (0..1) of `b` less that of `a`, two runs of `length_s`; None where a percentile lies
    among infinite values, or nearly all samples lie in fewer than `FEWEST_EFFECTIVE` stretches.

    Circular block bootstrap (Künsch, Annals of Statistics 17, 1989; Politis and Romano in Exploring the Limits of
    Bootstrap, 1992) of the standard error, both runs by the same draws. With m stretches the interval is that of t with
    m - 1 degrees of freedom, which is within 2% of what theory gives for an error from so few (Kiefer and Vogelsang,
    Econometric Theory 21, 2005, b = 1/m).

    Raises IndexError where a run has no samples.
    """
    figures = [_log_percentile(np.sort(one.values_ms), p) for one in (a, b)]
    worth = min(effective_stretches(one.start_s, length_s) for one in (a, b))
    if worth < FEWEST_EFFECTIVE or not all(map(math.isfinite, figures)):
        return None
    drawn = [_drawn(one, p, length_s) for one in (a, b)]
    apart = drawn[1] - drawn[0]
    apart = apart[np.isfinite(apart)]
    # as the variance of a sample: the draws vary about the run's own percentile, from which they are m - 1 steps free
    error = float(apart.std(ddof=1)) * math.sqrt(worth / (worth - 1))
    return t_difference(figures[1] - figures[0], error, worth - 1)


def _log_percentile(ordered_ms: Floats, p: float) -> float:
    place = p * (len(ordered_ms) - 1)
    below, above = float(ordered_ms[math.floor(place)]), float(ordered_ms[math.ceil(place)])
    if math.isinf(above):
        return math.inf
    return math.log(max(below + (above - below) * (place - math.floor(place)), 1e-9))


def _drawn(one: Stretch, p: float, length_s: float) -> Floats:
    """The percentile's logarithm in each of `DRAWS` draws; NaN where a draw holds no sample."""
    stretches = stretches_of(length_s)
    cells = stretches * CELLS_A_STRETCH
    grid = _grid(one.values_ms, p)
    place = np.searchsorted(grid, one.values_ms)
    at = _cells(one.start_s, length_s, cells) * (len(grid) + 1) + place
    counts = np.bincount(at, minlength=cells * (len(grid) + 1)).reshape(cells, -1)
    up_to = _from_each_cell(counts.cumsum(axis=1).astype(float))
    drawn = _times_drawn(stretches) @ up_to
    with np.errstate(invalid="ignore"):
        shares = drawn[:, :-1] / drawn[:, -1:]
    return _crossing(np.log(np.maximum(grid, 1e-9)), shares, p)


def _grid(values_ms: Floats, p: float) -> Floats:
    levels = 1 / (1 + np.exp(-(math.log(p / (1 - p)) + _ODDS)))
    found = np.unique(np.quantile(values_ms, levels, method="higher"))
    finite: Floats = found[np.isfinite(found)]
    return finite


def _cells(start_s: Floats, length_s: float, cells: int) -> NDArray[np.intp]:
    return np.clip((start_s * (cells / length_s)).astype(np.intp), 0, cells - 1)


def _from_each_cell(counts: Floats) -> Floats:
    """Sums over the stretch that begins at each cell, round the run's end."""
    round_the_end = np.concatenate([counts, counts[:CELLS_A_STRETCH]])
    sums = np.concatenate([np.zeros((1, counts.shape[1])), round_the_end.cumsum(axis=0)])
    stretch_sums: Floats = sums[CELLS_A_STRETCH : CELLS_A_STRETCH + len(counts)] - sums[: len(counts)]
    return stretch_sums


@cache
def _times_drawn(stretches: int) -> Floats:
    """Draw × cell → how often the stretch that begins there was drawn; `stretches` of them in each draw."""
    cells = stretches * CELLS_A_STRETCH
    begins = np.random.default_rng(SEED).integers(0, cells, (DRAWS, stretches))
    times = np.zeros((DRAWS, cells))
    np.add.at(times, (np.arange(DRAWS)[:, None], begins), 1.0)
    return times


def _crossing(log_grid: Floats, shares: Floats, p: float) -> Floats:
    """Where each row of `shares`, ascending along the grid, comes to `p`: straight between two places of the grid."""
    if len(log_grid) == 1:
        return np.where(np.isnan(shares[:, 0]), np.nan, log_grid[0])
    right = np.clip((shares < p).sum(axis=1), 1, len(log_grid) - 1)
    row = np.arange(len(shares))
    below, above = shares[row, right - 1], shares[row, right]
    part = np.clip((p - below) / np.where(above > below, above - below, 1.0), 0.0, 1.0)
    crossing: Floats = log_grid[right - 1] + part * (log_grid[right] - log_grid[right - 1])
    return crossing
