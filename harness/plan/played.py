"""Shifts that are really worked on the virtual clock, many clinicians long, and what they had done by the hour.

    ├ comes at a drawn moment of her first cycle ┤ works herself in ┤ counted: so many hours ┤

Whatever begins in the counted hours counts. By then nobody knows any more when she began, so that on the mean an hour
is like every other and what comes out may be held against `harness.plan.personas` as it is. Nothing is kept but counts.
"""

from __future__ import annotations

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

    from harness.clinic.clinician import Habits
    from harness.clinic.world import WorkflowOutcome

    Floats = NDArray[np.float64]

__all__ = ["Counted", "Played", "play_shift", "play_visits"]

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
    """Some clinicians' counts over the same hours, each on her own, so that they tell their own spread."""

    def __init__(self, counted: list[Counted], hours: float) -> None:
        self._counted = counted
        self._hours = hours

    def actions_per_h(self) -> Figure:
        by_clinician = np.array([one.actions for one in self._counted]) / self._hours
        return Figure(float(by_clinician.mean()), _error(by_clinician))

    def share(self, workflow: str) -> Figure:
        """The workflow's share of all runs; as a ratio of two sums, its error by linearization."""
        own = np.array([one.runs.get(workflow, 0) for one in self._counted], dtype=np.float64)
        whole = np.array([sum(one.runs.values()) for one in self._counted], dtype=np.float64)
        share = float(own.sum() / whole.sum())
        return Figure(share, _error((own - share * whole) / whole.mean()))


def play_shift(habits: Habits, number: int, hours: float, cycle_s: float) -> Counted:
    """Work `hours` as the `number`-th clinician of these habits; her cycles take `cycle_s` on the mean."""
    answers = CannedAnswers(number)
    world = _CountingWorld(answers, end_s=cycle_s + WORKED_IN_S + hours * _HOUR_S, from_s=cycle_s + WORKED_IN_S)
    clinician = CannedClinician(virtual_post(habits.persona, number), habits, number, world)
    first_wait_s = Stream(number, habits.persona, "first wait").uniform() * cycle_s
    work_shift(clinician, first_wait_s, lambda _: habits.weights, ())
    return world.counted()


def play_visits(habits: Habits, number: int, visits: int) -> Counted:
    """Come so many times, for one workflow each."""
    world = _CountingWorld(CannedAnswers(number), end_s=float("inf"), from_s=0.0)
    clinician = CannedClinician(virtual_post(habits.persona, number), habits, number, world)
    for _ in range(visits):
        visit(clinician, habits.weights, ())
    return world.counted()


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
