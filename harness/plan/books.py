"""Sums of expected requests and runs by site and lane, operation and workflow, on a grid over the run's time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.plan.model import ExpectedLoad, Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Books"]

BINS: Final = 100
"""The run's time is cut into this many equal bins to find its busiest tenth."""
BUSIEST_BINS: Final = BINS // 10


class Books:
    """`add` what is done of a workflow at a site; `closed` gives all of it."""

    def __init__(self, plan: Plan, lane_of: Mapping[str, str]) -> None:
        self.grid_s = np.linspace(0.0, plan.length_s, BINS + 1)
        self._length_s = plan.length_s
        self._lane_of = lane_of
        self._by_lane: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
        self._sums: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(BINS + 1))
        self._by_operation: dict[tuple[str, str], float] = defaultdict(float)
        self._begun: dict[tuple[str, str, str], float] = defaultdict(float)
        self._finished: dict[tuple[str, str, str], float] = defaultdict(float)
        self._requests: dict[tuple[str, str, str], float] = defaultdict(float)
        for site in plan.spec.sites:
            self._sums[site.name, ""] = np.zeros(BINS + 1)
        self._sums["", ""] = np.zeros(BINS + 1)

    def add(
        self,
        site: str,
        persona: str,
        workflow: str,
        upto: Floats,
        calls: Mapping[str, float],
        begun: float,
        finished: float,
    ) -> None:
        """`upto`: runs up to each edge of the grid; `calls`: operation → requests a run; begun and finished in all."""
        lane, total = self._lane_of[workflow], float(upto[-1])
        a_run = sum(calls.values())
        requests = upto * a_run
        self._by_lane[site, lane] += requests
        for key in ((site, ""), ("", lane), ("", "")):
            self._sums[key] += requests
        for operation, count in calls.items():
            self._by_operation[site, operation] += total * count
        self._begun[site, persona, workflow] += begun
        self._finished[site, persona, workflow] += finished
        self._requests[site, persona, workflow] += total * a_run

    def closed(self) -> ExpectedLoad:
        return ExpectedLoad(
            requests={key: float(upto[-1]) for key, upto in self._by_lane.items()},
            peak_per_s={key: _busiest(upto, self._length_s) for key, upto in self._by_lane.items()},
            busiest_per_s={key: _busiest(upto, self._length_s) for key, upto in self._sums.items()},
            by_operation=dict(self._by_operation),
            by_workflow=dict(self._begun),
            by_workflow_finished=dict(self._finished),
            by_workflow_requests=dict(self._requests),
        )


def _busiest(upto: Floats, length_s: float) -> float:
    """Requests a second in the busiest tenth, from the requests up to each edge of the grid."""
    in_window = upto[BUSIEST_BINS:] - upto[:-BUSIEST_BINS]
    return float(in_window.max()) / (length_s * BUSIEST_BINS / BINS)
