"""Ten minutes of all personas at true speed on the sandbox do what the virtual clock says. A long proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(1200)]

EVERYONE = Path(__file__).parents[1] / "scenarios" / "everyone.yaml"
CROWD = (
    "templates.little-hospital.peak=480",
    "templates.little-hospital.patients=200",
    "templates.little-hospital.mix.bed-coordinator=0.2",
    "templates.little-hospital.arrivals.fax-gateway.rate=60/min",
)
"""Enough of each persona to count, and work enough: who finds her worklist empty is done sooner than in the model."""
STANDARD_ERRORS = 3
COMMON = 30
"""Runs from which on their number is as good as normally distributed."""


def test_ten_live_minutes_agree_with_the_virtual_clock(emrload: Any) -> None:
    """By persona all requests, by workflow its share of the persona's runs."""
    changed = [word for setting in CROWD for word in ("--set", setting)]
    ended = emrload.run("--sites", "2", "--window", "08:30..08:40", *changed, scenario=str(EVERYONE), timeout_s=1000)
    assert ended.code in (0, 3), ended.out
    assert not ended.failed_checks()
    workflows = ended.table("workflows").astype({"persona": str, "workflow": str})
    seen = workflows.groupby(["persona", "workflow"]).size().rename("seen")
    planned = (
        pd.DataFrame(ended.json("expected.json")["by_workflow"])
        .groupby(["persona", "workflow"])
        .runs.sum()
        .rename("begun")
    )
    runs = pd.concat([seen, planned], axis=1).fillna(0.0)
    people = runs.groupby("persona").sum()
    assert len(people) == 17
    # Cycles vary about as much as their mean, so runs are counted with about a Poisson count's error.
    people["errors"] = (people.seen - people.begun) / np.sqrt(people.begun)
    expected = people.seen.reindex(runs.index, level="persona") * (
        runs.begun / people.begun.reindex(runs.index, level="persona")
    )
    runs["errors"] = (runs.seen - expected) / np.sqrt(expected)
    common = runs[expected >= COMMON]
    told = f"\n{people.to_string()}\n{len(common)} workflows, furthest {common.errors.abs().max():.1f} standard errors"
    print(told)
    assert (people.errors.abs() <= STANDARD_ERRORS).all(), told
    assert (common.errors.abs() <= STANDARD_ERRORS).all(), f"{told}\n{common[common.errors.abs() > 2].to_string()}"
