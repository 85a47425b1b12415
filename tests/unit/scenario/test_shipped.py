"""What ships is what it says: three scenarios of a mixed health system, whose figures all have sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from harness.plan import compile_plan, costs_of, expected_load, on_duty, peak_on_duty
from harness.plan.costs import Cost
from harness.scenario import habits_of, list_scenarios, load_scenario, resolve
from harness.scenario.library import shipped_folder
from harness.scenario.model import Scenario
from harness.units import DAY_S

CLOCK_8 = 8 * 3600.0
CLOCK_9 = 9 * 3600.0

# What a source may be: a word for "we say so", how it was worked out, or a work that figures are taken from.
SOURCES = re.compile(
    r"assumption|derived from|requirement|PMC\d+|CMS beneficiary-fhir-data|GP Connect|OpenMRS|Am J Clin Pathol 2014"
    r"|Ann Fam Med 15:419|Geisinger via FierceHealthcare|PubMed 31931523|JMIR Med Inform 2022|JAMIA oc|Acad Radiol 2015"
    r"|Am J Emerg Med 2013|PLoS ONE 0205379|AMA 2024|HL7 messages"
)


@pytest.fixture(scope="module")
def morning_rush() -> Scenario:
    return load_scenario("morning-rush")


SHIPPED = ["month-end", "morning-rush", "shift-change"]


def test_everything_that_ships_loads() -> None:
    assert [scenario.name for scenario in list_scenarios()] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_scenario_is_played_on_working_days(name: str) -> None:
    scenario = load_scenario(name)
    days = int(-(-scenario.timeline[1] // DAY_S))
    assert {(scenario.date + timedelta(days=day)).weekday() for day in range(days)} <= set(range(5))


@pytest.mark.parametrize(("name", "hours"), [("morning-rush", 4), ("shift-change", 1.5), ("month-end", 4)])
def test_it_lasts_what_it_lasts(name: str, hours: float) -> None:
    assert compile_plan(resolve(load_scenario(name), seed=7)).length_s == hours * 3600


def test_the_three_kinds_of_site_have_400_and_80_and_12_clinicians(morning_rush: Scenario) -> None:
    sites = resolve(morning_rush, sites=10, seed=7).sites
    assert {site.template: sum(site.heads.values()) for site in sites} == {
        "hospital": 400,
        "clinic": 80,
        "satellite": 12,
    }


def test_a_hospital_has_about_400_on_duty_at_its_peak_and_never_nobody() -> None:
    day = load_scenario("morning-rush", ["timeline=00:00..24:00"])
    plan = compile_plan(resolve(day, sites=10, seed=7))
    hospital = next(site.name for site in plan.spec.sites if site.template == "hospital")
    assert 390 <= peak_on_duty(plan, hospital) <= 410
    assert on_duty(plan, [hour * 3600.0 for hour in range(24)], hospital).min() > 100


def test_a_practice_is_closed_at_night() -> None:
    day = load_scenario("morning-rush", ["timeline=00:00..24:00"])
    plan = compile_plan(resolve(day, sites=10, seed=7))
    closed = [site.name for site in plan.spec.sites if site.template != "hospital"]
    assert all(on_duty(plan, [4 * 3600.0], name) == 0 for name in closed)


def test_two_cohorts_of_nurses_overlap_at_the_shift_change() -> None:
    plan = compile_plan(resolve(load_scenario("shift-change"), sites=10, seed=7))
    hospital = next(site for site in plan.spec.sites if site.template == "hospital")
    nurses = [slot for slot in plan.slots if (slot.site, slot.persona) == (hospital.name, "nurse")]
    day, night = ([slot for slot in nurses if slot.opening is there] for there in (True, False))
    assert len(day) == hospital.heads["nurse"]
    assert 0.5 < len(night) / len(day) < 0.75
    assert max(slot.end_s for slot in day) > min(slot.start_s for slot in night) + 1800


def test_at_months_end_billing_has_two_to_three_times_its_share_of_a_normal_days_load() -> None:
    share = {}
    for name in ("morning-rush", "month-end"):
        expected = expected_load(compile_plan(resolve(load_scenario(name), sites=10, seed=7)))
        billing = sum(count for (_, lane), count in expected.requests.items() if lane == "billing")
        share[name] = billing / sum(expected.requests.values())
    assert 2 <= share["month-end"] / share["morning-rush"] <= 3


def test_everybody_who_ships_is_played_somewhere() -> None:
    played = {name for scenario in list_scenarios() for name in scenario.personas}
    assert played == {path.stem for path in (shipped_folder() / "personas").glob("*.yaml")}


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
        found: dict[str, Cost] = costs_of(habits_of(persona))
        for cost in found.values():
            done |= set(cost.requests)
    named = {name for o in morning_rush.objectives if o.scope == "each-operation" for name in o.only}
    assert named
    assert named <= done


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
