"""Little's law around the whole loop of those on duty: N = X · (R + Z).

    N people ──▶ ask (X a second) ──▶ wait R ──▶ think Z ──▶ ask again

N comes from the roster as it was worked, X and R from the samples, Z from the clinicians' own clocks, less what they
overslept; so a latency that was cut short, a sample that was lost or a pause that ran on shows as a gap.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import duckdb

__all__ = ["ClosedLoop", "measure_closed_loop"]

FEWEST_CYCLES: Final = 10
"""Requests that a clinician must have sent, so that the beginning and the end of her time are a small part of it."""

_QUERY: Final = """
    WITH worked AS (
        SELECT slot, plan.site::VARCHAR AS site, plan.persona::VARCHAR AS persona, plan.clinician,
               started_s, ended_s, waiting_s, thinking_s, idle_s
        FROM duty JOIN plan USING (slot)
        WHERE plan.start_s <= $begin_s AND plan.end_s >= $end_s AND reason = 'slot_end'
    ),
    asked AS (
        SELECT site, persona, clinician, count(*) AS requests, sum(latency_ms) / 1000 AS latency_s,
               sum(greatest(0, start_s - intended_s)) AS lag_s, max(attempt) AS attempts
        FROM samples WHERE NOT open GROUP BY ALL
    )
    SELECT count(*), coalesce(sum(requests), 0), coalesce(sum(latency_s), 0),
           coalesce(sum(thinking_s + idle_s - lag_s), 0), coalesce(sum(ended_s - started_s), 0)
    FROM worked JOIN asked ON worked.site = asked.site::VARCHAR AND worked.persona = asked.persona::VARCHAR
         AND worked.clinician = asked.clinician
    WHERE attempts = 1 AND requests >= $fewest
"""


@dataclass(frozen=True)
class ClosedLoop:
    """Those on duty throughout, who asked often enough and never had to ask twice."""

    clinicians: int
    requests: int
    n: float
    """Their mean number on duty."""
    x_per_s: float
    r_s: float
    """Mean latency."""
    z_s: float
    """Mean time between an answer and when the next request was due."""

    def to_json(self) -> dict[str, float]:
        return {**asdict(self), "off": self.off}

    @property
    def off(self) -> float:
        """How far N and X(R + Z) are apart, as a share of N."""
        return abs(self.x_per_s * (self.r_s + self.z_s) - self.n) / self.n


def measure_closed_loop(tables: duckdb.DuckDBPyConnection, load_s: float) -> ClosedLoop | None:
    """Of the whole load, whose plan must ask for the same throughout; None where nobody asked ten times.

    Little's law (Little, Operations Research 9, 1961) for a closed system with think time: the response time law
    (Denning and Buzen, ACM Computing Surveys 10, 1978).
    """
    asked = {"begin_s": 0.001, "end_s": load_s - 0.001, "fewest": FEWEST_CYCLES}
    clinicians, requests, latency_s, between_s, duty_s = tables.execute(_QUERY, asked).fetchall()[0]
    if not clinicians or not duty_s or load_s <= 0:
        return None
    return ClosedLoop(
        clinicians=clinicians,
        requests=requests,
        n=duty_s / load_s,
        x_per_s=requests / load_s,
        r_s=latency_s / requests,
        z_s=between_s / requests,
    )
