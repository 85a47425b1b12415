"""All requests of a run in memory, as columns in the order of their start: for what needs them one by one.

row group ─▶ names become codes of one byte or two ─┐
row group ─▶ …                                      ├─▶ each row straight to its place in time
row group ─▶ …                                     ─┘

Only the columns are ever whole in memory, never the rows: ten million requests take 45 bytes each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.analysis.at_once import THREADS, two_at_once
from harness.analysis.grouping import code_type
from harness.analysis.intervals import quantile
from harness.analysis.tables import NOT_ERRORS, UNTIMED, columns_of
from harness.errors import JudgeError

__all__ = ["Requests", "read_requests"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.unsignedinteger[Any]]
Places = NDArray[np.intp]

_NAMES: Final = ("site", "workflow", "operation", "lane", "persona", "phase", "outcome")
_BY_SITE: Final = ("time_zone", "template")


@dataclass(frozen=True)
class Requests:
    """One entry a request in each column, in the order of `start_s`; those of one moment as they stand in the file."""

    start_s: Floats
    """Seconds of the run, ascending."""
    latency_ms: Floats
    """As the clinician felt it, link included."""
    headline_ms: Floats
    """Of the first request of what came by itself from when it was due, of any other from when it was sent."""
    server_ms: Floats | None
    """Without the emulated link; None where no site has a link."""
    open: Bools
    """Whether it is part of what came by itself."""
    status: NDArray[np.int16]
    """0 where none came."""
    start_lag_p99_ms: float | None
    """How late the latest hundredth were sent, in ms; None without requests. Only this needs when each was due, so that
    no column of it is kept."""
    codes: Mapping[str, Codes]
    """site, workflow, operation, lane, persona, phase, outcome, time_zone, template → index into its `names`; one past
    the last where there is no name."""
    names: Mapping[str, tuple[str, ...]]
    """In alphabetical order."""

    @property
    def done_s(self) -> Floats:
        done_s = self.latency_ms / 1000
        done_s += self.start_s
        return done_s

    def has_outcome(self, *outcomes: str) -> Bools:
        """Whether a request's outcome is one of these."""
        of_code = np.array([name in outcomes for name in (*self.names["outcome"], "")])
        found: Bools = of_code[self.codes["outcome"]]
        return found

    @property
    def timed(self) -> Bools:
        """Whether it has a latency that counts."""
        return ~self.has_outcome(*UNTIMED)

    @property
    def is_error(self) -> Bools:
        return ~self.has_outcome(*NOT_ERRORS)


