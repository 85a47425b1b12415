"""Heads and curves become slots; the properties of every roster stand in tests/property."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from harness.plan import compile_plan, on_duty
from harness.plan.roster import roster_digest
from harness.scenario import staff_of
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]


def test_a_clinician_comes_and_leaves_where_the_curve_crosses_her_threshold(make_spec: Make) -> None:
    (slot,) = compile_plan(make_spec(sites=["lake"], heads={"nurse": 1})).slots
    # One head on a curve 0% → 100% → 50%: her threshold is the share at her start, and again at her end.
    share = slot.start_s / HOUR
    assert 0 < share < 1
    expected_end_s = 2 * HOUR if share <= 0.5 else HOUR + (1 - share) / 0.5 * HOUR
    assert abs(slot.end_s - expected_end_s) < 1e-5


def test_whoever_is_there_at_the_opening_is_marked(make_spec: Make) -> None:
    plan = compile_plan(make_spec(points=[(8 * HOUR, 0.5), (10 * HOUR, 1.0)]))
    assert {slot.opening for slot in plan.slots if slot.start_s == 0} == {True}
    assert {slot.opening for slot in plan.slots if slot.start_s > 0} == {False}


def test_a_site_further_west_wakes_up_later(make_spec: Make) -> None:
    awake = [(0.0, 0.0), (8 * HOUR, 0.0), (8 * HOUR + 1, 1.0), (24 * HOUR, 1.0)]
    zones = {"lake": "America/New_York", "river": "America/Chicago"}
    plan = compile_plan(make_spec(points=awake, zones=zones, clock_zone="America/New_York"))
    starts = {site: {round(slot.start_s) for slot in plan.slots if slot.site == site} for site in zones}
    assert starts["lake"] <= {0, 1}
    assert starts["river"] <= {3600, 3601}


def test_a_closed_site_has_nobody_on_duty(make_spec: Make) -> None:
    always = [(0.0, 1.0), (24 * HOUR, 1.0)]
    plan = compile_plan(make_spec(points=always, template={"opening": (8.5 * HOUR, 9.5 * HOUR)}))
    assert list(on_duty(plan, [0.0, 0.75 * HOUR, HOUR, 1.9 * HOUR], "lake")) == [0, 15, 15, 0]


SHIFTS = {
    "nurse": [
        {"name": "day", "start_s": 7 * HOUR, "end_s": 9 * HOUR, "share": 1.0, "arrive_s": 900.0, "linger_s": 1800.0},
        {"name": "night", "start_s": 9 * HOUR, "end_s": 7 * HOUR, "share": 0.6, "arrive_s": 900.0, "linger_s": 600.0},
    ]
}


def shifts() -> dict[str, Any]:
    return {
        "shifts": {name: [{**one, "source": "assumption, a test"} for one in ones] for name, ones in SHIFTS.items()}
    }


def test_two_cohorts_of_different_people_overlap_at_a_change_of_shifts(make_spec: Make) -> None:
    plan = compile_plan(make_spec(sites=["lake"], heads={"nurse": 10}, template=shifts()))
    people = [
        {slot.clinician for slot in plan.slots if test(slot)} for test in (lambda s: s.opening, lambda s: not s.opening)
    ]
    assert people == [set(range(10)), set(range(10, 16))]
    assert list(on_duty(plan, [0.5 * HOUR, HOUR, 1.25 * HOUR, 1.75 * HOUR])) == [10, 16, 11, 6]


def test_the_staff_counts_every_cohort(make_spec: Make) -> None:
    spec = make_spec(sites=["lake"], heads={"nurse": 10, "physician": 5}, template=shifts())
    assert staff_of(spec.scenario, spec.sites[0]) == {"nurse": 16, "physician": 5}


def test_on_the_day_that_a_clock_is_set_back_its_hour_is_worked_twice(make_spec: Make) -> None:
    busy = [(0.0, 0.0), (HOUR, 0.0), (HOUR + 1, 1.0), (2 * HOUR - 1, 1.0), (2 * HOUR, 0.0), (24 * HOUR, 0.0)]
    day = {"day": date(2026, 11, 1), "timeline": (0.0, 24 * HOUR), "clock_zone": "America/New_York"}
    plan = compile_plan(make_spec(sites=["lake"], heads={"nurse": 3}, points=busy, **day))
    assert list(on_duty(plan, [hour * HOUR for hour in (0.5, 1.5, 2.5, 3.5)])) == [0, 3, 3, 0]


def test_a_dip_gives_the_same_clinician_two_slots(make_spec: Make) -> None:
    dip = [(8 * HOUR, 1.0), (9 * HOUR, 0.0), (10 * HOUR, 1.0)]
    plan = compile_plan(make_spec(sites=["lake"], heads={"nurse": 3}, points=dip))
    assert [slot.clinician for slot in plan.slots[:3]] == [0, 1, 2]
    assert sorted(slot.clinician for slot in plan.slots[3:]) == [0, 1, 2]


def test_slots_are_numbered_in_order_of_start_site_persona_clinician(make_spec: Make) -> None:
    slots = compile_plan(make_spec()).slots
    keys = [(slot.start_s, slot.site, slot.persona, slot.clinician) for slot in slots]
    assert keys == sorted(keys)
    assert [slot.slot for slot in slots] == list(range(len(slots)))


def test_sites_do_not_run_in_lockstep(make_spec: Make) -> None:
    slots = compile_plan(make_spec()).slots
    by_site = [{slot.start_s for slot in slots if slot.site == name} for name in ("lake", "river")]
    assert by_site[0].isdisjoint(by_site[1])


def test_a_squeezed_run_has_the_same_people_on_duty_at_the_same_local_time(make_spec: Make) -> None:
    true_speed, squeezed = compile_plan(make_spec()), compile_plan(make_spec(duration_s=120.0))
    moments_s = [600.0, 3000.0, 5000.0, 7000.0]
    assert list(on_duty(true_speed, moments_s)) == list(on_duty(squeezed, [time_s / 60 for time_s in moments_s]))
    assert squeezed.rehearsal
    assert not true_speed.rehearsal


def test_a_window_has_the_people_who_are_there_at_that_time(make_spec: Make) -> None:
    whole = compile_plan(make_spec())
    piece = compile_plan(make_spec(window=(8.5 * HOUR, 9.5 * HOUR)))
    moments_s = [1.0, 900.0, 3599.0]
    assert list(on_duty(piece, moments_s)) == list(on_duty(whole, [0.5 * HOUR + time_s for time_s in moments_s]))


def test_thinking_less_is_a_rehearsal_too(make_spec: Make) -> None:
    assert compile_plan(make_spec(think_factor=0.02)).rehearsal


def test_the_digest_names_one_roster(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert compile_plan(make_spec()).roster_digest == plan.roster_digest
    assert compile_plan(make_spec(seed=8)).roster_digest != plan.roster_digest
    later = (replace(plan.slots[0], end_s=plan.slots[0].end_s + 1e-6), *plan.slots[1:])
    assert roster_digest(later) != plan.roster_digest


def test_the_digest_is_the_same_in_every_version_on_every_machine(make_spec: Make) -> None:
    # Pinned: a change here changes who is on duty in everybody's runs, and they can no longer be compared.
    digest = compile_plan(make_spec(sites=["lake"], heads={"nurse": 2})).roster_digest
    assert digest == "e186167b08d3807c5c8fda3062ceeb3146f098a072278e78bdb6597b92b632c7"


def test_phases_are_cut_to_what_is_played(make_spec: Make) -> None:
    phases = [
        {"name": "early", "start_s": 8 * HOUR, "end_s": 8.5 * HOUR},
        {"name": "late", "start_s": 9 * HOUR, "end_s": 10 * HOUR},
    ]
    plan = compile_plan(make_spec(sites=["lake"], phases=phases, window=(8.75 * HOUR, 9.25 * HOUR)))
    assert [(span.phase, span.start_s, span.end_s) for span in plan.phases] == [("late", 900.0, 1800.0)]
