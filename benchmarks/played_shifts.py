"""Shifts that are really worked on the virtual clock, many clinicians long, and what they had done by the hour.

    ├ comes at a drawn moment of her first cycle ┤ works herself in ┤ counted: so many hours ┤

Whatever begins in the counted hours counts. By then nobody knows any more when she began, so that on the mean an hour
is like every other and what comes out may be held against `harness.plan.personas` as it is. Nothing is kept but counts.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.shift import visit, work_shift
from harness.clinic.virtual import VirtualWorld, virtual_post
from harness.plan.personas import Figure
from harness.population.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.clinic.post import Habits
    from harness.clinic.world import WorkflowOutcome

    Floats = NDArray[np.float64]

__all__ = ["Counted", "Played", "play_shifts", "play_visits"]

WORKED_IN_S: Final = 3600.0
"""After an hour of cycles of drawn length, some of them short, nothing is left of how she began."""
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What one clinician began in the hours that count."""

    actions: int
    """Pauses, thinking and between two workflows."""
    runs: Mapping[str, int]


class Played:
    """Some people's counts, each on her own, so that they tell their own spread."""

    def __init__(self, counted: list[Counted]) -> None:
        self._counted = counted

    def actions(self, each: float) -> Figure:
        """Actions an hour or a visit, where everybody has worked `each` hours or made so many visits."""
        by_person = np.array([one.actions for one in self._counted]) / each
        return Figure(float(by_person.mean()), _error(by_person))

    def share(self, workflow: str) -> Figure:
        """The workflow's share of all runs; as a ratio of two sums, its error by linearization."""
        own = np.array([one.runs.get(workflow, 0) for one in self._counted], dtype=np.float64)
        whole = np.array([sum(one.runs.values()) for one in self._counted], dtype=np.float64)
        share = float(own.sum() / whole.sum())
        return Figure(share, _error((own - share * whole) / whole.mean()))


def play_shifts(habits: Habits, numbers: range, hours: float, cycle_s: float) -> list[Counted]:
    """The clinicians of these numbers work `hours` each; `cycle_s` is the mean length of such a persona's cycle."""
    from_s = cycle_s + WORKED_IN_S
    counted = []
    for number in numbers:
        world = _CountingWorld(CannedAnswers(number), end_s=from_s + hours * _HOUR_S, from_s=from_s)
        first_wait_s = Stream(number, habits.persona, "first wait").uniform() * cycle_s
        work_shift(_clinician(habits, number, world), first_wait_s, lambda _: habits.weights, ())
        counted.append(world.counted())
    return counted


def play_visits(habits: Habits, numbers: range, visits: int) -> list[Counted]:
    """Those of these numbers come so many times each, for one workflow at a time."""
    counted = []
    for number in numbers:
        world = _CountingWorld(CannedAnswers(number), end_s=math.inf, from_s=0.0)
        somebody = _clinician(habits, number, world)
        for _ in range(visits):
            visit(somebody, habits.weights, ())
        counted.append(world.counted())
    return counted


def _clinician(habits: Habits, number: int, world: VirtualWorld) -> CannedClinician:
    return CannedClinician(virtual_post(habits.persona, number), habits, number, world)


class _CountingWorld(VirtualWorld):
    """Counts what begins from `from_s` on, and forgets it."""

    def __init__(self, answers: CannedAnswers, *, end_s: float, from_s: float) -> None:
        super().__init__(answers, end_s=end_s)
        self._from_s = from_s
        self._actions = 0
        self._runs: Counter[str] = Counter()

    def wait(self, seconds: float) -> None:
        if self.now_s >= self._from_s:
            self._actions += 1
        super().wait(seconds)

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        if self.now_s >= self._from_s:
            self._runs[name] += 1
        super().workflow_begins(name, lane, back_entry=back_entry)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        super().workflow_ends(outcome, detail)
        self.played.clear()

    def counted(self) -> Counted:
        return Counted(self._actions, dict(self._runs))


def _error(values: Floats) -> float:
    """Standard error of the mean of independent values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))
