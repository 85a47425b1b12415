"""Heads and curves become slots; the properties of every roster stand in tests/property."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.plan import compile_plan, on_duty
from harness.plan.roster import roster_digest
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


def test_the_opening_of_a_site_further_west_is_its_own(make_spec: Make) -> None:
    plan = compile_plan(make_spec(points=[(8 * HOUR, 1.0), (10 * HOUR, 1.0)], offsets_s={"river": HOUR}))
    river = [slot for slot in plan.slots if slot.site == "river"]
    assert {(slot.start_s, slot.end_s, slot.opening) for slot in river} == {(HOUR, 3 * HOUR, True)}


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
