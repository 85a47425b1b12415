"""Every figure that a persona's file cites comes out when the persona is played on the virtual clock.

What is measured is what comes out in the long run: the mean of each workflow, and each as often as its weight says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
import pytest
import yaml

from harness.clinic import WORKFLOWS, Pace
from harness.fhir.call import Call
from harness.scenario.persona_model import Anchor

PERSONAS = Path(__file__).parents[3] / "scenarios" / "personas"
ANCHORS = [
    (path.stem, name)
    for path in sorted(PERSONAS.glob("*.yaml"))
    for name in yaml.safe_load(path.read_text(encoding="utf-8")).get("anchors", {})
]
PLAYS = 24
"""Runs of each workflow; pauses take their mean, so that only the answers vary."""
CLOSE = 0.05
"""How far off a figure may be that the source gives as one number: what rounding the weights costs."""


@dataclass
class Run:
    """Means over the runs of one workflow, and how often it is done a run of anything."""

    often: float
    seconds: float
    pauses: float
    requests: float
    writes: float


@pytest.mark.parametrize(("persona", "name"), ANCHORS, ids=[f"{persona}-{name}" for persona, name in ANCHORS])
def test_a_published_figure_comes_out_on_the_virtual_clock(clinic, persona, name):
    (anchor,) = (one for one in clinic.personas[persona].anchors if one.name == name)
    runs = {workflow: played(clinic, persona, workflow) for workflow in clinic.habits[persona].weights}
    measured = measure(anchor, runs, clinic.habits[persona].between.mean_s)
    assert anchor.low * (1 - CLOSE) <= measured <= anchor.high * (1 + CLOSE)


def played(clinic, persona: str, workflow: str) -> Run:
    clinician = clinic.clinician(persona)
    habits = clinician.habits
    clinician.habits = replace(habits, think=Pace(habits.think.mean_s, 0.0))
    world = clinician.world
    for _ in range(PLAYS):
        world.workflow_begins(workflow, WORKFLOWS[workflow].lane)
        WORKFLOWS[workflow].play(clinician)
        world.workflow_ends("ok", "")
    return Run(
        often=habits.weights[workflow] / sum(habits.weights.values()),
        seconds=world.now_s / PLAYS,
        pauses=clinician.pauses / PLAYS,
        requests=sum(len(run.calls) for run in world.played) / PLAYS,
        writes=sum(written(run.calls) for run in world.played) / PLAYS,
    )


def measure(anchor: Anchor, runs: dict[str, Run], between_s: float) -> float:
    cycle_h = (sum(run.often * run.seconds for run in runs.values()) + between_s) / 3600
    of = [run for name, run in runs.items() if not anchor.of or name in anchor.of]
    done = sum(run.often for run in of)
    spent_s = sum(run.often * run.seconds for run in of)
    return {
        "actions_per_h": (sum(run.often * run.pauses for run in runs.values()) + 1) / cycle_h,
        "requests_per_h": sum(run.often * run.requests for run in of) / cycle_h,
        "writes_per_h": sum(run.often * run.writes for run in of) / cycle_h,
        "runs_per_h": done / cycle_h,
        "run_s": spent_s / done,
        "time_share": spent_s / (cycle_h * 3600),
    }[anchor.measure]


def written(calls: Iterable[Call]) -> int:
    """Resources written, each of a Bundle's entries counted."""
    bodies = (orjson.loads(call.body) for call in calls if call.body[:1] == b"{")
    return sum(len(body["entry"]) if body.get("resourceType") == "Bundle" else 1 for body in bodies)
