"""What each objective asks, measured in each of its scopes: the figure, how sure it is, and the share of samples beyond
the bound.

A measure judges nothing; `harness.verdict` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.at_once import two_at_once
from harness.analysis.intervals import Interval, correlation_factor, percentile, printable, share_interval
from harness.analysis.latencies import Latencies
from harness.analysis.tables import LOST, WORKFLOW_DIMENSIONS
from harness.scenario.model import PERCENTILE_OF, Objective

__all__ = ["Measure", "measure_objectives"]

Floats = NDArray[np.float64]

SCOPE_COLUMN: Final = {
    "network": "",
    "each-site": "site",
    "each-workflow": "workflow",
    "each-operation": "operation",
    "each-lane": "lane",
    "each-persona": "persona",
}
_FAILED: Final = f"outcome IN {LOST}"
_ENDED: Final = f"(outcome = 'ok' OR {_FAILED})"


@dataclass(frozen=True)
class Measure:
    """One objective in one scope. Latencies in ms, rates as shares; intervals at 90%."""

    objective: Objective
    """With the bound that holds in this scope."""
    scope: Mapping[str, str]
    """{} for the network, else one column and its name."""
    samples: int
    effective_samples: float
    """How many independent samples they are worth, at the figure."""
    figure: float | None
    """None where too few samples carry the percentile, or none is there at all, or it is `endless`."""
    interval: Interval
    beyond: int
    """Samples above the bound; of a rate: the errors or failures."""
    beyond_interval: tuple[float, float]
    """Clopper–Pearson interval of their share."""
    timeouts: int = 0
    """Of a rate's errors: those that a stalled generator could have made itself."""
    lost: int = 0
    """Of waiting times: runs that failed or were abandoned; each is a sample above any bound."""
    endless: bool = False
    """So many were lost that the percentile lies among them, of enough runs for one."""
    own_bound: bool = False
    """The bound is this site's own, and not that of all sites."""


def measure_objectives(
    tables: duckdb.DuckDBPyConnection,
    latencies: Latencies,
    waits: Latencies,
    objectives: Iterable[Objective],
    planned: Mapping[str, list[Mapping[str, str]]],
    own_bounds: Mapping[str, Mapping[str, float]],
) -> list[Measure]:
    """Every objective in every scope that was planned (objective id → scopes) or seen, in that order.

    `own_bounds`: site → objective id → the bound that holds there instead of the objective's own.
    """
    objectives = list(objectives)
    by_source: dict[tuple[str, str], list[Objective]] = {}
    for objective in objectives:
        by_source.setdefault((_source(objective), SCOPE_COLUMN[objective.scope]), []).append(objective)

    def measured(key: tuple[str, str]) -> dict[str, list[Measure]]:
        """What is split alike is split once, and let go of before the next."""
        source, column = key
        sharing = by_source[key]
        if source == "rates":
            seen: dict[str, Mapping[str, Any]] = {one.id: _rates(tables, one.metric, column) for one in sharing}
        else:
            seen = dict.fromkeys(
                (one.id for one in sharing), _by_name(waits if source == "waits" else latencies, column)
            )
        return {
            one.id: list(_in_each_scope(one, column, planned.get(one.id, []), seen[one.id], own_bounds))
            for one in sharing
        }

    rates, split = ([key for key in by_source if (key[0] == "rates") is wanted] for wanted in (True, False))
    found: dict[str, list[Measure]] = {}
    for each in (*map(measured, rates), *two_at_once(measured, split)):
        found |= each
    return [measure for objective in objectives for measure in found[objective.id]]


def _source(objective: Objective) -> str:
    if objective.metric not in PERCENTILE_OF:
        return "rates"
    return "waits" if objective.metric == "waited_p95_ms" else "latencies"


def _in_each_scope(
    objective: Objective,
    column: str,
    planned: list[Mapping[str, str]],
    by_name: Mapping[str, Any],
    own_bounds: Mapping[str, Mapping[str, float]],
) -> Iterator[Measure]:
    for name in _scope_names(objective, column, planned, by_name):
        scope = {column: name} if column else {}
        bound = own_bounds.get(name, {}).get(objective.id) if column == "site" else None
        held = objective if bound is None else objective.model_copy(update={"bound": bound})
        if objective.metric in PERCENTILE_OF:
            measure = _percentile_measure(held, scope, by_name.get(name, np.empty(0)))
        else:
            measure = _rate_measure(held, scope, *by_name.get(name, (0, 0, 0)))
        yield measure if bound is None else replace(measure, own_bound=True)


def _by_name(latencies: Latencies, column: str) -> dict[str, Floats]:
    """Name → latencies; nothing for a column that they do not have."""
    if column and column not in latencies.names:
        return {}
    return {"".join(names): values for names, values in latencies.split(*([column] if column else []))}


def _scope_names(
    objective: Objective, column: str, planned: list[Mapping[str, str]], seen: Iterable[str]
) -> Iterator[str]:
    """Planned names first, then what was seen besides; the network's name is ""."""
    if not column:
        yield ""
        return
    for name in dict.fromkeys([*(scope[column] for scope in planned if column in scope), *seen]):
        if name and (not objective.only or name in objective.only):
            yield name


def _percentile_measure(objective: Objective, scope: Mapping[str, str], values: Floats) -> Measure:
    """The percentile of `values` (ms, in time order; infinite: never over), printed where they carry it."""
    p = PERCENTILE_OF[objective.metric]
    count = len(values)
    if not count:
        return Measure(objective, scope, 0, 0.0, None, (None, None), 0, share_interval(0, 0))
    found = percentile(values, np.sort(values), p)
    above = values > objective.bound
    beyond = int(above.sum())
    worth = 1 / correlation_factor(above)
    return Measure(
        objective,
        scope,
        count,
        found.effective_samples,
        found.figure,
        found.interval,
        beyond,
        share_interval(beyond * worth, count * worth),
        lost=int(np.isinf(values).sum()),
        # as for any other rate, whether failures came together does not excuse them
        endless=found.endless and printable(p, count),
    )


def _rate_measure(objective: Objective, scope: Mapping[str, str], samples: int, errors: int, timeouts: int) -> Measure:
    interval = share_interval(errors, samples)
    figure = errors / samples if samples else None
    shown: Interval = interval if samples else (None, None)
    return Measure(objective, scope, samples, float(samples), figure, shown, errors, interval, timeouts)


def _rates(tables: duckdb.DuckDBPyConnection, metric: str, column: str) -> dict[str, tuple[int, int, int]]:
    """Name → (samples, errors, those of them that are timeouts or lost connections)."""
    if metric == "error_rate":
        source = "counted"
        counts = ", ".join(
            f"coalesce(sum(requests) FILTER ({which}), 0)::BIGINT"
            for which in ("true", "is_error", "outcome IN ('timeout', 'connection')")
        )
    elif column in ("", *WORKFLOW_DIMENSIONS):
        source, counts = "workflows", f"count(*) FILTER ({_ENDED}), count(*) FILTER ({_FAILED}), 0"
    else:
        return {}
    name = f"coalesce({column}::VARCHAR, '')" if column else "''"
    query = f"SELECT {name}, {counts} FROM {source} GROUP BY 1 ORDER BY 1"  # noqa: S608 (every part is ours)
    return {
        str(label): (samples, errors, timeouts) for label, samples, errors, timeouts in tables.execute(query).fetchall()
    }
