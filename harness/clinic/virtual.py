"""Clinicians at work on a virtual clock: the same workflows against canned answers, hours of them in a second.

It tells what one run of a workflow costs (the plan's expected load), and proves a persona's figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.clinic.bounds import OwnPlays
from harness.clinic.canned import TODAY, CannedAnswers, CannedClinician, canned_register, written_by
from harness.clinic.post import Habits, Pace, Post
from harness.clinic.registry import WORKFLOWS
from harness.clinic.world import SlotOver, StepFailed, WorkflowOutcome
from harness.errors import RunError
from harness.fhir.call import Answer, Call, Check

__all__ = ["RESPONSE_S", "Played", "Trace", "VirtualWorld", "traces_of", "virtual_post"]

RESPONSE_S: Final = 0.2
"""How long a canned answer takes (assumption: a healthy server, with the way to it)."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How one run of a workflow went, whatever the pace: (pauses before, operation) of each request, pauses in all."""

    calls: tuple[tuple[int, str], ...]
    pauses: int
    written: int
    """Resources that were sent to be stored, each of a Bundle's entries counted."""


@dataclass(frozen=True, slots=True)
class Played:
    """One run of a workflow on the virtual clock. `think_s` and `waited_s` sum to its length."""

    workflow: str
    lane: str
    outcome: WorkflowOutcome
    detail: str
    think_s: float
    waited_s: float
    calls: tuple[Call, ...]
    asked_s: tuple[float, ...]
    """When each call was made, in virtual seconds."""


class VirtualWorld:
    """A world of one clinician in which nothing is sent and time costs nothing.

    `answers` gives what would come back (`CannedAnswers` has it ready-made); each check is run on it as on the wire.
    The slot ends at `end_s` virtual seconds. What was done stands in `played`.
    """

    def __init__(
        self, answers: Callable[[Call], Answer], *, end_s: float = math.inf, response_s: float = RESPONSE_S
    ) -> None:
        self.now_s = 0.0
        self.end_s = end_s
        self.played: list[Played] = []
        self._answers = answers
        self._response_s = response_s
        self._begin("", "")

    def perform(self, call: Call, check: Check) -> Answer:
        self._leave_if_over()
        self._calls.append(call)
        self._asked_s.append(self.now_s)
        self.now_s += self._response_s
        answer = self._answers(call)
        if answer.outcome != "ok":
            return answer
        wrong = check(answer)
        return Answer(answer.status, answer.body, answer.headers, "content", wrong) if wrong else answer

    def wait(self, seconds: float) -> None:
        spent_s = min(seconds, self.end_s - self.now_s)
        self.now_s += spent_s
        self._think_s += spent_s
        self._leave_if_over()

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:  # noqa: ARG002 (nobody gives up)
        self._begin(name, lane)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        waited_s = len(self._calls) * self._response_s
        calls, asked_s = tuple(self._calls), tuple(self._asked_s)
        self.played.append(Played(self._name, self._lane, outcome, detail, self._think_s, waited_s, calls, asked_s))
        self._begin("", "")

    def _begin(self, name: str, lane: str) -> None:
        self._name, self._lane = name, lane
        self._think_s = 0.0
        self._calls: list[Call] = []
        self._asked_s: list[float] = []

    def _leave_if_over(self) -> None:
        if self.now_s >= self.end_s:
            raise SlotOver


def traces_of(name: str, persona: str, *, few: int, most: int, seed: int) -> dict[Trace, int]:
    """Play workflow `name` as `persona`: `few` times where it always goes the same way, else `most` times. Trace → how
    often it went so.

    Raises RunError where one that ships fails on canned answers; InputError where one of one's own raises anything but
    a failed step, or does not end.
    """
    unit = Pace(1.0, 0.0)
    world = VirtualWorld(CannedAnswers(seed), response_s=0.0)
    clinician = CannedClinician(virtual_post(persona, seed), Habits(persona, unit, unit, {}), 0, world)
    found: Counter[Trace] = Counter()
    plays = OwnPlays(WORKFLOWS[name])
    while found.total() < few or (len(found) > 1 and found.total() < most):
        found[_trace(name, plays, clinician, world)] += 1
    return dict(found)


def virtual_post(persona: str, seed: int) -> Post:
    """A post at a made-up site whose patients and staff the canned answers know."""
    return Post(
        site="virtual",
        locale="en_US",
        seed=seed,
        today=TODAY,
        run_id="00000000",
        register=canned_register(persona),
        opens_at_s=8 * 3600.0,
    )


def _trace(name: str, plays: OwnPlays, clinician: CannedClinician, world: VirtualWorld) -> Trace:
    begun_s = world.now_s
    world.workflow_begins(name, WORKFLOWS[name].lane)
    try:
        failed = plays.play(clinician)
    except StepFailed as failure:
        raise RunError(
            f"workflow '{name}' fails on canned answers: {failure}",
            "its expected load cannot be told; give harness.clinic.canned an answer to that call",
        ) from failure
    world.workflow_ends("failed" if failed else "ok", failed)
    played = world.played.pop()
    calls = zip(played.calls, played.asked_s, strict=True)
    return Trace(
        tuple((round(at_s - begun_s), call.operation) for call, at_s in calls),
        round(world.now_s - begun_s),
        sum(written_by(call) for call in played.calls),
    )
