"""One run as the rows of those who may be hurt: all of them together, each site, each lane.

    samples ─▶ cells: site × lane ─┬─ sites that did not grow ─┬─▶ together · by site · by lane      the victims
                                   └─ sites that grew ─────────┴─▶ by site                           the aggressors

Where every site grew, in some lanes, the victims are all sites in the lanes that did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.block_bootstrap import NO_SAMPLES, Stretch
from harness.analysis.demand import Growth
from harness.analysis.latencies import Latencies
from harness.analysis.requests import read_requests
from harness.analysis.run_rows import RowKey, RunRow, counts_by, row_of, stretches_by
from harness.analysis.tables import open_tables
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = ["Cell", "Cells", "Victims", "read_cells", "rows_of_cells", "victims_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Victims:
    """Whose requests are looked at: those of `sites`, but for `without_lanes`; and the aggressors' own."""

    sites: frozenset[str]
    aggressors: frozenset[str]
    without_lanes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cell:
    """The requests of one site in one lane."""

    samples: Stretch
    totals: Floats
    """Requests by stretch of time; so are `bads`, the errors among them."""
    bads: Floats


Cells = Mapping[tuple[str, str], Cell]
"""(site, lane) → its requests."""


def victims_of(growth: Growth, sites: Iterable[str]) -> Victims:
    """Who may be hurt by what grew, of all `sites`."""
    if growth.everywhere:
        return Victims(frozenset(sites), frozenset(), growth.grown_lanes)
    return Victims(frozenset(sites) - set(growth.more), frozenset(growth.more))


def read_cells(run_dir: RunDir, spec: RunSpec, length_s: float) -> dict[tuple[str, str], Cell]:
    """The requests of a run of `length_s`. Raises JudgeError where a file is missing or cannot be read."""
    with open_tables(run_dir, spec.sites) as tables:
        latencies = Latencies.of_requests(read_requests(tables, run_dir.samples))
        timed = stretches_by(latencies, "site", "lane")
        counted = counts_by(tables, "requests", ("site", "lane"), "is_error", length_s)
    return {(site, lane): Cell(timed.get((site, lane), NO_SAMPLES), *both) for (site, lane), both in counted.items()}


def rows_of_cells(cells: Cells, victims: Victims) -> dict[RowKey, RunRow]:
    """The victims together (`network`, ""), by `site` and by `lane`; and the aggressors by `site`, all their lanes."""
    hurt = {
        key: cell
        for key, cell in cells.items()
        if key[0] in victims.sites and key[1] and key[1] not in victims.without_lanes
    }
    rows: dict[RowKey, RunRow] = {}
    if hurt:
        rows[RowKey("network", "")] = _together(list(hurt.values()))
    for at, kind in enumerate(("site", "lane")):
        rows |= {RowKey(kind, name): _together(own) for name, own in _by(at, hurt).items()}
    greedy = {key: cell for key, cell in cells.items() if key[0] in victims.aggressors}
    return rows | {RowKey("site", name): _together(own) for name, own in _by(0, greedy).items()}


def _by(at: int, cells: Cells) -> dict[str, list[Cell]]:
    """By site (0) or by lane (1), in the order of their names."""
    found: dict[str, list[Cell]] = {}
    for key in sorted(cells, key=lambda key: key[at]):
        found.setdefault(key[at], []).append(cells[key])
    return found


def _together(cells: Sequence[Cell]) -> RunRow:
    start_s = np.concatenate([cell.samples.start_s for cell in cells])
    order = np.argsort(start_s, kind="stable")
    values_ms = np.concatenate([cell.samples.values_ms for cell in cells])
    samples = Stretch(start_s[order], values_ms[order])
    return row_of(
        samples, np.sum([cell.totals for cell in cells], axis=0), np.sum([cell.bads for cell in cells], axis=0)
    )
