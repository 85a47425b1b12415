"""The planned number on duty at a moment."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from harness.plan import compile_plan, duty_steps, on_duty, peak_on_duty, peaks_on_duty
from harness.plan.duty import duty_steps_by_site
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]


def test_a_slot_counts_from_its_start_up_to_its_end(make_spec: Make) -> None:
    plan = compile_plan(make_spec(sites=["lake"], heads={"nurse": 1}))
    (slot,) = plan.slots
    moments_s = [slot.start_s - 1e-6, slot.start_s, slot.end_s - 1e-6, slot.end_s]
    assert list(on_duty(plan, moments_s)) == [0, 1, 1, 0]


def test_everybody_is_there_at_the_peak_and_nobody_before_the_opening(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert list(on_duty(plan, [0.0, HOUR])) == [0, 30]
    assert peak_on_duty(plan) == 30


def test_sites_and_personas_are_counted_apart(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert list(on_duty(plan, [HOUR], "lake")) == [15]
    assert list(on_duty(plan, [HOUR], "lake", persona="nurse")) == [10]
    assert peak_on_duty(plan, persona="physician") == 10


def test_the_steps_say_the_same_as_asking_at_each_moment(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    times_s, heads = duty_steps(plan, "lake")
    assert times_s[0] == 0.0
    assert heads == list(on_duty(plan, times_s, "lake"))
    assert all(before != after for before, after in pairwise(heads))


def test_the_peaks_of_all_sites_are_those_of_each(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert peaks_on_duty(plan) == {site: peak_on_duty(plan, site) for site in ("lake", "river")}


def test_the_steps_of_all_sites_are_those_of_each(make_spec: Make) -> None:
    plan = compile_plan(make_spec())
    assert duty_steps_by_site(plan) == {site: duty_steps(plan, site) for site in ("lake", "river")}
