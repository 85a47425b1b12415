"""The proof of all personas: a thousand of each at work on the virtual clock do what the arithmetic says.

Some minutes on two cores. Whoever is on duty works 12 hours; whoever comes by herself comes a hundred times.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from benchmarks.played_shifts import Counted, Played, play_shifts, play_visits
from harness.clinic.virtual import traces_of
from harness.plan.personas import Figure, Modelled
from harness.scenario import habits_of, load_everybody

PEOPLE = 1_000
HOURS = 12
VISITS = 100
PLAYS = 2_000
"""Of each workflow, so that the figure that they are held against is far more exact than theirs."""
TASK = 50
"""People in one task of a process."""

EVERYBODY = load_everybody()
ON_DUTY = {name for template in EVERYBODY.templates.values() for name in template.mix}
STANDARD_ERRORS = 3


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_a_thousand_clinicians_of_each_persona_do_what_the_arithmetic_says() -> None:
    habits = {name: habits_of(persona) for name, persona in EVERYBODY.personas.items()}
    assert len(habits) == 17
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        model: dict[str, Modelled] = {}
        counted: dict[str, list[Future[list[Counted]]]] = {}
        for name, own in habits.items():
            traces = {one: traces_of(one, name, few=PLAYS, most=PLAYS, seed=1) for one in own.weights}
            model[name] = Modelled(own, traces)
            tasks = [range(first, first + TASK) for first in range(0, PEOPLE, TASK)]
            if name in ON_DUTY:
                cycle_s = model[name].a_run(model[name].length_s).value + own.between.mean_s
                counted[name] = [pool.submit(play_shifts, own, numbers, HOURS, cycle_s) for numbers in tasks]
            else:
                counted[name] = [pool.submit(play_visits, own, numbers, VISITS) for numbers in tasks]
        played = {name: Played([one for task in tasks for one in task.result()]) for name, tasks in counted.items()}
    wrong = [told for name in habits for told in compared(name, model[name], played[name])]
    assert not wrong, "\n".join(wrong)


def compared(name: str, model: Modelled, played: Played) -> list[str]:
    """What lies further apart than `STANDARD_ERRORS`."""
    if name in ON_DUTY:
        figures = {"actions an hour": (model.actions_per_h(), played.actions(HOURS))}
    else:
        figures = {"actions a visit": (model.a_run(lambda _, trace: trace.pauses), played.actions(VISITS))}
    for workflow, share in model.shares.items():
        figures[f"share of {workflow}"] = (Figure(share, 0.0), played.share(workflow))
    return [
        f"{name}: {figure} {ours.value:.5g} ± {ours.error:.2g}, played {theirs.value:.5g} ± {theirs.error:.2g}"
        for figure, (ours, theirs) in figures.items()
        if abs(ours.value - theirs.value) > STANDARD_ERRORS * math.hypot(ours.error, theirs.error) + 1e-9
    ]
