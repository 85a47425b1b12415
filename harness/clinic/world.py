"""What a clinician needs of the world: somebody who answers calls, and time.

Two worlds exist: the wire (`harness.load`: gevent and the lean client) and the virtual clock (`harness.clinic.virtual`:
canned answers). A workflow cannot tell them apart.
"""

from __future__ import annotations

from typing import Literal, Protocol

from harness.fhir.call import Answer, Call, Check

__all__ = ["GaveUp", "SlotOver", "StepFailed", "WorkflowOutcome", "World"]

WorkflowOutcome = Literal["ok", "failed", "cut", "abandoned", "skipped"]


class StepFailed(Exception):  # noqa: N818 (what happened in the clinic, not a fault of the program)
    """A step did not come out as clinical work needs it; the workflow ends as `failed`."""


class GaveUp(Exception):  # noqa: N818 (what a clinician does, not a fault of the program)
    """Her patience ended before an answer came; the workflow ends as `abandoned`."""


class SlotOver(Exception):  # noqa: N818 (the end of a day is no error)
    """The clinician's time on duty is over: the step was finished, the workflow ends as `cut`."""


class World(Protocol):
    """Answers calls and lets time pass; both raise `SlotOver` once the clinician's slot has ended."""

    @property
    def now_s(self) -> float:
        """Seconds since the run started."""

    def perform(self, call: Call, check: Check) -> Answer:
        """Send `call`; the answer's outcome already tells what transport, status and `check` say of it.

        Raises GaveUp where nobody came back within the clinician's patience.
        """

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass, thinking or between two workflows."""

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        """The calls that follow belong to this workflow; `back_entry`: it is done again after it was given up."""

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        """The workflow that began last has ended."""
