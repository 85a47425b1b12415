"""A clinic on the virtual clock, in which a test may spoil answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.clinic import WORKFLOWS, Habits, Pace
from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.shift import work_shift
from harness.clinic.virtual import Played, VirtualWorld, virtual_post
from harness.fhir.call import Answer, Call
from harness.scenario import habits_of, load_scenario
from harness.scenario.persona_model import Persona

Spoil = Callable[[Call, Answer], Answer]


class CountingClinician(CannedClinician):
    pauses = 0

    def pause(self, pace: Pace) -> None:
        self.pauses += 1
        super().pause(pace)


@dataclass
class Day:
    """What one clinician did in a shift. `between_s` is the mean pause between two workflows."""

    played: list[Played]
    pauses: int
    between_s: float

    def seconds_of(self, *workflows: str) -> float:
        """Time at these workflows, each with the pause that follows it."""
        done = [run for run in self.played if run.workflow in workflows]
        return sum(run.think_s + run.waited_s for run in done) + len(done) * self.between_s

    def calls(self, operation: str) -> list[Call]:
        return [call for run in self.played for call in run.calls if call.operation == operation]


@dataclass
class VirtualClinic:
    habits: Mapping[str, Habits]
    """Those of the shipped personas."""
    personas: Mapping[str, Persona]

    def clinician(
        self, persona: str, spoil: Spoil | None = None, *, end_s: float = float("inf"), seed: int = 1, ordinal: int = 0
    ) -> CountingClinician:
        canned = CannedAnswers(seed)
        answers = (lambda call: spoil(call, canned(call))) if spoil else canned
        world = VirtualWorld(answers, end_s=end_s)
        return CountingClinician(virtual_post(persona, seed), self.habits[persona], ordinal, world)

    def persona_of(self, workflow: str) -> str:
        return next(name for name, habits in self.habits.items() if workflow in (*habits.weights, *habits.on_arrival))

    def play(self, workflow: str, spoil: Spoil | None = None, *, seed: int = 1) -> Played:
        """One run of a workflow by a clinician whose job it is, through the same code as in a shift."""
        clinician = self.clinician(self.persona_of(workflow), spoil, end_s=86_400.0, seed=seed)
        between = Pace(1e9, 0.0)  # one run, then a pause until long after the slot's end
        clinician.habits = replace(clinician.habits, between=between)
        work_shift(clinician, 0.0, lambda _: {workflow: 1.0}, ())
        (played,) = clinician.world.played
        return played

    def day(self, persona: str, hours: float, ordinal: int = 0) -> Day:
        clinician = self.clinician(persona, end_s=hours * 3600, ordinal=ordinal, seed=20 + ordinal)
        habits = clinician.habits
        work_shift(clinician, 0.0, lambda _: habits.weights, ())
        return Day(clinician.world.played, clinician.pauses, habits.between.mean_s)


PERSONAS = sorted(path.stem for path in (Path(__file__).parents[3] / "scenarios" / "personas").glob("*.yaml"))
EVERYBODY = """
name: everybody
title: Everybody who ships, at one site
story: One of each.
date: 2026-11-10
timeline: 08:00..10:00
think_factor: 1
connect_timeout: 5s
answer_timeout: 30s
sources: {timeline: a test, default_sites: a test, connect_timeout: a test, answer_timeout: a test}
default_sites: 1
sites: [{template: house, weight: 1, time_zone: UTC, start_offset: 0s, locale: en_US, source: a test}]
site_names: [river]
phases: {all: {time: 08:00..10:00, source: a test}}
objectives: {network-p95: shared}
templates:
  house: {name: house, title: House, peak: 100, patients: 10, mix: {HEADS}, source: a test}
curves: {CURVES}
"""


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> VirtualClinic:
    everybody = tmp_path_factory.mktemp("scenario") / "everybody.yaml"
    heads = ", ".join(f"{name}: 1" for name in PERSONAS)
    curves = ", ".join(f"{name}: {{points: {{08:00: 100%, 10:00: 100%}}, source: a test}}" for name in PERSONAS)
    everybody.write_text(EVERYBODY.replace("HEADS", heads).replace("CURVES", curves), encoding="utf-8")
    personas = load_scenario(str(everybody), ()).personas
    return VirtualClinic({name: habits_of(persona, 1.0) for name, persona in personas.items()}, personas)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "any_workflow" in metafunc.fixturenames:
        metafunc.parametrize("any_workflow", sorted(WORKFLOWS))
