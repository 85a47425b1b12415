"""Latencies of a run in time order, split by site, workflow or any other dimension, and the percentiles that such a
group carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import Percentile, percentile, printable
from harness.analysis.tables import DIMENSIONS, WORKFLOW_DIMENSIONS, columns_of, positions_by_code

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

    @classmethod
    def of_requests(cls, tables: duckdb.DuckDBPyConnection) -> Latencies:
        """Headline latencies of all timed requests, by site, workflow, operation, lane, persona, phase, time zone and
        kind of site."""
        return cls._fetch(tables, "samples", DIMENSIONS, "headline_ms", "requests WHERE timed")

    @classmethod
    def of_servers(cls, tables: duckdb.DuckDBPyConnection) -> Latencies:
        """The same requests' times without the emulated link."""
        return cls._fetch(tables, "samples", DIMENSIONS, "server_ms", "requests WHERE timed")

    @classmethod
    def of_arrivals(cls, tables: duckdb.DuckDBPyConnection) -> Latencies:
        """Headline latencies of what came by itself, its first requests counted from when they were due."""
        return cls._fetch(tables, "samples", DIMENSIONS, "headline_ms", "requests WHERE timed AND open")

    @classmethod
    def of_workflows(cls, tables: duckdb.DuckDBPyConnection) -> Latencies:
        """Waiting times of the workflow runs that ended, by site, workflow, persona, lane, time zone and kind of site;
        infinite where one failed or was abandoned."""
        return cls._fetch(tables, "workflows", WORKFLOW_DIMENSIONS, "waited_ms", "waits")

    @classmethod
    def _fetch(
        cls, tables: duckdb.DuckDBPyConnection, types: str, dimensions: Sequence[str], value: str, rows: str
    ) -> Latencies:
        names = {name: _names_of(tables, f"{types}_{name}") for name in dimensions}
        coded = ", ".join(f"coalesce(enum_code({name}), {len(names[name])}) AS {name}" for name in dimensions)
        columns = columns_of(tables, f"SELECT start_s, {value}, {coded} FROM {rows}")  # noqa: S608 (ours)
        order = np.argsort(columns["start_s"], kind="stable")
        codes = {name: columns[name].astype(np.uint16)[order] for name in dimensions}
        return cls(columns[value][order], codes, names, columns["start_s"][order])

    def split(self, *dimensions: str) -> Iterator[tuple[tuple[str, ...], Floats]]:
        """Each group that has latencies: its names, one a dimension, and its latencies in time order. No dimension: one
        group of all."""
        for labels, own in self._places(*dimensions):
            yield labels, self.values_ms[own]

    def split_with_starts(self, *dimensions: str) -> Iterator[tuple[tuple[str, ...], Floats, Floats]]:
        """As `split`: names, when each of the group began (s), latencies (ms)."""
        for labels, own in self._places(*dimensions):
            yield labels, self.start_s[own], self.values_ms[own]

    def _places(self, *dimensions: str) -> Iterator[tuple[tuple[str, ...], NDArray[np.intp]]]:
        if not len(self.values_ms):
            return
        code = np.zeros(len(self.values_ms), np.int64)
        for name in dimensions:
            code = code * (len(self.names[name]) + 1) + self.codes[name]
        if code.max() <= np.iinfo(np.uint16).max:
            code = code.astype(np.uint16)
        for own in positions_by_code(code):
            yield tuple(self._name(name, int(self.codes[name][own[0]])) for name in dimensions), own

    def _name(self, dimension: str, code: int) -> str:
        known = self.names[dimension]
        return known[code] if code < len(known) else ""


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
