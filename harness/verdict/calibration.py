"""Whether an instrument may be believed: each figure held to what is known, and each answer to its witness.

A row is accepted where the t-interval over the repetitions meets the truth. Twenty rows at 1% each would cry wolf every
fifth time; so the 1% is shared out among them (Bonferroni), and a sound instrument is refused once in a hundred times.
docs/decisions/0016 tells what was tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy.special import stdtrit

from harness.analysis.calibration import Measured, Repetitions, Way

__all__ = [
    "DEFECTS",
    "FALSE_ALARMS",
    "WAY_P50_MS",
    "WAY_P99_MS",
    "CalibrationRow",
    "Defect",
    "caught_by",
    "judge_calibration",
]

FALSE_ALARMS: Final = 0.01
"""Of a sound instrument, over all rows of one calibration together."""
WAY_P50_MS: Final = 5.0
"""The truth is the server's; the client sees it from so far away at most. source: assumption (0.7 ms was measured with
the sandboxes and the load on the same two cores, beside other work)"""
WAY_P99_MS: Final = 25.0
"""The same of percentiles above the median. source: assumption (6 ms was measured so; a shared machine takes the core
away for some milliseconds)"""
FEWEST_QUEUES: Final = 5
"""Repetitions that an interval over them needs. source: assumption"""
SHORTER_MS: Final = 0.2
"""No answer is sooner with the client than it leaves the server; clocks are read in this span. source: assumption"""


@dataclass(frozen=True)
class CalibrationRow:
    """One thing that is known, and what was measured. Units stand in `quantity`."""

    case: str
    quantity: str
    truth: str
    measured: float | None
    interval: tuple[float, float] | None
    accepted: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge_calibration(measured: Measured, way: Way, validity: Sequence[Mapping[str, Any]]) -> list[CalibrationRow]:
    """Rows in the order of the cases, then the witness, then the run's own checks (`validity` of verdict.json)."""
    rows = [_case_row(each, FALSE_ALARMS / len(measured.repeated)) for each in measured.repeated]
    return [*rows, _silent_row(measured), *_way_rows(way), _checks_row(validity)]


def _case_row(each: Repetitions, level: float) -> CalibrationRow:
    """The interval is that of the jackknife over queues (Tukey 1958; Miller, Biometrika 61, 1974), on logarithms, since
    latencies are skewed."""
    way_ms = WAY_P99_MS if each.quantity in ("p95_ms", "p99_ms") else WAY_P50_MS
    truths = sorted(each.case.truth(each.quantity, way_s) for way_s in (0.0, way_ms / 1000))
    span = f"{truths[0]:.4g}" if math.isclose(*truths) else f"{truths[0]:.4g} … {truths[1]:.4g}"
    count = len(each.without_one)
    if count < FEWEST_QUEUES or not each.figure > 0:
        detail = f"{count} queues are too few for an interval"
        return CalibrationRow(each.case.title, each.quantity, span, each.figure, None, False, detail)
    logs = np.log(each.without_one)
    error = math.sqrt((count - 1) / count * float(((logs - logs.mean()) ** 2).sum()))
    half = float(stdtrit(count - 1, 1 - level / 2)) * error
    low, high = each.figure * math.exp(-half), each.figure * math.exp(half)
    accepted = low <= truths[1] and high >= truths[0]
    detail = f"{count} queues, interval at {1 - level:.2%}"
    return CalibrationRow(each.case.title, each.quantity, span, each.figure, (low, high), accepted, detail)


def _silent_row(measured: Measured) -> CalibrationRow:
    detail = f"of {measured.queues} queues, so many have no request that was measured"
    return CalibrationRow("all queues", "silent", "0", float(measured.silent), None, not measured.silent, detail)


def _way_rows(way: Way) -> list[CalibrationRow]:
    """The second witness: what the server says of the very same answers."""

    def row(quantity: str, truth: str, measured: float, accepted: bool, detail: str) -> CalibrationRow:
        return CalibrationRow("pair by pair", quantity, truth, measured, None, accepted, detail)

    lost = way.unanswered + way.unrecorded
    counted = f"{way.pairs:,} pairs; {way.unrecorded:,} answered and not recorded, {way.unanswered:,} the other way"
    least = "no latency is shorter than the server's own time"
    return [
        row("without a pair", "0", float(lost), lost == 0 and way.pairs > 0, counted),
        row("way_least_ms", f"≥ -{SHORTER_MS:g}", way.least_ms, way.least_ms >= -SHORTER_MS, least),
        row("way_p50_ms", f"≤ {WAY_P50_MS:g}", way.p50_ms, way.p50_ms <= WAY_P50_MS, "latency less residence"),
        row("way_p99_ms", f"≤ {WAY_P99_MS:g}", way.p99_ms, way.p99_ms <= WAY_P99_MS, "latency less residence"),
    ]


def _checks_row(validity: Sequence[Mapping[str, Any]]) -> CalibrationRow:
    failed = [str(check["check"]) for check in validity if check["outcome"] != "pass"]
    detail = f"failed: {', '.join(failed)}" if failed else f"{len(validity)} checks passed"
    sound = bool(validity) and not failed
    return CalibrationRow("the run's own checks", "failed", "0", float(len(failed)), None, sound, detail)


@dataclass(frozen=True)
class Defect:
    """What an engine may do wrong, and what must catch it: checks of the run, or quantities of the calibration."""

    name: str
    sentence: str
    caught_by: tuple[str, ...]


DEFECTS: Final = (
    Defect("left-out", "20 ms of every answer are left out", ("littles-law", "way_least_ms")),
    Defect("slow-dropped", "every second slow sample is dropped", ("started-finished", "without a pair")),
    Defect("after-the-queue", "stamps are taken after the queue", ("littles-law", "way_least_ms")),
    Defect("thinking-counted", "thinking is counted as latency", ("littles-law", "way_p50_ms")),
    Defect("omission-corrected", "omission is corrected where nobody was omitted", ("started-finished",)),
    Defect("worker-lost", "one of two workers' samples are lost", ("started-finished", "without a pair")),
)
"""Their code is `harness.load.defects`."""


def caught_by(rows: Sequence[CalibrationRow], validity: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the run's checks and of the calibration's quantities that refused it, each once."""
    checks = [str(check["check"]) for check in validity if check["outcome"] != "pass"]
    return list(
        dict.fromkeys([*checks, *(row.quantity for row in rows if not row.accepted and row.quantity != "failed")])
    )
