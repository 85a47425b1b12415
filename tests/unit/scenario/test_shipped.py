"""What ships is what it says: a morning rush whose figures all have sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from harness.clinic.virtual import measure
from harness.scenario import habits_of, list_scenarios, load_scenario, resolve
from harness.scenario.library import shipped_folder
from harness.scenario.model import Scenario

CLOCK_8 = 8 * 3600.0
CLOCK_9 = 9 * 3600.0

# What a source may be: a word for "we say so", how it was worked out, or a work that figures are taken from.
SOURCES = re.compile(
    r"assumption|derived from|requirement|PMC\d+|CMS beneficiary-fhir-data|GP Connect|OpenMRS|Am J Clin Pathol 2014"
    r"|Ann Fam Med 15:419|Geisinger via FierceHealthcare|PubMed 31931523|JMIR Med Inform 2022"
)


@pytest.fixture(scope="module")
def morning_rush() -> Scenario:
    return load_scenario("morning-rush")


def test_everything_that_ships_loads() -> None:
    assert [scenario.name for scenario in list_scenarios()] == ["morning-rush"]


def test_the_morning_rush_lasts_four_hours_of_a_weekday(morning_rush: Scenario) -> None:
    assert morning_rush.timeline == (6.5 * 3600, 10.5 * 3600)
    assert morning_rush.date.weekday() < 5


def test_a_clinic_has_80_clinicians_at_nine(morning_rush: Scenario) -> None:
    heads = resolve(morning_rush, sites=1, seed=7).sites[0].heads
    at_nine = {name: dict(curve.points)[CLOCK_9] for name, curve in morning_rush.curves.items()}
    assert sum(heads[name] * share for name, share in at_nine.items()) == 80


def test_results_are_read_before_the_first_visit_and_medications_given_at_nine(morning_rush: Scenario) -> None:
    phases = {phase.name: phase for phase in morning_rush.phases}
    assert phases["results-read"].end_s == CLOCK_8
    assert phases["results-read"].emphasis["primary-care-physician"]["review-results"] > 1
    assert phases["clinics-open"].start_s == CLOCK_8
    assert (phases["medication-pass"].start_s, phases["medication-pass"].end_s) == (CLOCK_9, CLOCK_9 + 45 * 60)
    assert phases["medication-pass"].emphasis["nurse"]["medication-pass"] > 1


def test_the_phases_cover_the_timeline_without_a_gap(morning_rush: Scenario) -> None:
    ends = [morning_rush.timeline[0], *(phase.end_s for phase in morning_rush.phases)]
    starts = [*(phase.start_s for phase in morning_rush.phases), morning_rush.timeline[1]]
    assert starts == ends


def test_the_network_is_judged_by_p95_p99_and_errors_and_each_site_by_p95(morning_rush: Scenario) -> None:
    required = {(o.scope, o.metric): o.bound for o in morning_rush.objectives if o.required}
    assert required == {
        ("network", "p95_ms"): 1000.0,
        ("network", "p99_ms"): 3000.0,
        ("network", "error_rate"): 0.01,
        ("each-site", "p95_ms"): 1000.0,
        ("each-workflow", "waited_p95_ms"): 10_000.0,
        ("each-operation", "error_rate"): 0.1,
    }


def test_an_objective_names_only_operations_that_somebody_does(morning_rush: Scenario) -> None:
    done: set[str] = set()
    for persona in morning_rush.personas.values():
        for cost in measure(habits_of(persona), runs_per_workflow=20, seed=7).values():
            done |= set(cost.requests)
    named = {name for o in morning_rush.objectives if o.scope == "each-operation" for name in o.only}
    assert named
    assert named <= done


def test_the_curve_of_each_persona_begins_and_ends_with_the_timeline(morning_rush: Scenario) -> None:
    for curve in morning_rush.curves.values():
        assert (curve.points[0][0], curve.points[-1][0]) == morning_rush.timeline


@pytest.mark.parametrize("path", sorted(shipped_folder().rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_source_says_where_the_figure_comes_from(path: Path) -> None:
    sources = list(sources_in(yaml.safe_load(path.read_text())))
    assert sources
    assert [source for source in sources if not SOURCES.search(source)] == []


def sources_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "source":
                yield child
            elif key == "sources":
                yield from child.values()
            else:
                yield from sources_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from sources_in(child)
