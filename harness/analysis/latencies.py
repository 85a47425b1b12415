"""Latencies of a run in time order, split by site, workflow or any other dimension, and the percentiles that such a
group carries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.grouping import code_type, side_by_side
from harness.analysis.intervals import Percentile, percentile, printable
from harness.analysis.requests import Requests
from harness.analysis.tables import WORKFLOW_DIMENSIONS, columns_of

__all__ = ["PERCENTILES", "Latencies", "named_percentiles", "percentile_row"]

Floats = NDArray[np.float64]

PERCENTILES: Final = {"p50_ms": 0.50, "p90_ms": 0.90, "p95_ms": 0.95, "p99_ms": 0.99, "p999_ms": 0.999}


@dataclass(frozen=True)
class Latencies:
    """Milliseconds in the order of their start, with the codes of their names."""

    values_ms: Floats
    codes: Mapping[str, NDArray[Any]]
    names: Mapping[str, tuple[str, ...]]
    start_s: Floats
    """When each began, in seconds of the run, ascending."""
    left_out: NDArray[np.bool_] | None = None
    """Those that do not count: a copy of all the others would take as much memory again."""

    @classmethod
    def of_requests(cls, requests: Requests) -> Latencies:
        """Headline latencies of all timed requests, by site, workflow, operation, lane, persona, phase, time zone and
        kind of site."""
        untimed = ~requests.timed
        left_out = untimed if untimed.any() else None
        return cls(requests.headline_ms, requests.codes, requests.names, requests.start_s, left_out)

    @classmethod
    def of_arrivals(cls, requests: Requests) -> Latencies:
        """Headline latencies of what came by itself, its first requests counted from when they were due; by persona."""
        own = np.flatnonzero(requests.open & requests.timed)
        codes = {"persona": requests.codes["persona"][own]}
        return cls(requests.headline_ms[own], codes, requests.names, requests.start_s[own])

    @classmethod
    def of_workflows(cls, tables: duckdb.DuckDBPyConnection) -> Latencies:
        """Waiting times of the workflow runs that ended, by site, workflow, persona, lane, time zone and kind of site;
        infinite where one failed or was abandoned."""
        names = {name: _names_of(tables, f"workflows_{name}") for name in WORKFLOW_DIMENSIONS}
        coded = ", ".join(f"coalesce(enum_code({name}), {len(names[name])}) AS {name}" for name in WORKFLOW_DIMENSIONS)
        columns = columns_of(tables, f"SELECT start_s, waited_ms, {coded} FROM waits")  # noqa: S608 (ours)
        order = np.argsort(columns["start_s"], kind="stable")
        codes = {name: columns[name].astype(code_type(len(names[name])))[order] for name in WORKFLOW_DIMENSIONS}
        return cls(columns["waited_ms"][order], codes, names, columns["start_s"][order])

    def beside(self, values_ms: Floats) -> Latencies:
        """Another column of the same, one value each."""
        return replace(self, values_ms=values_ms)

    def split(self, *dimensions: str) -> Iterator[tuple[tuple[str, ...], Floats]]:
        """Each group that has latencies: its names, one a dimension, and its latencies in time order. No dimension: one
        group of all."""
        for labels, (values_ms,) in self._groups(dimensions, self.values_ms):
            yield labels, values_ms

    def split_with(self, beside: Floats, *dimensions: str) -> Iterator[tuple[tuple[str, ...], Floats, Floats]]:
        """As `split`: names, latencies (ms), and the part of another column that goes with them."""
        for labels, (values_ms, others) in self._groups(dimensions, self.values_ms, beside):
            yield labels, values_ms, others

    def _groups(
        self, dimensions: Sequence[str], *columns: Floats
    ) -> Iterator[tuple[tuple[str, ...], tuple[Floats, ...]]]:
        if not dimensions:
            kept = slice(None) if self.left_out is None else ~self.left_out
            if len(self.values_ms[kept]):
                yield (), tuple(column[kept] for column in columns)
            return
        sizes = [len(self.names[name]) + 1 for name in dimensions]
        edges, grouped = side_by_side(self._code(dimensions, sizes), math.prod(sizes), *columns)
        for group, (begin, end) in enumerate(pairwise(edges)):
            if begin < end:
                places = np.unravel_index(group, sizes)
                labels = tuple((*self.names[name], "")[place] for name, place in zip(dimensions, places, strict=True))
                yield labels, tuple(column[begin:end] for column in grouped)

    def _code(self, dimensions: Sequence[str], sizes: Sequence[int]) -> NDArray[Any]:
        """One code a combination of names; what is left out has the one after the last."""
        first, *others = dimensions
        kind = code_type(math.prod(sizes))
        code = self.codes[first].astype(kind, copy=self.left_out is not None)
        for name, size in zip(others, sizes[1:], strict=True):
            code = code * kind(size) + self.codes[name]
        if self.left_out is not None:
            code[self.left_out] = math.prod(sizes)
        return code


def percentile_row(headline_ms: Floats) -> dict[str, Any]:
    """`p50_ms` … `p999_ms` and `max_ms` of latencies in time order, then `intervals` and `effective_samples`, each by
    the percentile's name; a percentile that too few samples carry is None, and so are both ends of its interval."""
    row: dict[str, Any] = dict.fromkeys((*PERCENTILES, "max_ms"))
    row |= named_percentiles(headline_ms, PERCENTILES)
    if len(headline_ms):
        row["max_ms"] = float(headline_ms.max())
    return row


def named_percentiles(values_ms: Floats, wanted: Mapping[str, float]) -> dict[str, Any]:
    """Name → percentile (0..1) of values in time order, as a row of summary.json has it: each name with its figure in
    ms, `intervals` name → [low, high], `effective_samples` name → how many independent ones carry it.

    The figure is None where too few carry it, or it is infinite; an end of an interval where the samples cannot tell
    it. Effective samples are None where even all samples, were they independent, would be too few.
    """
    found: dict[str, Percentile | None] = dict.fromkeys(wanted)
    carried = [name for name, p in wanted.items() if printable(p, len(values_ms))]
    if carried:
        ordered = np.sort(values_ms)
        found |= {name: percentile(values_ms, ordered, wanted[name]) for name in carried}
    return {
        **{name: one and one.figure for name, one in found.items()},
        "intervals": {name: list(one.interval) if one else [None, None] for name, one in found.items()},
        "effective_samples": {name: one and round(one.effective_samples, 1) for name, one in found.items()},
    }


def _names_of(tables: duckdb.DuckDBPyConnection, enum: str) -> tuple[str, ...]:
    found = tables.execute(f"SELECT unnest(enum_range(NULL::{enum}))::VARCHAR").fetchall()
    return tuple(name for (name,) in found)
