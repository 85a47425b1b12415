"""One run as the rows of a comparison: the network, each site, each workflow, and the waiting of each workflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.block_bootstrap import Stretch, stretches_of
from harness.analysis.intervals import correlation_factor, printable
from harness.analysis.latencies import Latencies
from harness.analysis.requests import Requests, read_requests
from harness.analysis.significance import design_effect
from harness.analysis.tables import columns_of, open_tables
from harness.errors import JudgeError
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = ["KINDS", "RowKey", "RunRow", "read_rows", "row_of"]

Floats = NDArray[np.float64]

KINDS: Final = ("network", "site", "lane", "workflow", "waiting")
"""Kinds of rows. All but the last are of requests; `waiting` is of whole runs of a workflow, thinking left out."""

_NOTHING: Final = Stretch(np.empty(0), np.empty(0))
_COUNTS: Final = """
    SELECT coalesce({name}::VARCHAR, '') AS name,
           least(greatest(floor(start_s * {stretches} / {length_s}), 0), {stretches} - 1)::INTEGER AS stretch,
           count(*) AS total, count(*) FILTER ({bad}) AS bad
    FROM {source} GROUP BY ALL ORDER BY ALL
"""


class RowKey(NamedTuple):
    """Which row; the network's name is ""."""

    kind: str
    name: str


@dataclass(frozen=True)
class RunRow:
    """What one run has of one row."""

    samples: Stretch
    """Headline latencies, or waiting times, of which lost work is one without an end; in time order."""
    total: int
    """Requests, or runs of a workflow that ended."""
    bad: int
    """Errors among them, or runs that failed or were given up."""
    bad_effect: float
    """How many bad ones are worth one independent one (see `significance.design_effect`)."""

    p50_ms: float | None
    """None where too few effective samples carry it, or it lies among lost work; so is p95."""
    p95_ms: float | None

    def without_samples(self) -> RunRow:
        """Its figures alone, where several runs are read and only these are asked for."""
        return replace(self, samples=_NOTHING)


def row_of(samples: Stretch, totals: Floats, bads: Floats) -> RunRow:
    """A row from its timed samples, and from how many there were, and how many bad ones, in each stretch of time."""
    p50_ms, p95_ms = (_carried(samples.values_ms, p) for p in (0.50, 0.95))
    return RunRow(samples, int(totals.sum()), int(bads.sum()), design_effect(bads, totals), p50_ms, p95_ms)


def read_rows(run_dir: RunDir, spec: RunSpec, length_s: float) -> dict[RowKey, RunRow]:
    """The rows of a run of `length_s`. Raises JudgeError where a file is missing or cannot be read."""
    try:
        with open_tables(run_dir, spec.sites) as tables:
            return dict(_rows(tables, read_requests(tables, run_dir.samples), length_s))
    except duckdb.Error as error:
        hint = "the run's folder is damaged, or this is a defect of the harness; the samples themselves are kept"
        raise JudgeError(f"the run could not be read: {error}", hint) from error


def _rows(tables: duckdb.DuckDBPyConnection, requests: Requests, length_s: float) -> Iterator[tuple[RowKey, RunRow]]:
    of_requests, of_runs = Latencies.of_requests(requests), Latencies.of_workflows(tables)
    for kind, source, dimensions, bad, latencies in (
        ("network", "requests", (), "is_error", of_requests),
        ("site", "requests", ("site",), "is_error", of_requests),
        ("workflow", "requests", ("workflow",), "is_error", of_requests),
        ("waiting", "waits", ("workflow",), "waited_ms = 'inf'", of_runs),
    ):
        timed = {
            "".join(names): Stretch(start_s, values_ms)
            for names, values_ms, start_s in latencies.split_with(latencies.start_s, *dimensions)
        }
        for name, totals, bads in _counts(tables, source, "".join(dimensions), bad, length_s):
            if kind == "network" or name:
                yield RowKey(kind, name), row_of(timed.get(name, _NOTHING), totals, bads)


def _counts(
    tables: duckdb.DuckDBPyConnection, source: str, column: str, bad: str, length_s: float
) -> Iterator[tuple[str, Floats, Floats]]:
    """Name, then totals and bad ones by stretch of time."""
    stretches = stretches_of(length_s)
    query = _COUNTS.format(name=column or "''", source=source, bad=bad, stretches=stretches, length_s=length_s)
    found = columns_of(tables, query)
    for name in dict.fromkeys(found["name"].tolist()):
        own = found["name"] == name
        totals, bads = np.zeros(stretches), np.zeros(stretches)
        totals[found["stretch"][own]], bads[found["stretch"][own]] = found["total"][own], found["bad"][own]
        yield name, totals, bads


def _carried(values_ms: Floats, p: float) -> float | None:
    if not printable(p, len(values_ms)):
        return None
    # numpy's own interpolation gives NaN between two infinite values
    figure = float(np.quantile(np.minimum(values_ms, 1e300), p))
    if figure > 1e270 or not printable(p, len(values_ms) / correlation_factor(values_ms <= figure)):
        return None
    return figure
