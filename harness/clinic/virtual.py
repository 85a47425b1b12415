"""Clinicians at work on a virtual clock: the same workflows against canned answers, hours of them in a second.

It tells what one run of a workflow costs (the plan's expected load), and proves a persona's figures.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from harness.clinic.canned import TODAY, CannedAnswers, CannedClinician, canned_register
from harness.clinic.clinician import Habits, Pace, Post
from harness.clinic.registry import WORKFLOWS
from harness.clinic.world import SlotOver, StepFailed, WorkflowOutcome
from harness.errors import RunError
from harness.fhir.call import Answer, Call, Check

__all__ = ["RESPONSE_S", "Played", "VirtualWorld", "WorkflowCost", "measure", "virtual_post"]

RESPONSE_S: Final = 0.2
"""How long a canned answer takes (assumption: a healthy server, with the way to it)."""


@dataclass(frozen=True, slots=True)
class WorkflowCost:
    """Means over the runs of one workflow: calls by operation and together, seconds of thinking (none between runs)."""

    requests: Mapping[str, float]
    think_s: float
    calls: float


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
        self.now_s += self._response_s
        self._calls.append(call)
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

    def workflow_begins(self, name: str, lane: str) -> None:
        self._begin(name, lane)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        waited_s = len(self._calls) * self._response_s
        self.played.append(Played(self._name, self._lane, outcome, detail, self._think_s, waited_s, tuple(self._calls)))
        self._begin("", "")

    def _begin(self, name: str, lane: str) -> None:
        self._name, self._lane = name, lane
        self._think_s = 0.0
        self._calls: list[Call] = []

    def _leave_if_over(self) -> None:
        if self.now_s >= self.end_s:
            raise SlotOver


def measure(habits: Habits, runs_per_workflow: int, seed: int) -> dict[str, WorkflowCost]:
    """Play each workflow of `habits` so many times; workflow → its mean cost.

    Pauses take exactly their mean here: a mean over drawn ones would only add noise to a figure that is known.
    Raises RunError where a workflow fails even on canned answers, ValueError where `runs_per_workflow` is below 1.
    """
    if runs_per_workflow < 1:
        raise ValueError(f"{runs_per_workflow} runs of a workflow cannot be measured: at least 1")
    even = replace(habits, think=Pace(habits.think.mean_s, 0.0), between=Pace(habits.between.mean_s, 0.0))
    post = virtual_post(habits.persona, seed)
    return {name: _cost(name, even, post, runs_per_workflow) for name in habits.weights}


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


def _cost(name: str, habits: Habits, post: Post, runs: int) -> WorkflowCost:
    requests: Counter[str] = Counter()
    think_s = 0.0
    world = VirtualWorld(CannedAnswers(post.seed))
    clinician = CannedClinician(post, habits, 0, world)
    workflow = WORKFLOWS[name]
    for _ in range(runs):
        world.workflow_begins(name, workflow.lane)
        try:
            workflow.play(clinician)
        except StepFailed as failure:
            raise RunError(
                f"workflow '{name}' fails on canned answers: {failure}",
                "its expected load cannot be told; give harness.clinic.canned an answer to that call",
            ) from failure
        world.workflow_ends("ok", "")
    for played in world.played:
        requests.update(call.operation for call in played.calls)
        think_s += played.think_s
    return WorkflowCost(
        requests={operation: count / runs for operation, count in requests.items()},
        think_s=think_s / runs,
        calls=requests.total() / runs,
    )
