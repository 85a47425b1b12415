"""A clinician's world while she plays a workflow of somebody's own: what she does is counted, and its end is final.

On the way of each request of such a workflow, and so among what can be compiled (`harness.engine.HOT_PATH`).
"""

from __future__ import annotations

from typing import Final, NoReturn

from harness.clinic.alarm import NoEnd
from harness.clinic.not_there import not_there
from harness.clinic.world import SlotOver, WorkflowOutcome, World
from harness.fhir.call import Answer, Call, Check

__all__ = ["MOST_CALLS", "BoundedWorld"]

MOST_CALLS: Final = 10_000
"""Requests and pauses of one play; the longest shipped workflow has some tens."""
LONGEST_PAUSE_S: Final = 14 * 86_400
"""No run is longer, and the sum of all pauses of a play is still a number."""


class BoundedWorld:
    """A world for one play (`harness.clinic.world.World`): its requests and pauses are counted, its end is its end.

    Whoever has swallowed that her slot is over is told with NoEnd, at once and without a pause: who swallows that too
    stands still then, and is ended as such (`harness.load.watchdog`).
    """

    def __init__(self, world: World, most_calls: float) -> None:
        self._world = world
        self._left = most_calls
        self._over = False

    def __getattr__(self, name: str) -> NoReturn:
        raise not_there("a clinician's world", self, name)

    @property
    def now_s(self) -> float:
        return self._world.now_s

    def perform(self, call: Call, check: Check) -> Answer:
        self._count_one()
        try:
            return self._world.perform(call, check)
        except BaseException as thrown:
            self._note(thrown)
            raise

    def wait(self, seconds: float) -> None:
        if not 0 <= seconds <= LONGEST_PAUSE_S:  # what is no number is neither
            raise ValueError(f"a pause of {seconds:g} s; write a number of seconds from 0 to {LONGEST_PAUSE_S:,}")
        self._count_one()
        try:
            self._world.wait(seconds)
        except BaseException as thrown:
            self._note(thrown)
            raise

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        self._world.workflow_begins(name, lane, back_entry=back_entry)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        self._world.workflow_ends(outcome, detail)

    def _count_one(self) -> None:
        self._left -= 1
        if self._over:
            raise NoEnd("went on after her slot was over")
        if self._left < 0:
            raise NoEnd(f"one play has more than {MOST_CALLS:,} requests and pauses")

    def _note(self, thrown: BaseException) -> None:
        """Also what ends her from outside, such as the end of the process, is her end."""
        self._over = isinstance(thrown, SlotOver) or not isinstance(thrown, Exception)
