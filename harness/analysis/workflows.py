"""How workflow runs came out (ok, failed, cut, abandoned, skipped), how many were done a second time, and how long
clinicians waited in those that ended."""

from __future__ import annotations

from typing import Any, Final

import duckdb
import numpy as np

from harness.analysis.latencies import Latencies, named_percentiles

__all__ = ["OUTCOMES", "workflow_rows"]

OUTCOMES: Final = ("ok", "failed", "cut", "abandoned", "skipped")

WAITED: Final = {"waited_p50_ms": 0.50, "waited_p95_ms": 0.95}
_NO_WAITS: Final = np.empty(0)

_SECTIONS: Final = ("workflow", "site", "persona", "template", "time_zone")
_COUNTS: Final = """
    SELECT grouping_id({columns}) AS level, {columns}, outcome, count(*), count(*) FILTER (back_entry)
    FROM workflows GROUP BY GROUPING SETS ((outcome), {sets}) ORDER BY ALL
"""


def workflow_rows(tables: duckdb.DuckDBPyConnection, waits: Latencies) -> dict[str, Any]:
    """`overall`, `by_workflow`, `by_site`, `by_persona`, `by_template`, `by_time_zone`: runs by outcome, those among
    them that were `back_entries`, and `waited_p50_ms` and `waited_p95_ms` with their intervals.

    Waiting is time spent on requests, thinking left out. A run that failed or was abandoned counts as a wait without an
    end: a percentile that falls among these is None, as it is where too few runs carry it; `lost` is their number. Runs
    that a shift's end cut have no full waiting time, and count for nothing here.
    """
    sections: dict[str, dict[str, dict[str, Any]]] = {"overall": {"": _empty()}}
    sections |= {f"by_{name}": {} for name in _SECTIONS}
    columns = ", ".join(_SECTIONS)
    sets = ", ".join(f"({name}, outcome)" for name in _SECTIONS)
    for level, *values in tables.execute(_COUNTS.format(columns=columns, sets=sets)).fetchall():
        # As in groups: a bit of the level is 1 where the column was summed over.
        kept = [at for at in range(len(_SECTIONS)) if not level >> (len(_SECTIONS) - 1 - at) & 1]
        *names, outcome, count, back_entries = values
        section = f"by_{_SECTIONS[kept[0]]}" if kept else "overall"
        row = sections[section].setdefault((names[kept[0]] or "") if kept else "", _empty())
        row[outcome] += count
        row["back_entries"] += back_entries
    for section, rows in sections.items():
        for labels, values_ms in waits.split(*([section.removeprefix("by_")] if section != "overall" else [])):
            rows["".join(labels)].update(named_percentiles(values_ms, WAITED))
        for row in rows.values():
            row["lost"] = row["failed"] + row["abandoned"]
    return {**sections, "overall": sections["overall"][""]}


def _empty() -> dict[str, Any]:
    return {**dict.fromkeys((*OUTCOMES, "back_entries"), 0), **named_percentiles(_NO_WAITS, WAITED)}
