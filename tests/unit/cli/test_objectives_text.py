"""Numbers of samples, in words: too few never look like enough, nor enough like too few."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.objectives_text import objectives_table
from harness.plan import Requirement, compile_plan
from harness.scenario import load_scenario, resolve

RUSH = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


@pytest.mark.parametrize(
    ("expected", "needed", "enough", "told"),
    [
        (89.76, 4.5 / (1 - 0.95), False, "89 samples expected, 90 needed"),
        (90.2, 4.5 / (1 - 0.95), True, "90 samples expected, 90 needed"),
        (112.4, 112.5, False, "112 samples expected, 113 needed"),
        (112.7, 112.5, True, "112 samples expected, 112 needed"),
        (7.0, float("inf"), False, "7 samples expected, inf needed"),
    ],
)
def test_samples_are_rounded_so_that_they_agree_with_what_is_required(
    expected: float, needed: float, enough: bool, told: str
) -> None:
    plan = compile_plan(resolve(load_scenario(RUSH), seed=1))
    why = "enough samples" if enough else "too few samples"
    table = objectives_table(plan, [Requirement("site-p95", {"site": "river"}, enough, expected, needed, why)])
    assert re.fullmatch(told, next(iter(table.columns[-1].cells)))
