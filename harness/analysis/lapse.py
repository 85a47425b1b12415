"""What a time lapse distorts, in figures: logins a minute, shifts too short for their work, work that begins a shift.

in life  ───▁▁▁▂▄█▄▂▁▁▁───   the same people log in within N times less time, and each of their shifts has N times less
in the run     ▁█▁           of it for work; what they think, and what the server takes, does not get shorter
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from harness.analysis.tables import columns_of
from harness.scenario.model import Persona

__all__ = ["busiest_within", "lapse_figures"]

MINUTE_S: Final = 60.0
FEWEST_RUNS: Final = 20
"""Runs of a persona from which on the share of them that was cut says something. source: assumption"""


def lapse_figures(
    tables: duckdb.DuckDBPyConnection, time_lapse: float, personas: Mapping[str, Persona]
) -> dict[str, Any]:
    """`factor`; `logins` by the plan, the most of them in a minute of the run and in a minute of life; how many
    `shifts` ended without one finished run; which share of all runs a shift's end cut, and which was done on arrival.

    Shares are None without runs; those by persona leave out whoever had fewer than twenty. Who is there at the run's
    opening logged in before.
    """
    starts_s = np.sort(columns_of(tables, "SELECT start_s FROM plan WHERE start_s > 0")["start_s"])
    runs, cut = tables.execute(
        """SELECT count(*), count(*) FILTER (outcome = 'cut') FROM workflows WHERE NOT open AND outcome <> 'skipped'"""
    ).fetchall()[0]
    by_persona = tables.execute(
        f"""SELECT persona::VARCHAR, count(*) FILTER (outcome = 'cut') / count(*) FROM workflows
            WHERE NOT open AND outcome <> 'skipped' GROUP BY 1 HAVING count(*) >= {FEWEST_RUNS}
            ORDER BY 2 DESC, 1"""  # noqa: S608 (a constant of ours)
    ).fetchall()
    return {
        "factor": time_lapse,
        "logins": len(starts_s),
        "logins_busiest_minute": busiest_within(starts_s, MINUTE_S),
        "logins_busiest_minute_in_life": busiest_within(starts_s, MINUTE_S / time_lapse),
        **_shifts(tables),
        "cut_share": cut / runs if runs else None,
        "cut_share_by_persona": {str(persona): share for persona, share in by_persona if share},
        "on_arrival_share": _on_arrival(tables, personas) / runs if runs else None,
    }


def busiest_within(moments: NDArray[np.float64], width: float) -> int:
    """The most of these moments (ascending) in any half-open stretch so wide."""
    if not len(moments):
        return 0
    return int((np.searchsorted(moments, moments + width, side="left") - np.arange(len(moments))).max())


def _shifts(tables: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Slots that were worked, and those of them in which no run came to an end by itself.

    Each run looks for its slots and not the other way round: slots are few, and runs would have to be held in memory.
    """
    worked, fruitful = tables.execute(
        """WITH worked AS (SELECT * FROM plan WHERE slot IN (SELECT slot FROM duty)),
                fruitful AS (SELECT DISTINCT slot FROM workflow_rows AS runs JOIN worked
                             ON runs.site = worked.site AND runs.persona = worked.persona
                                AND runs.clinician = worked.clinician
                                AND runs.start_s >= worked.start_s AND runs.start_s < worked.end_s + 1
                             WHERE NOT runs.open AND runs.outcome IN ('ok', 'failed', 'abandoned'))
           SELECT (SELECT count(*) FROM worked), (SELECT count(*) FROM fruitful)"""
    ).fetchall()[0]
    return {"shifts": worked, "shifts_without_a_finished_run": worked - fruitful}


def _on_arrival(tables: duckdb.DuckDBPyConnection, personas: Mapping[str, Persona]) -> int:
    """Runs of the workflows that a persona begins a shift with."""
    begins_with = {(name, workflow) for name, persona in personas.items() for workflow in persona.on_arrival}
    found = tables.execute(
        """SELECT persona::VARCHAR, workflow::VARCHAR, count(*) FROM workflows
           WHERE NOT open AND outcome <> 'skipped' GROUP BY ALL"""
    ).fetchall()
    return sum(int(count) for persona, workflow, count in found if (persona, workflow) in begins_with)
