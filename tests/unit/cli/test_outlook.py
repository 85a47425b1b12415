"""What the watching program knows of a plan is what the plan says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.cli.options import Choice
from harness.cli.outlook import Outlook
from harness.cli.preparing import Preparation
from harness.control import destinations_of
from harness.plan import on_duty, phase_at
from harness.scenario import load_scenario, resolve

QUICK = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


@pytest.mark.parametrize("scenario", [QUICK, "morning-rush", "month-end"])
def test_phases_and_planned_heads_are_those_of_the_plan(scenario: str) -> None:
    spec = resolve(load_scenario(scenario, ()), sites=3, seed=5, duration_s=120.0)
    preparation = Preparation(destinations_of(spec, None), Choice(scenario), 1)
    outlook = preparation._outlook("http://127.0.0.1:9/fhir", on_loopback=True)
    plan = preparation.plan
    phase_of = phase_at(plan, spec.sites[0].name)
    edges_s = {slot.start_s for slot in plan.slots} | {slot.end_s for slot in plan.slots}
    times_s = [0.0, plan.length_s, *np.linspace(0.0, plan.length_s, 200), *sorted(edges_s)[:200]]
    assert [outlook.phase_at(now_s) for now_s in times_s] == [phase_of(now_s) for now_s in times_s]
    assert [outlook.planned_at(now_s) for now_s in times_s] == on_duty(plan, times_s).tolist()


def test_before_the_beginning_nobody_is_missed() -> None:
    outlook = Outlook("x", "", True, 10.0, 1.0, [5.0, 10.0], ["first", "second"], [0.0, 4.0], [2, 3])
    assert (outlook.planned_at(-0.1), outlook.planned_at(0.0), outlook.planned_at(4.0)) == (2, 2, 3)
    assert (outlook.phase_at(-0.1), outlook.phase_at(5.0), outlook.phase_at(11.0)) == ("first", "second", "second")
