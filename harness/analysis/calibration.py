"""What a calibration is measured from: queues whose response times are known, repeated side by side, and each answer's
own witness, the time that the server says it was inside.

    site ──▶ a queue of its own at the calibrated sandbox ──▶ samples ──▶ its percentiles: one of twenty repetitions
    request id ──▶ latency in the samples, residence in the server's journal ──▶ the way between the two
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.analysis.intervals import quantile
from harness.analysis.latencies import Latencies
from harness.analysis.queueing import (
    ResponseTimes,
    asking_within,
    closed_queue,
    fixed_service,
    open_queue,
    stalled_closed,
    stalled_open,
)
from harness.analysis.requests import read_requests
from harness.analysis.tables import columns_of, open_tables
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = [
    "CASES",
    "MEASURED",
    "QUANTITIES",
    "Case",
    "Measured",
    "Repetitions",
    "Way",
    "case_of",
    "repetitions",
    "way_of",
]

Floats = NDArray[np.float64]

MEASURED: Final = "measured"
"""The scenario's phase in which the queues have settled; what was before is left out, and told."""
QUANTITIES: Final = ("throughput_per_s", "p50_ms", "p95_ms", "p99_ms")
_SHARE: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


@dataclass(frozen=True)
class Case:
    """A queue whose answers are known. `name` is the site template of `scenarios/calibration/known-truths.yaml`."""

    name: str
    title: str
    servers: int
    service_s: float
    distribution: str
    times: Callable[[float], ResponseTimes]
    """What a client sees from so many seconds away, to the server and back."""
    quantities: tuple[str, ...] = QUANTITIES
    stall_s: float = 0.0
    """So long the server stands still, once, within what is measured."""

    def truth(self, quantity: str, way_s: float) -> float:
        """The known answer, in ms or requests a second, for a client so far away."""
        times = self.times(way_s)
        if quantity == "throughput_per_s":
            return times.throughput_per_s
        return 1000 * (times.quantile_s(_SHARE[quantity]) + way_s)


_LENGTH_S: Final = 60.0
_STALL_S: Final = 6.0
_TAIL: Final = ("p95_ms", "p99_ms")

CASES: Final = (
    Case("fixed", "one person, fixed 100 ms", 1, 0.1, "fixed", lambda way_s: fixed_service(0.1, way_s)),
    Case("alone", "one person, exp 50 ms", 1, 0.05, "exponential", lambda way_s: closed_queue(1, way_s, 0.05)),
    Case("open", "M/M/1, 14/s, 50 ms", 1, 0.05, "exponential", lambda _: open_queue(14.0, 0.05)),
    Case("twenty", "M/M/1//20, 1 s, 50 ms", 1, 0.05, "exponential", lambda way_s: closed_queue(20, 1 + way_s, 0.05)),
    Case("eighty", "M/M/4//80, 4 s, 200 ms", 4, 0.2, "exponential", lambda way_s: closed_queue(80, 4 + way_s, 0.2, 4)),
    Case(
        "stall-open",
        "6 s stall, open",
        *(1000, 0.005, "fixed"),
        lambda _: stalled_open(_STALL_S, _LENGTH_S, 0.005),
        _TAIL,
        _STALL_S,
    ),
    Case(
        "stall-queue",
        "6 s stall, open, one server",
        *(1, 0.05, "fixed"),
        lambda _: stalled_open(_STALL_S, _LENGTH_S, 0.05, rho=0.5),
        _TAIL,
        _STALL_S,
    ),
    Case(
        "stall-closed",
        "6 s stall, ten people, 2 s",
        *(1000, 0.005, "fixed"),
        lambda way_s: stalled_closed(_STALL_S, _LENGTH_S, 0.005, 2.0 + way_s, asking_within(2.0, 0.6)),
        _TAIL,
        _STALL_S,
    ),
)


def case_of(name: str) -> Case:
    """Raises KeyError where there is none of that name."""
    return {case.name: case for case in CASES}[name]


@dataclass(frozen=True)
class Repetitions:
    """One quantity of one case: the figure of all its queues together, and of all but one, each left out in turn."""

    case: Case
    quantity: str
    figure: float
    without_one: Floats


@dataclass(frozen=True)
class Measured:
    """All that was repeated; how many queues there are, and how many of them have no request that was measured."""

    repeated: tuple[Repetitions, ...]
    queues: int
    silent: int


@dataclass(frozen=True)
class Way:
    """How much longer each answer took for the client than it was inside the server, in ms, pair by pair."""

    pairs: int
    least_ms: float
    p50_ms: float
    p99_ms: float
    unanswered: int
    """In the samples, and the server knows of no answer."""
    unrecorded: int
    """Answered by the server, and not in the samples."""


def repetitions(run_dir: RunDir, spec: RunSpec) -> Measured:
    """Every quantity of each case that was played, from the measured phase: headline latencies, as in the report.

    Raises JudgeError where the run's files cannot be read.
    """
    template_of = {site.name: site.template for site in spec.sites}
    phase = next(phase for phase in spec.scenario.phases if phase.name == MEASURED)
    begin_s, end_s = spec.played
    length_s = min(phase.end_s, end_s) - max(phase.start_s, begin_s)
    queues: dict[str, list[Floats]] = {case.name: [] for case in CASES}
    with open_tables(run_dir, spec.sites) as tables:
        for (site, name), latencies_ms in Latencies.of_requests(read_requests(tables, run_dir.samples)).split(
            "site", "phase"
        ):
            if name == MEASURED:
                queues[template_of[site]].append(latencies_ms)
    repeated = [
        _repeated(case, quantity, queues[case.name], length_s)
        for case in CASES
        if case.name in template_of.values()
        for quantity in case.quantities
    ]
    return Measured(tuple(repeated), len(template_of), len(template_of) - sum(map(len, queues.values())))


def _repeated(case: Case, quantity: str, queues: list[Floats], length_s: float) -> Repetitions:
    without_one = [_figure(quantity, queues[:at] + queues[at + 1 :], length_s) for at in range(len(queues))]
    return Repetitions(case, quantity, _figure(quantity, queues, length_s), np.array(without_one))


def _figure(quantity: str, queues: list[Floats], length_s: float) -> float:
    """Of queues taken together. A percentile of each, averaged, would lie: a minute holds too few for a p99."""
    if quantity == "throughput_per_s":
        return sum(map(len, queues)) / len(queues) / length_s if queues else math.nan
    return quantile(np.sort(np.concatenate(queues)), _SHARE[quantity]) if queues else math.nan


def way_of(run_dir: RunDir, spec: RunSpec, residence_ms: Mapping[str, float]) -> Way:
    """Pair each sample with the server's own word. `residence_ms`: request id as the wire writes it → time inside."""
    with open_tables(run_dir, spec.sites) as tables:
        columns = columns_of(tables, "SELECT request_id, latency_ms FROM samples")
    ids = [f"{number:016x}" for number in columns["request_id"].tolist()]
    inside = np.array([residence_ms.get(name, np.nan) for name in ids])
    way_ms = np.sort((columns["latency_ms"] - inside)[~np.isnan(inside)])
    return Way(
        pairs=len(way_ms),
        least_ms=float(way_ms.min(initial=np.inf)),
        p50_ms=quantile(way_ms, 0.50) if len(way_ms) else np.inf,
        p99_ms=quantile(way_ms, 0.99) if len(way_ms) else np.inf,
        unanswered=len(ids) - len(way_ms),
        unrecorded=len(residence_ms.keys() - set(ids)),
    )