def read_requests(tables: duckdb.DuckDBPyConnection, samples: Path) -> Requests:
    """The requests of `samples`, the file that `tables` was opened over.

    Raises JudgeError where a part of the file cannot be read.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # pyarrow's own keeps 70 MB of row groups that nobody needs again
    names = {name: _distinct(tables, name) for name in (*_NAMES, *_BY_SITE)}
    linked = tables.execute("SELECT bool_or(linked) FROM counted").fetchall()[0][0]
    try:
        in_file_s = pq.read_table(samples, columns=["start_s"]).column(0).to_numpy()
        place = _places_in_time(in_file_s)
        start_s = _placed(in_file_s, place)
        del in_file_s
        columns = _Columns(
            latency_ms=np.empty(len(start_s)),
            server_ms=np.empty(len(start_s)) if linked else None,
            open=np.empty(len(start_s), np.bool_),
            status=np.empty(len(start_s), np.int16),
            lag_ms=np.empty(len(start_s)),
            codes={name: np.empty(len(start_s), code_type(len(names[name]))) for name in _NAMES},
        )
        _fill(columns, samples, start_s, place, names)
    except (OSError, pa.ArrowInvalid) as error:
        hint = "the file is damaged; run again"
        raise JudgeError(f"{samples.name}: cannot be read ({type(error).__name__})", hint) from error
    columns.lag_ms.sort()
    codes = {**columns.codes, **_codes_by_site(tables, names, columns.codes["site"])}
    return Requests(
        start_s=start_s,
        latency_ms=columns.latency_ms,
        headline_ms=_counted_from_due(columns.latency_ms, tables, place),
        server_ms=columns.server_ms,
        open=columns.open,
        status=columns.status,
        start_lag_p99_ms=quantile(columns.lag_ms, 0.99) if len(start_s) else None,
        codes=codes,
        names=names,
    )


@dataclass(frozen=True)
class _Columns:
    """What the row groups are read into, in the order of time."""

    latency_ms: Floats
    server_ms: Floats | None
    open: Bools
    status: NDArray[np.int16]
    lag_ms: Floats
    codes: Mapping[str, Codes]


def _distinct(tables: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    query = f"SELECT DISTINCT {name} FROM counted WHERE {name} <> '' ORDER BY 1"  # noqa: S608 (ours)
    return tuple(text for (text,) in tables.execute(query).fetchall())


def _places_in_time(start_s: Floats) -> Places | None:
    """Where in the order of time each row belongs; None where all are there already."""
    if bool((start_s[1:] >= start_s[:-1]).all()):
        return None
    order = np.argsort(start_s, kind="stable")  # what each worker wrote is nearly in order: few merges
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return place


def _placed(values: Floats, place: Places | None) -> Floats:
    if place is None:
        return values
    placed = np.empty_like(values)
    placed[place] = values
    return placed


def _fill(
    columns: _Columns, samples: Path, start_s: Floats, place: Places | None, names: Mapping[str, tuple[str, ...]]
) -> None:
    """Each thread reads every other row group; no two write to the same place."""
    about = pq.ParquetFile(samples).metadata
    edges = np.cumsum([0, *(about.row_group(group).num_rows for group in range(about.num_row_groups))])
    wanted = ["intended_s", "latency_ms", "open", "status", *_NAMES]
    if columns.server_ms is not None:
        wanted.append("server_ms")
    code_of = {name: {text: code for code, text in enumerate(names[name])} for name in _NAMES}

    def fill(first: int) -> None:
        with pq.ParquetFile(samples) as file:
            for group in range(first, about.num_row_groups, THREADS):
                rows = slice(edges[group], edges[group + 1])
                to = rows if place is None else place[rows]
                table = file.read_row_group(group, wanted, use_threads=False)
                columns.latency_ms[to] = table["latency_ms"].to_numpy()
                columns.lag_ms[to] = np.maximum(0.0, start_s[to] - table["intended_s"].to_numpy()) * 1000
                columns.open[to] = table["open"].to_numpy()
                columns.status[to] = table["status"].to_numpy()
                if columns.server_ms is not None:
                    columns.server_ms[to] = table["server_ms"].to_numpy()
                for name in _NAMES:
                    columns.codes[name][to] = _coded(table[name], code_of[name])

    two_at_once(fill, range(THREADS))


def _coded(column: pa.ChunkedArray[Any], code_of: Mapping[str, int]) -> Codes:
    """The codes of names; a row group has a dictionary of its own."""
    nameless = len(code_of)
    coded = [np.empty(0, code_type(nameless))]
    for chunk in column.chunks:
        told = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
        known = told.dictionary.to_pylist()
        codes = np.array([*(code_of.get(text or "", nameless) for text in known), nameless], code_type(nameless))
        coded.append(codes[told.indices.fill_null(len(known)).to_numpy()])
    return np.concatenate(coded)


def _counted_from_due(latency_ms: Floats, tables: duckdb.DuckDBPyConnection, place: Places | None) -> Floats:
    """Headline latencies; the latencies themselves, not even copied, where nothing came by itself."""
    query = "SELECT row, (start_s - intended_s) * 1000 AS late_ms FROM requests WHERE is_arrival"
    late = columns_of(tables, query)
    if not len(late["row"]):
        return latency_ms
    headline_ms = latency_ms.copy()
    headline_ms[late["row"] if place is None else place[late["row"]]] += late["late_ms"]
    return headline_ms


def _codes_by_site(
    tables: duckdb.DuckDBPyConnection, names: Mapping[str, tuple[str, ...]], site: Codes
) -> dict[str, Codes]:
    """What a row has by its site."""
    found = {}
    for name in _BY_SITE:
        code_of = {text: code for code, text in enumerate(names[name])}
        value_of = dict(tables.execute(f"SELECT site, {name} FROM places").fetchall())  # noqa: S608 (ours)
        own = [code_of.get(value_of.get(text, ""), len(code_of)) for text in (*names["site"], "")]
        found[name] = np.array(own, code_type(len(code_of)))[site]
    return found
