"""A run's Parquet files as DuckDB tables, with the words of the analysis defined once: headline latency, error, timed.

samples.parquet ──▶ requests     a view, read anew by each query: for what asks for few rows, or for few columns
                └─▶ counted      one row for all requests alike in every name, outcome and status: for what counts
workflows.parquet ──▶ waits      waiting times of the runs that ended, names as ENUM codes
workflows · duty · health · plan ──▶ views
the run's sites ──▶ places       each site's time zone, kind, and whether a link is between it and the target

Ten million requests as a table would take 2 GB; what needs them one by one has them in `harness.analysis.requests`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.errors import JudgeError
from harness.rundir import RunDir
from harness.samples import FORMAT_VERSION
from harness.samples.schemas import DUTY, HEALTH, SAMPLES, WORKFLOWS
from harness.scenario.model import Site

__all__ = [
    "DIMENSIONS",
    "LOST",
    "NOT_ERRORS",
    "UNTIMED",
    "WORKFLOW_DIMENSIONS",
    "columns_of",
    "count_requests",
    "open_tables",
]

_PLACE: Final = ("time_zone", "template")
"""What a row has by its site."""
DIMENSIONS: Final = ("site", "workflow", "operation", "lane", "persona", "phase", *_PLACE)
"""What requests are grouped by."""
WORKFLOW_DIMENSIONS: Final = ("site", "workflow", "persona", "lane", *_PLACE)
"""What workflow runs are grouped by."""

NOT_ERRORS: Final = ("ok", "expected_refusal", "cancelled")
"""Outcomes that are no errors. A refusal that the workflow reckons with (409, 412) and a request cut off at the end are
counted apart."""

UNTIMED: Final = ("connection", "cancelled")
"""Outcomes without a latency: nobody answered and nobody waited for it to the end. A refused connection takes a
millisecond; counted as a latency it would make an outage look fast. A timeout has one: somebody waited that long."""

_PLAN_COLUMNS: Final = ("slot", "site", "persona", "clinician", "start_s", "end_s", "worker")

LOST: Final = ("failed", "abandoned")
"""Outcomes of workflow runs that came to no good end: nobody knows how long it would have taken to wait for one."""

_FIRST_ASKED: Final = """
    CREATE TEMP TABLE first_asked AS
    SELECT worker, workflow_run, min(start_s) AS first_s FROM samples WHERE open GROUP BY ALL
"""
_REQUESTS: Final = """
    CREATE VIEW requests AS
    SELECT file_row_number AS row, intended_s, start_s, latency_ms, server_ms, start_s + latency_ms / 1000 AS done_s,
           greatest(0, start_s - intended_s) * 1000 AS lag_ms,
           open AND start_s = first_s AS is_arrival,
           CASE WHEN open AND start_s = first_s THEN latency_ms + (start_s - intended_s) * 1000 ELSE latency_ms END
               AS headline_ms,
           {named}, open, status, attempt, samples.worker, samples.workflow_run,
           outcome NOT IN {not_errors} AS is_error, outcome NOT IN {untimed} AS timed
    FROM samples LEFT JOIN first_asked ON open AND samples.worker = first_asked.worker
         AND samples.workflow_run = first_asked.workflow_run
"""
_COUNTED: Final = """
    CREATE TEMP TABLE counted AS
    WITH alike AS (
        SELECT {names}, status, attempt, open, worker,
               count(*) AS requests, sum(latency_ms) AS latency_ms, sum(latency_ms - server_ms) AS way_ms
        FROM samples GROUP BY ALL
    )
    SELECT {named}, time_zone, template, coalesce(linked, false) AS linked, status, attempt, open, worker,
           requests, latency_ms, way_ms, outcome NOT IN {not_errors} AS is_error, outcome NOT IN {untimed} AS timed
    FROM alike LEFT JOIN places USING (site)
"""
"""`requests` is how many, `latency_ms` and `way_ms` (what of it the link took) are sums."""

_WAITS: Final = """
    CREATE VIEW waits AS
    SELECT start_s, CASE WHEN outcome = 'ok' THEN waited_ms ELSE 'inf' END AS waited_ms, {coded}
    FROM workflows WHERE outcome = 'ok' OR outcome IN {lost}
