"""Figures about the generator itself and about the work as planned: what decides whether a run can be trusted.

Only measures; the bounds stand in `harness.verdict.validity`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
from numpy.typing import NDArray
from scipy.special import chdtrc

from harness.analysis.arrivals import LEAST_FOR_P99
from harness.analysis.tables import columns_of

__all__ = ["Instrument", "Mix", "WorkerCounts", "measure_instrument", "slot_spans"]

MEAN_OVER_S: Final = 10
"""CPU and steal are judged by their mean over this many seconds: one busy second harms nobody."""
MEAN_ROWS: Final = 8
"""Health rows that such a mean needs, so that a start-up second does not pass for one."""
LEAST_EXPECTED: Final = 5.0
"""Workflow runs that a cell of the chi-square test needs; rarer workflows are pooled (Cochran 1954)."""


@dataclass(frozen=True)
class WorkerCounts:
    """One worker's own counters at its end, beside what it left in the samples. Times in run seconds."""

    worker: int
    planned_until_s: float
    """When it has nothing more to do by the plan: its last slot ends (of those it worked, and of those for it that
    nobody worked), and nobody comes to its sites any more."""
    first_s: float
    last_s: float
    longest_gap_s: float
    """The longest time between two of its health rows."""
    started: int
    finished: int
    in_flight_s: float
    """∫ requests in flight dt, by the recorder."""
    rows: int
    latency_s: float
    """Σ latency of its samples."""


@dataclass(frozen=True)
class Mix:
    """One persona's workflows against the plan."""

    persona: str
    runs: int
    p_value: float
    distance: float
    """Total variation: the share of runs that would have to be other workflows."""


@dataclass(frozen=True)
class Instrument:
    """What was measured about the generator and about the plan's fulfilment. None: there was nothing to measure."""

    start_lag_p99_ms: float | None
    arrival_lag_p99_ms: float | None
    """The same of arrivals alone: how late they were begun; None below a hundred of them, which have no p99."""
    loop_lag_p99_ms: float | None
    loop_lag_max_ms: float | None
    loop_lag_max_at_s: float | None
    cpu_max: float | None
    cpu_mean_max: float | None
    """The highest mean over 10 s of any worker's CPU, as a share of one core."""
    steal_max: float | None
    steal_mean_max: float | None
    workers: tuple[WorkerCounts, ...]
    workers_planned: int
    """How many workers the plan gives slots to."""
    slots_planned: int
    slots_worked: int
    slots_missing: int
    slots_repeated: int
    slots_unplanned: int
    slots_not_ended: int
    """Worked slots that ended as `killed`, `error` or `closed`."""
    start_late_p99_s: float | None
    start_late_max_s: float | None
    planned_duty_s: float
    worked_duty_s: float
    """Time on duty within the planned spans."""
    overstay_max_s: float
    """The longest that a clinician took to finish her step after her slot."""
    duty_s: float
    accounted_s: float
    """Waiting, thinking and idle as actually spent."""
    mixes: tuple[Mix, ...]


def measure_instrument(
    tables: duckdb.DuckDBPyConnection,
    start_lag_p99_ms: float | None,
    expected: Mapping[str, Any],
    unsupported: Mapping[str, Collection[str]],
    arrivals_until_s: Mapping[int, float],
) -> Instrument:
    """`start_lag_p99_ms` is of all requests; `expected` is expected.json; `unsupported` is site → workflows that cannot
    be done there, left out of the mix; `arrivals_until_s` is worker → run second up to which somebody may come."""
    late = _row(tables, "SELECT quantile_cont(lag_ms, 0.99), count(*) FROM requests WHERE is_arrival")
    health = _row(
        tables,
        """SELECT quantile_cont(loop_lag_ms, 0.99), max(loop_lag_ms), arg_max(time_s, loop_lag_ms), max(cpu), max(steal)
           FROM health WHERE time_s > 0""",
    )
    loop_lag_p99_ms, loop_lag_max_ms, loop_lag_max_at_s, cpu_max, steal_max = health
    cpu_mean_max, steal_mean_max = (_highest_mean(tables, column) for column in ("cpu", "steal"))
    return Instrument(
        start_lag_p99_ms=start_lag_p99_ms,
        arrival_lag_p99_ms=late[0] if late[1] >= LEAST_FOR_P99 else None,
        loop_lag_p99_ms=loop_lag_p99_ms,
        loop_lag_max_ms=loop_lag_max_ms,
        loop_lag_max_at_s=loop_lag_max_at_s,
        cpu_max=cpu_max,
        cpu_mean_max=cpu_mean_max,
        steal_max=steal_max,
        steal_mean_max=steal_mean_max,
        workers=_worker_counts(tables, arrivals_until_s),
        workers_planned=_row(tables, "SELECT count(DISTINCT worker) FROM plan")[0],
        mixes=_mixes(tables, expected, unsupported),
        **_duty_figures(tables),
    )


