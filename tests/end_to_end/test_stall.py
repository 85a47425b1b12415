"""A server that stands still for 6 s in 120 s: what emrload measures of it is what queueing theory says.

open     100/s by whoever comes, any number served at once        p99 = D − (1 − p)T + s
queue    10/s before one server of 50 ms, which must catch up     p99 = D − (1 − p)T(1 − ρ) + s
closed   500 people who think 5 s and wait for their answer       (1 − p) = F(D − x)/M
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.stall.by_emrload import measure
from benchmarks.stall.truths import STALL_S, told_by_theory

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(600)]

TOLERANCE = 0.05
"""Three standard deviations of the open and the closed p99 over three sites of each, and 1% for catching up."""
LATE_MS = 1000 * STALL_S * TOLERANCE
"""No more than what is tolerated of the figures."""


def test_a_stall_is_measured_as_theory_has_it(tmp_path: Path) -> None:
    measured = measure(tmp_path / "stall", copies=3)

    told = {kind: measured.told(kind) for kind in ("open", "queue", "closed")}
    generator = measured.json("summary.json")["generator"]
    for kind, figures in told.items():
        print(f"{kind}: {figures.text()}; theory {told_by_theory(kind).text()}")
    print(
        f"starts late {generator['start_lag_p99_ms']:.1f} ms, arrivals {generator['arrival_lag_p99_ms']:.1f} ms at p99"
    )
    refused = [f"{name}: {check['detail']}" for name, check in measured.checks.items() if check["outcome"] != "pass"]
    assert (measured.code, refused) == (0, [])
    for kind, figures in told.items():
        assert figures.p99_ms == pytest.approx(told_by_theory(kind).p99_ms, rel=TOLERANCE), kind
        assert figures.max_ms >= 1000 * STALL_S * 0.98
    assert measured.is_open == {"open": {True}, "queue": {True}, "closed": {False}}
    assert (told["open"].never_sent, told["queue"].never_sent) == (0, 0)
    assert generator["start_lag_p99_ms"] < LATE_MS, "the harness itself was late"
    assert generator["arrival_lag_p99_ms"] < LATE_MS, "somebody who came was sent late"
