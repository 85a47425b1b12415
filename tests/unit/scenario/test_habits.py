"""A persona's figures become what the clinic plays."""

from __future__ import annotations

import pytest

from harness.scenario import habits_of
from harness.scenario.model import Scenario


def test_habits_are_the_personas_own(quick_rush: Scenario) -> None:
    habits = habits_of(quick_rush.personas["nurse"])
    assert (habits.persona, habits.think.mean_s, habits.think.sigma) == ("nurse", 0.5, 0.4)
    assert habits.weights == {"room-patient": 1.0, "medication-pass": 1.0}


@pytest.mark.parametrize("factor", [0.0, 0.02, 2.0])
def test_the_think_factor_shortens_every_pause_alike(quick_rush: Scenario, factor: float) -> None:
    habits = habits_of(quick_rush.personas["nurse"], factor)
    assert (habits.think.mean_s, habits.between.mean_s) == (0.5 * factor, 0.5 * factor)
    assert habits.think.sigma == 0.4