def slot_spans(tables: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
    """Columns site, persona, planned_start_s, planned_end_s, start_s, end_s of every planned slot; the last two NaN
    where it was not worked.

    A clinician who finishes a step after her slot counts as on duty up to its planned end.
    """
    return columns_of(
        tables,
        """SELECT any_value(site)::VARCHAR AS site, any_value(persona)::VARCHAR AS persona,
                  any_value(plan.start_s) AS planned_start_s, any_value(plan.end_s) AS planned_end_s,
                  coalesce(min(started_s), 'nan') AS start_s,
                  coalesce(greatest(min(started_s), least(max(ended_s), any_value(plan.end_s))), 'nan')
                      AS end_s
           FROM plan LEFT JOIN duty USING (slot) GROUP BY slot ORDER BY slot""",
    )


def _row(tables: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return tables.execute(query).fetchall()[0]


def _highest_mean(tables: duckdb.DuckDBPyConnection, column: str) -> float | None:
    """The highest mean over 10 s, or over the whole run where it was shorter."""
    window = f"PARTITION BY worker ORDER BY time_s RANGE BETWEEN {MEAN_OVER_S} PRECEDING AND CURRENT ROW"
    query = f"""WITH means AS (SELECT avg({column}) OVER w AS mean, count(*) OVER w AS rows
                              FROM health WHERE time_s > 0 WINDOW w AS ({window}))
                SELECT coalesce(max(mean) FILTER (rows >= {MEAN_ROWS}), (SELECT avg({column}) FROM health))
                FROM means"""  # noqa: S608 (ours)
    highest: float | None = _row(tables, query)[0]
    return highest


def _worker_counts(
    tables: duckdb.DuckDBPyConnection, arrivals_until_s: Mapping[int, float]
) -> tuple[WorkerCounts, ...]:
    found = tables.execute(
        """WITH gaps AS (SELECT *, time_s - lag(time_s) OVER (PARTITION BY worker ORDER BY time_s) AS gap_s
                          FROM health),
                own AS (SELECT worker, min(time_s) AS first_s, max(time_s) AS last_s, coalesce(max(gap_s), 0) AS gap_s,
                               max(started) AS started, max(finished) AS finished, max(in_flight_s) AS in_flight_s
                        FROM gaps GROUP BY worker),
                left_behind AS (SELECT worker, sum(requests)::BIGINT AS rows, sum(latency_ms) / 1000 AS latency_s
                                FROM counted GROUP BY worker),
                until AS (SELECT coalesce(duty.worker, plan.worker) AS worker, max(end_s) AS end_s
                          FROM plan LEFT JOIN duty USING (slot) GROUP BY 1)
           SELECT worker, coalesce(end_s, 0),
                  coalesce(first_s, 'inf'), coalesce(last_s, '-inf'), coalesce(gap_s, 'inf'),
                  coalesce(started, 0), coalesce(finished, 0), coalesce(in_flight_s, 0),
                  coalesce(rows, 0), coalesce(latency_s, 0)
           FROM own FULL JOIN left_behind USING (worker) LEFT JOIN until USING (worker) ORDER BY 1"""
    ).fetchall()
    return tuple(
        WorkerCounts(worker, max(slots_until_s, arrivals_until_s.get(worker, 0.0)), *rest)
        for worker, slots_until_s, *rest in found
    )


def _duty_figures(tables: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    names = (
        *("slots_planned", "slots_worked", "slots_missing", "slots_repeated", "slots_unplanned", "slots_not_ended"),
        *("start_late_p99_s", "start_late_max_s", "planned_duty_s", "worked_duty_s", "overstay_max_s"),
        *("duty_s", "accounted_s"),
    )
    found = _row(
        tables,
        """WITH worked AS (SELECT slot, count(*) AS times FROM duty GROUP BY slot),
                joined AS (SELECT duty.*, plan.start_s, plan.end_s FROM duty JOIN plan USING (slot))
           SELECT (SELECT count(*) FROM plan), (SELECT count(*) FROM worked),
                  (SELECT count(*) FROM plan WHERE slot NOT IN (SELECT slot FROM worked)),
                  (SELECT count(*) FROM worked WHERE times > 1),
                  (SELECT count(*) FROM worked WHERE slot NOT IN (SELECT slot FROM plan)),
                  count(*) FILTER (reason <> 'slot_end'),
                  quantile_cont(abs(started_s - start_s), 0.99), max(abs(started_s - start_s)),
                  (SELECT coalesce(sum(end_s - start_s), 0) FROM plan),
                  coalesce(sum(greatest(0, least(ended_s, end_s) - greatest(started_s, start_s))), 0),
                  greatest(0, coalesce(max(ended_s - end_s), 0)),
                  coalesce(sum(ended_s - started_s), 0), coalesce(sum(waiting_s + thinking_s + idle_s), 0)
           FROM joined""",
    )
    return dict(zip(names, found, strict=True))


def _mixes(
    tables: duckdb.DuckDBPyConnection, expected: Mapping[str, Any], unsupported: Mapping[str, Collection[str]]
) -> tuple[Mix, ...]:
    """Each persona's workflow starts against the plan's, those that were cut short included.

    What came by itself is not drawn by anybody on duty, and what was done again after giving up is nobody's plan.
    """
    planned: dict[str, dict[str, float]] = {}
    for cell in expected["by_workflow"]:
        if cell["workflow"] not in unsupported.get(cell["site"], ()):
            persona = planned.setdefault(cell["persona"], {})
            persona[cell["workflow"]] = persona.get(cell["workflow"], 0.0) + cell["runs"]
    query = """SELECT persona::VARCHAR, workflow::VARCHAR, count(*) FROM workflows
               WHERE NOT open AND NOT back_entry AND outcome <> 'skipped' GROUP BY ALL ORDER BY ALL"""
    begun: dict[str, dict[str, int]] = {}
    for persona, workflow, count in tables.execute(query).fetchall():
        begun.setdefault(persona, {})[workflow] = count
    return tuple(_mix(persona, begun[persona], planned.get(persona, {})) for persona in begun)


def _mix(persona: str, begun: Mapping[str, int], planned: Mapping[str, float]) -> Mix:
    """Pearson's chi-square of the counts against the planned shares, rare workflows pooled; and the total variation
    distance."""
    runs = sum(begun.values())
    total = sum(planned.values())
    if not total:
        return Mix(persona, runs, 0.0, 1.0)
    shares = {workflow: planned.get(workflow, 0.0) / total for workflow in {*begun, *planned}}
    distance = sum(abs(begun.get(workflow, 0) / runs - share) for workflow, share in shares.items()) / 2
    cells: list[tuple[float, float]] = []
    rare_seen = rare_wanted = 0.0
    for workflow, share in shares.items():
        if share * runs >= LEAST_EXPECTED:
            cells.append((begun.get(workflow, 0), share * runs))
        else:
            rare_seen, rare_wanted = rare_seen + begun.get(workflow, 0), rare_wanted + share * runs
    if rare_seen or rare_wanted:
        # Runs of workflows that the plan does not have at all have an expectation of 0; half a run keeps the test
        # finite.
        cells.append((rare_seen, max(rare_wanted, 0.5)))
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells)
    return Mix(persona, runs, float(chdtrc(len(cells) - 1, statistic)) if len(cells) > 1 else 1.0, distance)
