"""Latencies of a run in time order, split by site, workflow or any other dimension, and the percentiles that such a
group carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import correlation_factor, printable, quantile
from harness.analysis.tables import DIMENSIONS, WORKFLOW_DIMENSIONS, columns_of, positions_by_code

__all__ = ["PERCENTILES", "Latencies", "percentile_row", "printed_percentile"]

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


def percentile_row(headline_ms: Floats) -> dict[str, float | None]:
    """`p50_ms` … `p999_ms` and `max_ms` of latencies in time order; a percentile that too few samples carry is None."""
    row: dict[str, float | None] = dict.fromkeys((*PERCENTILES, "max_ms"))
    if not len(headline_ms):
        return row
    wanted = [key for key, p in PERCENTILES.items() if printable(p, len(headline_ms))]
    figures = np.quantile(headline_ms, [PERCENTILES[key] for key in wanted])
    for key, figure in zip(wanted, figures, strict=True):
        effective = len(headline_ms) / correlation_factor(headline_ms <= figure)
        row[key] = float(figure) if printable(PERCENTILES[key], effective) else None
    row["max_ms"] = float(headline_ms.max())
    return row


def printed_percentile(values_ms: Floats, p: float) -> float | None:
    """Percentile `p` (0..1) of values in time order; None where too few carry it, or it is infinite."""
    figure = quantile(values_ms, p)
    if not np.isfinite(figure):
        return None
    return figure if printable(p, len(values_ms) / correlation_factor(values_ms <= figure)) else None


def _names_of(tables: duckdb.DuckDBPyConnection, enum: str) -> tuple[str, ...]:
    found = tables.execute(f"SELECT unnest(enum_range(NULL::{enum}))::VARCHAR").fetchall()
    return tuple(name for (name,) in found)
