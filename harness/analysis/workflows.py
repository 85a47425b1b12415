"""How workflow runs came out (ok, failed, cut, abandoned, skipped), and how long clinicians waited in those that came
out well."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import correlation_factor, printable
from harness.analysis.latencies import Latencies

__all__ = ["OUTCOMES", "workflow_rows"]

OUTCOMES: Final = ("ok", "failed", "cut", "abandoned", "skipped")

_COUNTS: Final = """
    SELECT grouping_id(workflow, site) AS level, workflow, site, outcome, count(*)
    FROM workflows GROUP BY GROUPING SETS ((outcome), (workflow, outcome), (site, outcome)) ORDER BY ALL
"""
_SECTION: Final = {3: "overall", 1: "by_workflow", 2: "by_site"}


def workflow_rows(tables: duckdb.DuckDBPyConnection, waits: Latencies) -> dict[str, Any]:
    """`overall`, `by_workflow` and `by_site`: runs by outcome, with `waited_p50_ms` and `waited_p95_ms` (None where too
    few) of those `ok`.

    Waiting is time spent on requests, thinking left out. Whatever failed or was cut short has no full waiting time.
    """
    sections: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in _SECTION.values()}
    sections["overall"][""] = _empty()
    for level, workflow, site, outcome, count in tables.execute(_COUNTS).fetchall():
        sections[_SECTION[level]].setdefault(workflow or site or "", _empty())[outcome] += count
    for section, columns in (("overall", ()), ("by_workflow", ("workflow",)), ("by_site", ("site",))):
        for names, values_ms in waits.split(*columns):
            row = sections[section]["".join(names)]
            row["waited_p50_ms"], row["waited_p95_ms"] = _printed(values_ms, 0.50), _printed(values_ms, 0.95)
    return {**sections, "overall": sections["overall"][""]}


def _printed(values: NDArray[np.float64], p: float) -> float | None:
    figure = float(np.quantile(values, p))
    return figure if printable(p, len(values) / correlation_factor(values <= figure)) else None


def _empty() -> dict[str, Any]:
    return {**dict.fromkeys(OUTCOMES, 0), "waited_p50_ms": None, "waited_p95_ms": None}
