"""`emrload plan` as people read it: the preview, and one clear error for each bad value.

Workflow costs are fixed here, so that these texts pin the wording and not what a workflow happens to call.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.clinic.post import Habits
from harness.plan import expected
from harness.plan.costs import POINTS, Cost, Moments

Golden = Callable[[str, str], None]
Run = Callable[..., Any]
RUSH = str(Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml")

BAD_VALUES = {
    "sites-ten": ["--sites", "ten"],
    "sites-0": ["--sites", "0"],
    "sites-negative": ["--sites", "-1"],
    "duration-without-unit": ["--duration", "10"],
    "duration-negative": ["--duration", "-5m"],
    "duration-nan": ["--duration", "nan"],
    "duration-0": ["--duration", "0s"],
    "duration-endless": ["--duration", "9" * 400 + "h"],
    "window-half": ["--window", "09:00"],
    "window-backwards": ["--window", "10:00..09:00"],
    "window-outside": ["--window", "03:00..04:00"],
    "window-and-duration": ["--window", "08:00..09:00", "--duration", "5m"],
    "workers-0": ["--workers", "0"],
    "seed-negative": ["--seed", "-3"],
    "greedy-unknown-site": ["--greedy", "laek=4"],
    "greedy-without-a-number": ["--greedy", "lake"],
    "greedy-0": ["--greedy", "lake=0"],
    "greedy-twice": ["--greedy", "lake=2", "--greedy", "lake=4"],
    "png-nowhere": ["--png", "nowhere/heads.png"],
}


def _at(pauses: float, requests: float) -> Moments:
    return Moments(np.full(POINTS, pauses), np.full(POINTS, requests))


@pytest.fixture(autouse=True)
def fixed_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    def costs_of(habits: Habits) -> dict[str, Cost]:
        moments = {"Patient.read": _at(0.0, 0.0), "Observation.search[patient]": _at(1.0, 1.0)}
        cost = Cost({"Patient.read": 1.0, "Observation.search[patient]": 2.0}, 1.0, _at(1.0, 3.0), moments)
        return dict.fromkeys((*habits.on_arrival, *habits.weights), cost)

    monkeypatch.setattr(expected, "costs_of", costs_of)


def test_a_time_lapse_says_what_it_distorts(emrload: Run, golden: Golden) -> None:
    told = emrload("plan", RUSH, "--sites", "3", "--duration", "2m", "--workers", "2", "--seed", "7")
    assert told.code == 0
    golden("plan/time-lapse.txt", told.out.replace(RUSH, "quick-rush.yaml"))


def test_a_window_plays_at_true_speed(emrload: Run, golden: Golden) -> None:
    told = emrload("plan", RUSH, "--sites", "1", "--window", "08:45..09:15")
    assert told.code == 0
    golden("plan/window.txt", told.out.replace(RUSH, "quick-rush.yaml"))


def test_many_sites_share_a_row(emrload: Run, golden: Golden) -> None:
    told = emrload("plan", RUSH, "--sites", "20", "--set", "think_factor=0.5")
    assert told.code == 0
    golden("plan/many-sites.txt", told.out.replace(RUSH, "quick-rush.yaml"))


def test_a_greedy_site_is_told(emrload: Run, golden: Golden) -> None:
    told = emrload("plan", RUSH, "--sites", "3", "--window", "08:45..09:15", "--greedy", "lake=2.5")
    assert told.code == 0
    golden("plan/greedy.txt", told.out.replace(RUSH, "quick-rush.yaml"))


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_bad_value_is_explained(name: str, emrload: Run, golden: Golden) -> None:
    told = emrload("plan", "morning-rush", *BAD_VALUES[name])
    assert told.code == 2
    assert told.out == ""
    golden(f"plan/{name}.txt", told.err)
