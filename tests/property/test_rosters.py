"""What holds for every roster and every partition, whatever the heads, the curve, the sites and the seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plan import ExpectedLoad, Plan, compile_plan, on_duty, partition, timeline_of
from harness.plan.curve import share_at
from harness.scenario.model import RunSpec, Scenario, Site

OPENS_S, CLOSES_S = 8 * 3600.0, 12 * 3600.0
PERSONAS = ("nurse", "physician", "clerk")
SOURCE = "assumption, made for a test"
ROUNDING_S = 2e-6
"""More than run times are moved by rounding, in seconds of the run."""
STEEPEST_PER_S = 1 / 60
"""Shares a second of local time: the curves here have a minute between points at least."""


@st.composite
def curves(draw: st.DrawFn) -> list[tuple[float, float]]:
    minutes = draw(st.lists(st.integers(0, 24 * 60), min_size=2, max_size=7, unique=True).map(sorted))
    shares = draw(st.lists(st.integers(0, 100), min_size=len(minutes), max_size=len(minutes)))
    return [(minute * 60.0, share / 100) for minute, share in zip(minutes, shares, strict=True)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = [f"site-{index}" for index in range(draw(st.integers(1, 4)))]
    pause = {"mean_s": 1.0, "sigma": 0.5, "source": SOURCE}
    persona = {"think": pause, "between": pause, "workflows": {"x": {"weight": 1, "source": SOURCE}}, "source": SOURCE}
    scenario = Scenario.model_validate(
        {
            "name": "any",
            "title": "Any",
            "story": "Any.",
            "date": date(2026, 11, 10),
            "timeline": (OPENS_S, CLOSES_S),
            "connect_timeout_s": 1,
            "answer_timeout_s": 1,
            "sites": [{"template": "any", "weight": 1, "time_zone": "UTC", "source": SOURCE}],
            "default_sites": 1,
            "site_names": names,
            "templates": {},
            "personas": {name: {"name": name, "title": name, **persona} for name in PERSONAS},
            "curves": {name: {"points": draw(curves()), "source": SOURCE} for name in PERSONAS},
            "phases": [],
            "objectives": [],
        }
    )
    heads = st.fixed_dictionaries({name: st.integers(0, 30) for name in PERSONAS})
    sites = tuple(
        Site(
            name=name,
            template="any",
            time_zone="UTC",
            locale="en_US",
            utc_offset_s=0.0,
            start_offset_s=0.0,
            timeline_offset_s=draw(st.sampled_from([0.0, 900.0, 3600.0])),
            heads=draw(heads),
            patients=1,
        )
        for name in names
    )
    duration_s = draw(st.one_of(st.none(), st.floats(5.0, 40_000.0)))
    window = (
        draw(st.sampled_from([None, (OPENS_S, OPENS_S + 60), (OPENS_S + 1000, CLOSES_S - 7)]))
        if duration_s is None
        else None
    )
    seed = draw(st.integers(0, 2**63 - 1))
    return compile_plan(RunSpec(scenario=scenario, sites=sites, seed=seed, duration_s=duration_s, window=window))


@given(plans())
@settings(max_examples=40, deadline=None)
def test_nobody_is_on_duty_twice_at_once(plan: Plan) -> None:
    slots_of = defaultdict(list)
    for slot in plan.slots:
        slots_of[slot.site, slot.persona, slot.clinician].append((slot.start_s, slot.end_s))
    for slots in slots_of.values():
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(slots)))


@given(plans())
@settings(max_examples=40, deadline=None)
def test_heads_on_duty_stay_within_one_of_the_curve(plan: Plan) -> None:
    timeline = timeline_of(plan.spec)
    for site in plan.spec.sites:
        clock = timeline.clocks[site.name]
        blurred_s = ROUNDING_S * clock.time_lapse
        local_s = np.linspace(clock.opens_local_s + blurred_s, clock.closes_local_s - blurred_s, 50)
        run_s = [(time_s - clock.opens_local_s + clock.offset_s) / clock.time_lapse for time_s in local_s]
        for persona, heads in site.heads.items():
            points = plan.spec.scenario.curves[persona].points
            planned = on_duty(plan, run_s, site.name, persona=persona)
            for time_s, count in zip(local_s, planned, strict=True):
                assert abs(count - share_at(points, time_s) * heads) <= 1 + heads * STEEPEST_PER_S * blurred_s


@given(plans())
@settings(max_examples=40, deadline=None)
def test_every_slot_lies_within_its_sites_time_and_lasts(plan: Plan) -> None:
    clocks = timeline_of(plan.spec).clocks
    for slot in plan.slots:
        clock = clocks[slot.site]
        assert clock.opens_s <= slot.start_s < slot.end_s <= clock.closes_s <= plan.length_s + 1e-6
        assert slot.opening == (slot.start_s == clock.opens_s)


@given(plans())
@settings(max_examples=30, deadline=None)
def test_the_same_choice_gives_the_same_roster(plan: Plan) -> None:
    again = compile_plan(plan.spec)
    assert again.slots == plan.slots
    assert again.roster_digest == plan.roster_digest


@given(plans(), st.integers(1, 6), st.data())
@settings(max_examples=40, deadline=None)
def test_every_slot_has_one_worker_and_only_heavy_sites_are_split(
    plan: Plan, workers: int, data: st.DataObject
) -> None:
    names = [site.name for site in plan.spec.sites]
    loads = {name: data.draw(st.floats(0.1, 1000.0), label=name) for name in names}
    expected = ExpectedLoad({(name, "labs"): load for name, load in loads.items()}, {}, {}, {}, {}, {}, {})
    worker_of_slot = partition(plan, workers, expected)
    assert len(worker_of_slot) == len(plan.slots)
    assert partition(plan, workers, expected) == worker_of_slot
    held: dict[str, set[int]] = defaultdict(set)
    for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
        assert 0 <= worker < workers
        held[slot.site].add(worker)
    fair = sum(loads.values()) / workers
    assert all(len(held[name]) <= 1 for name in names if loads[name] <= fair)


@given(plans(), st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_a_split_site_is_balanced_at_every_moment(plan: Plan, workers: int) -> None:
    one_site = plan.spec.sites[0].name
    others = {(site.name, "labs"): 1e-6 for site in plan.spec.sites[1:]}
    expected = ExpectedLoad({(one_site, "labs"): 1e9, **others}, {}, {}, {}, {}, {}, {})
    worker_of_slot = partition(plan, workers, expected)
    for moment_s in np.linspace(0, plan.length_s, 8):
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
            if slot.site == one_site and slot.start_s <= moment_s < slot.end_s:
                counts[slot.persona][worker] += 1
        for count in counts.values():
            parts = [count[worker] for worker in range(workers)]
            assert max(parts) - min(parts) <= 1
