"""All requests of a run in memory, as columns in the order of their start: for what needs them one by one.

row group ─▶ names become codes of one byte or two ─┐
row group ─▶ …                                      ├─▶ each row straight to its place in time
row group ─▶ …                                     ─┘

Only the columns are ever whole in memory, never the rows: ten million requests take 45 bytes each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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
from harness.analysis.tables import NOT_ERRORS, UNTIMED, columns_of, count_requests
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
    """The requests of `samples`, the file that `tables` was opened over, and its table `counted` is made.

    Raises JudgeError where a part of the file cannot be read.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # pyarrow's own keeps 70 MB of row groups that nobody needs again
    try:
        with ThreadPoolExecutor(1) as beside:
            in_time = beside.submit(_in_time, samples)
            count_requests(tables)
            start_s, place = in_time.result()
        columns = _Columns.empty(tables, len(start_s))
        _fill(columns, samples, start_s, place)
    except (OSError, pa.ArrowInvalid) as error:
        hint = "the file is damaged; run again"
        raise JudgeError(f"{samples.name}: cannot be read ({type(error).__name__})", hint) from error
    columns.lag_ms.sort()
    return Requests(
        start_s=start_s,
        latency_ms=columns.latency_ms,
        headline_ms=_counted_from_due(columns.latency_ms, tables, place),
        server_ms=columns.server_ms,
        open=columns.open,
        status=columns.status,
        start_lag_p99_ms=quantile(columns.lag_ms, 0.99) if len(start_s) else None,
        codes={**columns.codes, **_codes_by_site(tables, columns.names, columns.codes["site"])},
        names=columns.names,
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
    names: Mapping[str, tuple[str, ...]]

    @classmethod
    def empty(cls, tables: duckdb.DuckDBPyConnection, rows: int) -> _Columns:
        """To be filled. The codes are as small as the names are few."""
        names = {name: _distinct(tables, name) for name in (*_NAMES, *_BY_SITE)}
        linked = tables.execute("SELECT bool_or(linked) FROM counted").fetchall()[0][0]
        return cls(
            latency_ms=np.empty(rows),
            server_ms=np.empty(rows) if linked else None,
            open=np.empty(rows, np.bool_),
            status=np.empty(rows, np.int16),
            lag_ms=np.empty(rows),
            codes={name: np.empty(rows, code_type(len(names[name]))) for name in _NAMES},
            names=names,
        )


def _distinct(tables: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    query = f"SELECT DISTINCT {name} FROM counted WHERE {name} <> '' ORDER BY 1"  # noqa: S608 (ours)
    return tuple(text for (text,) in tables.execute(query).fetchall())


def _in_time(samples: Path) -> tuple[Floats, Places | None]:
    """When each request was sent, ascending; and where in this order each row of the file belongs, None where all are
    there already."""
    in_file_s = np.empty(pq.ParquetFile(samples).metadata.num_rows)

    def keep(rows: slice, table: pa.Table) -> None:
        in_file_s[rows] = table["start_s"].to_numpy()

    _read(samples, ["start_s"], keep)
    if bool((in_file_s[1:] >= in_file_s[:-1]).all()):
        return in_file_s, None
    order = np.argsort(in_file_s, kind="stable")  # what each worker wrote is nearly in order: few merges
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return in_file_s[order], place


def _read(samples: Path, wanted: list[str], keep: Callable[[slice, pa.Table], None]) -> None:
    """Give `keep` each row group, and which rows it is. Two threads, each with every other one."""

    def share(first: int) -> None:
        with pq.ParquetFile(samples) as file:
            edges = np.cumsum([0, *(file.metadata.row_group(at).num_rows for at in range(file.num_row_groups))])
            for at in range(first, file.num_row_groups, THREADS):
                keep(slice(edges[at], edges[at + 1]), file.read_row_group(at, wanted, use_threads=False))

    two_at_once(share, range(THREADS))


def _fill(columns: _Columns, samples: Path, start_s: Floats, place: Places | None) -> None:
    """Bring each row to its place; no two threads write to the same."""
    code_of = {name: {text: code for code, text in enumerate(columns.names[name])} for name in _NAMES}

    def keep(rows: slice, table: pa.Table) -> None:
        to = rows if place is None else place[rows]
        columns.latency_ms[to] = table["latency_ms"].to_numpy()
        columns.lag_ms[to] = np.maximum(0.0, start_s[to] - table["intended_s"].to_numpy()) * 1000
        columns.open[to] = table["open"].to_numpy()
        columns.status[to] = table["status"].to_numpy()
        if columns.server_ms is not None:
            columns.server_ms[to] = table["server_ms"].to_numpy()
        for name in _NAMES:
            columns.codes[name][to] = _coded(table[name], code_of[name])

    beside = [] if columns.server_ms is None else ["server_ms"]
    _read(samples, ["intended_s", "latency_ms", "open", "status", *_NAMES, *beside], keep)


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
