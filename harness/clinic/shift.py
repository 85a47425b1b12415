"""A clinician's time on duty: wait, do a workflow, pause, and again until the slot is over.

├ first wait ┤ workflow ┤ between ┤ workflow ┤ between ┤ … ┤ slot over (the step is finished, the workflow is `cut`)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from harness.clinic.clinician import Clinician, Habits, Pace
from harness.clinic.registry import WORKFLOWS, Workflow
from harness.clinic.world import SlotOver, StepFailed
from harness.population.stream import Stream

__all__ = ["first_wait_s", "residual_wait_s", "work_shift"]


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
) -> None:
    """Work until the world says that the slot is over; then return.

    `weights_at` gives the persona's workflow weights at a moment of the run; `unsupported` names the workflows that the
    target lacks the capabilities for: they are recorded as `skipped` and another one is drawn. Where none is left, she
    idles until the slot is over.
    """
    try:
        clinician.world.wait(first_wait_s)
        while True:
            _do(clinician, _draw(clinician, dict(weights_at(clinician.world.now_s)), unsupported))
            clinician.pause(clinician.habits.between)
    except SlotOver:
        return


def _draw(clinician: Clinician, weights: dict[str, float], unsupported: Collection[str]) -> Workflow:
    while any(weights.values()):
        name = clinician.draws.weighted(weights)
        if name not in unsupported:
            return WORKFLOWS[name]
        clinician.world.workflow_begins(name, WORKFLOWS[name].lane)
        clinician.world.workflow_ends("skipped", "the target does not declare what it needs")
        del weights[name]
    # without this a persona of nothing but skipped workflows would write `skipped` as fast as the machine can
    clinician.world.wait(math.inf)
    raise SlotOver


def _do(clinician: Clinician, chosen: Workflow) -> None:
    clinician.world.workflow_begins(chosen.name, chosen.lane)
    try:
        chosen.play(clinician)
    except StepFailed as failure:
        clinician.world.workflow_ends("failed", str(failure))
    except SlotOver:
        clinician.world.workflow_ends("cut", "")
        raise
    else:
        clinician.world.workflow_ends("ok", "")
