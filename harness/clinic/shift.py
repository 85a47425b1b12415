"""A clinician's time on duty: wait, do a workflow, pause, and again until the slot is over.

├ first wait ┤ on arrival ┤ workflow ┤ between ┤ workflow ┤ … ┤ slot over (the step is finished, the workflow is `cut`)

Whoever gave a workflow up that writes comes back to it later (back-entry): what was noted on paper has to be typed in.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import overload

from harness.clinic.bounds import play_once, told_of
from harness.clinic.clinician import Clinician
from harness.clinic.post import Habits, Pace
from harness.clinic.registry import WORKFLOWS, Workflow
from harness.clinic.world import GaveUp, SlotOver, StepFailed
from harness.population.stream import Stream

__all__ = ["first_wait_s", "residual_wait_s", "visit", "work_shift"]


def residual_wait_s(draws: Stream, pace: Pace) -> float:
    """What is left of a pause that began before anybody looked, in seconds.

    Whoever looks at a random moment meets long pauses more often: the pause is drawn length-biased (for a lognormal:
    its mean times e^{σ²}, same σ), and the look falls uniformly into it (Cox, Renewal Theory, 1962, ch. 5).
    """
    if pace.mean_s <= 0:
        return 0.0
    return draws.uniform() * _met_s(draws, pace)


def first_wait_s(draws: Stream, habits: Habits, *, opening: bool, run_s: float) -> float:
    """How long a clinician waits before her first workflow, in seconds; her workflows take `run_s` on the mean.

    Who comes later begins after one pause for thought (she logs in). Who is there at the `opening` is somewhere in her
    cycle, every moment of it equally likely:

        ├─ between ─┼────── workflow ──────┼─ between ─┼ …
         rest of it    ◀── or ──▶ the rest and the pause

    A workflow cannot be entered in its middle, so she takes its nearer end. In its first half she begins it anew with
    her next act, the rest of one thought away; in its second half she waits for the rest and for the pause that
    follows. What the former do too much the latter leave out: requests come neither in a burst nor, on the mean over
    the first cycle, much too seldom.
    """
    if not opening:
        return _drawn_s(draws, habits.think)
    between_s = habits.between.mean_s
    if draws.uniform() * (between_s + run_s) < between_s:
        return residual_wait_s(draws, habits.between)
    left = draws.uniform()
    if left > 0.5:
        return residual_wait_s(draws, habits.think)
    return left * _met_s(draws, Pace(run_s, habits.think.sigma)) + _drawn_s(draws, habits.between)


def _drawn_s(draws: Stream, pace: Pace) -> float:
    return draws.lognormal(pace.mean_s, pace.sigma)


def _met_s(draws: Stream, pace: Pace) -> float:
    """The whole length of what somebody meets who looks at a random moment: drawn length-biased."""
    return draws.lognormal(pace.mean_s * math.exp(pace.sigma * pace.sigma), pace.sigma)


def work_shift(
    clinician: Clinician,
    first_wait_s: float,
    weights_at: Callable[[float], Mapping[str, float]],
    unsupported: Collection[str],
    *,
    arrives: bool = False,
) -> None:
    """Work until the world says that the slot is over; then return.

    `weights_at` gives the persona's workflow weights at a moment of the run; `unsupported` names the workflows that the
    target lacks the capabilities for: they are recorded as `skipped` and another one is drawn. Where none is left, she
    idles until the slot is over. `arrives`: her shift begins now, and with it what she does on arrival.
    """
    owed: deque[tuple[float, Workflow]] = deque()
    try:
        clinician.world.wait(first_wait_s)
        for name in clinician.habits.on_arrival if arrives else ():
            if _can(clinician, name, unsupported):
                _do(clinician, WORKFLOWS[name], owed)
        while True:
            if owed and owed[0][0] <= clinician.world.now_s:
                _do(clinician, owed.popleft()[1], owed, back_entry=True)
            else:
                _do(clinician, _draw(clinician, dict(weights_at(clinician.world.now_s)), unsupported), owed)
            clinician.pause(clinician.habits.between)
    except SlotOver:
        return


def visit(clinician: Clinician, weights: Mapping[str, float], unsupported: Collection[str]) -> None:
    """What somebody does who comes once, such as a patient or a message: one workflow, drawn by weight."""
    try:
        chosen = _draw(clinician, dict(weights), unsupported, or_idle=False)
        if chosen is not None:
            _do(clinician, chosen, deque())
    except SlotOver:
        return


@overload
def _draw(clinician: Clinician, weights: dict[str, float], unsupported: Collection[str]) -> Workflow: ...
@overload
def _draw(
    clinician: Clinician, weights: dict[str, float], unsupported: Collection[str], *, or_idle: bool
) -> Workflow | None: ...
def _draw(
    clinician: Clinician, weights: dict[str, float], unsupported: Collection[str], *, or_idle: bool = True
) -> Workflow | None:
    while any(weights.values()):
        name = clinician.draws.weighted(weights)
        if _can(clinician, name, unsupported):
            return WORKFLOWS[name]
        del weights[name]
    if not or_idle:
        return None
    # without this a persona of nothing but skipped workflows would write `skipped` as fast as the machine can
    clinician.world.wait(math.inf)
    raise SlotOver


def _can(clinician: Clinician, name: str, unsupported: Collection[str]) -> bool:
    """Whether the target can do it; where not, it is written down as skipped."""
    if name not in unsupported:
        return True
    clinician.world.workflow_begins(name, WORKFLOWS[name].lane)
    clinician.world.workflow_ends("skipped", "the target does not declare what it needs")
    return False


def _do(
    clinician: Clinician, chosen: Workflow, owed: deque[tuple[float, Workflow]], *, back_entry: bool = False
) -> None:
    world = clinician.world
    world.workflow_begins(chosen.name, chosen.lane, back_entry=back_entry)
    try:
        play_once(chosen, clinician)
    except StepFailed as failure:
        world.workflow_ends("failed", str(failure))
    except GaveUp as gave_up:
        world.workflow_ends("abandoned", str(gave_up))
        if chosen.writes and clinician.habits.back_entry_s is not None:
            owed.append((world.now_s + clinician.habits.back_entry_s, chosen))
    except SlotOver:
        world.workflow_ends("cut", "")
        raise
    except BaseException as fault:
        # whatever a workflow trips over is its own failure, and she goes on with the next; what ends her is let by
        told = told_of(fault, chosen)
        if not told:
            raise
        world.workflow_ends("failed", told)
    else:
        world.workflow_ends("ok", "")