"""
"""A run that failed or was abandoned counts as a wait without an end, so that giving up never makes waiting look
shorter (docs/decisions/0010)."""


@contextmanager
def open_tables(run_dir: RunDir, sites: Sequence[Site]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database over the files of one run: `requests`, `workflows`, `waits`, `duty`, `health`, `plan`; and
    `places`, its sites. An empty name is NULL in the first.

    Raises JudgeError where a file is missing, unreadable, of another format version, or lacks a column, and where a
    query of whoever uses it fails.
    """
    files = {
        "samples": (run_dir.samples, SAMPLES.names),
        "workflow_rows": (run_dir.workflows, WORKFLOWS.names),
        "duty": (run_dir.duty, DUTY.names),
        "health": (run_dir.health, HEALTH.names),
        "plan": (run_dir.plan, list(_PLAN_COLUMNS)),
    }
    for path, columns in files.values():
        _check_format(path, columns)
    places = _places(sites)
    try:
        with duckdb.connect(":memory:", config={"threads": 1, "temp_directory": ""}) as tables:
            for name, (path, _) in files.items():
                tables.read_parquet(str(path), file_row_number=name == "samples").create_view(name)
            tables.from_arrow(places).create_view("places")
            tables.execute("CREATE VIEW workflows AS SELECT * FROM workflow_rows LEFT JOIN places USING (site)")
            tables.execute(_FIRST_ASKED)
            tables.execute(_REQUESTS.format(**_words()))
            coded = _code_names(tables, WORKFLOW_DIMENSIONS)
            tables.execute(_WAITS.format(coded=coded, lost=LOST))
            yield tables
    except duckdb.Error as error:
        hint = "the run's folder is damaged, or this is a defect of the harness; the samples themselves are kept"
        raise JudgeError(f"the run could not be analysed: {error}", hint) from error


def count_requests(tables: duckdb.DuckDBPyConnection) -> None:
    """Make the table `counted`; the only query that looks at every request, so it is for whoever needs it to ask."""
    tables.execute(_COUNTED.format(**_words()))


def _words() -> dict[str, Any]:
    names = [*(name for name in DIMENSIONS if name not in _PLACE), "outcome"]
    return {
        "names": ", ".join(names),
        "named": ", ".join(f"nullif({name}, '') AS {name}" for name in names),
        "not_errors": NOT_ERRORS,
        "untimed": UNTIMED,
    }


def _places(sites: Sequence[Site]) -> pa.Table:
    return pa.table(
        {
            "site": pa.array([site.name for site in sites], pa.string()),
            "time_zone": pa.array([site.time_zone for site in sites], pa.string()),
            "template": pa.array([site.template for site in sites], pa.string()),
            "linked": pa.array([site.link is not None for site in sites], pa.bool_()),
        }
    )


def _code_names(tables: duckdb.DuckDBPyConnection, names: Sequence[str]) -> str:
    """Make an ENUM type `workflows_name` of each name's values in `workflows`; returns the columns cast to them, "" as
    NULL."""
    for name in names:
        values = f"SELECT DISTINCT {name} FROM workflows WHERE {name} <> '' ORDER BY 1"  # noqa: S608 (ours)
        tables.execute(f"CREATE TYPE workflows_{name} AS ENUM ({values})")
    return ", ".join(f"nullif({name}, '')::workflows_{name} AS {name}" for name in names)


def _check_format(path: Path, columns: list[str]) -> None:
    hint = "the run's folder is damaged or was written by another version; run again, or use the version that wrote it"
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise JudgeError(f"{path.name}: cannot be read ({type(error).__name__})", hint) from error
    version = (schema.metadata or {}).get(b"format_version", str(FORMAT_VERSION).encode()).decode()
    if version != str(FORMAT_VERSION):
        raise JudgeError(f"{path.name}: format {version}, this version reads {FORMAT_VERSION}", hint)
    missing = [name for name in columns if name not in schema.names]
    if missing:
        raise JudgeError(f"{path.name}: column {', '.join(missing)} is missing", hint)


def columns_of(
    tables: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> dict[str, NDArray[Any]]:
    """The result of `query` as one numpy array a column; numbers without gaps only, and strings."""
    found = tables.execute(query, list(parameters)).fetchnumpy()
    return {name: np.asarray(column) for name, column in found.items()}
