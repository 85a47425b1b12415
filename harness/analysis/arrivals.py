"""What came by itself, whoever was free: how many came, how it ended for them, how late they were begun.

due ├─ start lag ─┤ first request ├─ answer       headline latency of the first request: from when it was due
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import duckdb
import numpy as np

from harness.analysis.groups import Row
from harness.analysis.latencies import Latencies, named_percentiles
from harness.analysis.workflows import OUTCOMES
from harness.plan import ArrivalProcess, expected_arrivals

__all__ = ["LEAST_FOR_P99", "arrival_rows", "expected_by_persona", "last_of_workers", "processes_from"]

LEAST_FOR_P99: Final = 100
"""Arrivals from which on one in a hundred can be late. source: arithmetic"""

_TIMES: Final = {"p50_ms": 0.50, "p95_ms": 0.95}
_NO_TIMES: Final = np.empty(0)

_RUNS: Final = """
    SELECT coalesce(persona::VARCHAR, '') AS persona, count(*) FILTER (outcome <> 'skipped') AS begun,
           count(DISTINCT site) AS sites, {outcomes}
    FROM workflows WHERE open GROUP BY GROUPING SETS ((), (persona)) HAVING grouping(persona) = 1 OR persona IS NOT NULL
"""
_REQUESTS: Final = """
    SELECT coalesce(persona::VARCHAR, '') AS persona, count(*) AS requests, count(*) FILTER (is_error) AS errors,
           count(*) FILTER (is_arrival) AS first,
           quantile_cont(lag_ms, 0.50) FILTER (is_arrival) AS start_lag_p50_ms,
           quantile_cont(lag_ms, 0.99) FILTER (is_arrival) AS start_lag_p99_ms,
           max(lag_ms) FILTER (is_arrival) AS start_lag_max_ms
    FROM requests WHERE open GROUP BY GROUPING SETS ((), (persona)) HAVING grouping(persona) = 1 OR persona IS NOT NULL
"""


def processes_from(told: Iterable[Mapping[str, Any]]) -> tuple[ArrivalProcess, ...]:
    """The plan's arrival processes, from what arrivals.json holds. Raises KeyError where it lacks something."""
    return tuple(
        ArrivalProcess(each["site"], each["persona"], tuple(zip(each["time_s"], each["per_s"], strict=True)))
        for each in told
    )


def last_of_workers(told: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Worker → run second up to which somebody may come to it, from what arrivals.json holds. Raises KeyError where it
    lacks something."""
    until_s: dict[int, float] = {}
    for each in told:
        worker = int(each["worker"])
        until_s[worker] = max(until_s.get(worker, 0.0), float(each["time_s"][-1]))
    return until_s


def expected_by_persona(processes: Iterable[ArrivalProcess], until_s: float) -> dict[str, float]:
    """Persona → mean number of arrivals up to this run second, at all sites together."""
    expected: dict[str, float] = {}
    for process in processes:
        mean = float(expected_arrivals(process, np.array([until_s]))[0])
        expected[process.persona] = expected.get(process.persona, 0.0) + mean
    return expected


def arrival_rows(
    tables: duckdb.DuckDBPyConnection, arrivals: Latencies, expected: Mapping[str, float]
) -> dict[str, Any]:
    """`overall` and `by_persona`: arrivals `expected` by the plan and `begun`, by outcome, with headline percentiles of
    their requests (the first of each from when it was due) and how late they were begun.

    A percentile that too few carry is None. Every persona of `expected` has a row.
    """
    rows = {persona: _empty(count) for persona, count in {"": sum(expected.values()), **expected}.items()}
    outcomes = ", ".join(f"count(*) FILTER (outcome = '{outcome}') AS {outcome}" for outcome in OUTCOMES)
    for query in (_RUNS.format(outcomes=outcomes), _REQUESTS):
        found = tables.execute(query)
        names = [column[0] for column in found.description or ()]
        for persona, *figures in found.fetchall():
            rows.setdefault(persona, _empty(0.0)).update(zip(names[1:], figures, strict=True))
    for columns in ((), ("persona",)):
        for names_of, headline_ms in arrivals.split(*columns):
            rows["".join(names_of)].update(named_percentiles(headline_ms, _TIMES))
    for row in rows.values():
        row["error_rate"] = row["errors"] / row["requests"] if row["requests"] else None
        if row.pop("first") < LEAST_FOR_P99:
            row["start_lag_p99_ms"] = None
    return {"overall": rows.pop(""), "by_persona": dict(sorted(rows.items()))}


def _empty(expected: float) -> Row:
    return {
        "expected": expected,
        **dict.fromkeys(("begun", "sites", *OUTCOMES, "requests", "errors", "first"), 0),
        **named_percentiles(_NO_TIMES, _TIMES),
        **dict.fromkeys(("start_lag_p50_ms", "start_lag_p99_ms", "start_lag_max_ms")),
    }
