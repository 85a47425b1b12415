"""How workflow runs came out (ok, failed, cut, abandoned, skipped), and how long clinicians waited in those that came
out well."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import correlation_factor, printable
from harness.analysis.tables import columns_of

__all__ = ["OUTCOMES", "waited_ms", "workflow_rows"]

OUTCOMES: Final = ("ok", "failed", "cut", "abandoned", "skipped")

_COUNTS: Final = """
    SELECT grouping_id(workflow, site) AS level, workflow, site, outcome, count(*)
    FROM workflows GROUP BY GROUPING SETS ((outcome), (workflow, outcome), (site, outcome)) ORDER BY ALL
"""
_SECTION: Final = {3: "overall", 1: "by_workflow", 2: "by_site"}


def workflow_rows(tables: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """`overall`, `by_workflow` and `by_site`: runs by outcome, with `waited_p50_ms` and `waited_p95_ms` (None where too
    few) of those `ok`.

    Waiting is time spent on requests, thinking left out. Whatever failed or was cut short has no full waiting time.
    """
    by_name: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in _SECTION.values()}
    by_name["overall"][""] = _empty()
    for level, workflow, site, outcome, count in tables.execute(_COUNTS).fetchall():
        section = by_name[_SECTION[level]]
        section.setdefault(workflow or site or "", _empty())[outcome] += count
    for section_name, column in (("overall", ""), ("by_workflow", "workflow"), ("by_site", "site")):
        for name, row in by_name[section_name].items():
            waits = waited_ms(tables, **{column: name} if column else {})
            row["waited_p50_ms"], row["waited_p95_ms"] = _printed(waits, 0.50), _printed(waits, 0.95)
    return {"overall": by_name["overall"][""], "by_workflow": by_name["by_workflow"], "by_site": by_name["by_site"]}


def waited_ms(
    tables: duckdb.DuckDBPyConnection, *, workflow: str = "", site: str = "", persona: str = "", lane: str = ""
) -> NDArray[np.float64]:
    """Waiting times of the runs that ended `ok`, in the order of their start; a name narrows, "" does not."""
    wanted = {"workflow": workflow, "site": site, "persona": persona, "lane": lane}
    chosen = {column: name for column, name in wanted.items() if name}
    where = "".join(f" AND {column} = ?" for column in chosen)
    query = f"SELECT waited_ms FROM workflows WHERE outcome = 'ok'{where} ORDER BY start_s"  # noqa: S608 (columns are ours)
    return columns_of(tables, query, list(chosen.values()))["waited_ms"]


def _printed(values: NDArray[np.float64], p: float) -> float | None:
    if not len(values):
        return None
    figure = float(np.quantile(values, p))
    return figure if printable(p, len(values) / correlation_factor(values <= figure)) else None


def _empty() -> dict[str, Any]:
    return {**dict.fromkeys(OUTCOMES, 0), "waited_p50_ms": None, "waited_p95_ms": None}
