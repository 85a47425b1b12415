"""One run as the rows of a comparison: the network, each site, each workflow, and the waiting of each workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.block_bootstrap import NO_SAMPLES, Stretch, stretches_of
from harness.analysis.intervals import correlation_factor, printable
from harness.analysis.latencies import Latencies
from harness.analysis.requests import Requests, read_requests
from harness.analysis.significance import design_effect
from harness.analysis.tables import open_tables
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = ["KINDS", "RowKey", "RunRow", "counts_by", "read_rows", "row_of", "stretches_by"]

Floats = NDArray[np.float64]

KINDS: Final = ("network", "site", "lane", "workflow", "waiting")
"""Kinds of rows. All but the last are of requests; `waiting` is of whole runs of a workflow, thinking left out."""

_COUNTS: Final = """
    SELECT {names}
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
        return replace(self, samples=NO_SAMPLES)


def row_of(samples: Stretch, totals: Floats, bads: Floats) -> RunRow:
    """A row from its timed samples, and from how many there were, and how many bad ones, in each stretch of time."""
    p50_ms, p95_ms = (_carried(samples.values_ms, p) for p in (0.50, 0.95))
    return RunRow(samples, int(totals.sum()), int(bads.sum()), design_effect(bads, totals), p50_ms, p95_ms)


def read_rows(run_dir: RunDir, spec: RunSpec, length_s: float) -> dict[RowKey, RunRow]:
    """The rows of a run of `length_s`. Raises JudgeError where a file is missing or cannot be read."""
    with open_tables(run_dir, spec.sites) as tables:
        return dict(_rows(tables, read_requests(tables, run_dir.samples), length_s))


def _rows(tables: duckdb.DuckDBPyConnection, requests: Requests, length_s: float) -> Iterator[tuple[RowKey, RunRow]]:
    of_requests, of_runs = Latencies.of_requests(requests), Latencies.of_workflows(tables)
    for kind, source, dimensions, bad, latencies in (
        ("network", "requests", (), "is_error", of_requests),
        ("site", "requests", ("site",), "is_error", of_requests),
        ("workflow", "requests", ("workflow",), "is_error", of_requests),
        ("waiting", "waits", ("workflow",), "waited_ms = 'inf'", of_runs),
    ):
        timed = stretches_by(latencies, *dimensions)
        for names, (totals, bads) in counts_by(tables, source, dimensions, bad, length_s).items():
            name = "".join(names)
            if kind == "network" or name:
                yield RowKey(kind, name), row_of(timed.get(names, NO_SAMPLES), totals, bads)


def stretches_by(latencies: Latencies, *dimensions: str) -> dict[tuple[str, ...], Stretch]:
    """Names, one a dimension → the samples of that group."""
    return {
        names: Stretch(start_s, values_ms)
        for names, values_ms, start_s in latencies.split_with(latencies.start_s, *dimensions)
    }


def counts_by(
    tables: duckdb.DuckDBPyConnection, source: str, dimensions: Sequence[str], bad: str, length_s: float
) -> dict[tuple[str, ...], tuple[Floats, Floats]]:
    """Names, one a dimension → how many rows of `source`, and how many `bad` ones, in each stretch of a run of
    `length_s`."""
    stretches = stretches_of(length_s)
    names = "".join(f"coalesce({name}::VARCHAR, '') AS {name}, " for name in dimensions)
    query = _COUNTS.format(names=names, source=source, bad=bad, stretches=stretches, length_s=length_s)
    found: dict[tuple[str, ...], tuple[Floats, Floats]] = {}
    for *group, stretch, total, count in tables.execute(query).fetchall():
        totals, bads = found.setdefault(tuple(group), (np.zeros(stretches), np.zeros(stretches)))
        totals[stretch], bads[stretch] = total, count
    return found


def _carried(values_ms: Floats, p: float) -> float | None:
    if not printable(p, len(values_ms)):
        return None
    # numpy's own interpolation gives NaN between two infinite values
    figure = float(np.quantile(np.minimum(values_ms, 1e300), p))
    if figure > 1e270 or not printable(p, len(values_ms) / correlation_factor(values_ms <= figure)):
        return None
    return figure
