"""What holds for every roster and every partition, whatever the heads, the curve, the sites and the seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plan import ExpectedLoad, Plan, compile_plan, partition, timeline_of
from harness.plan.curve import share_at
from harness.scenario.model import RunSpec, Scenario, Site
from harness.scenario.staff import Cohort, cohorts_of

OPENS_S, CLOSES_S = 8 * 3600.0, 12 * 3600.0
PERSONAS = ("nurse", "physician", "clerk")
ZONES = ("America/New_York", "America/Denver", "Europe/Berlin", "Asia/Kolkata")
DAYS = (date(2026, 11, 10), date(2026, 11, 1), date(2026, 3, 8))
"""An ordinary day, and those on which New York's clocks are set back and forward."""
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
def templates(draw: st.DrawFn) -> dict[str, object]:
    """Sometimes with shifts for nurses: two cohorts that change at a drawn time."""
    template = {"name": "any", "title": "Any", "peak": 1, "mix": {"nurse": 1}, "patients": 1, "source": SOURCE}
    change_s = 900.0 * draw(st.integers(0, 95))
    shift = {"arrive_s": draw(st.sampled_from([0.0, 900.0])), "linger_s": 600.0, "source": SOURCE}
    first = {"name": "day", "start_s": change_s, "end_s": (change_s + 43_200) % 86_400, "share": 1.0, **shift}
    second = {**first, "name": "night", "start_s": first["end_s"], "end_s": change_s, "share": 0.6}
    return {**template, "shifts": {"nurse": [first, second]}} if draw(st.booleans()) else template


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
            "date": draw(st.sampled_from(DAYS)),
            "timeline": (OPENS_S, CLOSES_S),
            "connect_timeout_s": 1,
            "answer_timeout_s": 1,
            "sites": [{"template": "any", "weight": 1, "time_zone": "UTC", "source": SOURCE}],
            "default_sites": 1,
            "site_names": names,
            "templates": {"any": draw(templates())},
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
            time_zone=draw(st.sampled_from(ZONES)),
            locale="en_US",
            utc_offset_s=0.0,
            start_offset_s=draw(st.sampled_from([0.0, 900.0, 3600.0])),
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
    return compile_plan(
        RunSpec(
            scenario=scenario,
            sites=sites,
            clock_zone=sites[0].time_zone,
            seed=seed,
            duration_s=duration_s,
            window=window,
        )
    )


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
def test_heads_on_duty_stay_within_one_of_the_curve_of_each_cohort(plan: Plan) -> None:
    clocks = timeline_of(plan.spec).clocks
    run_s = np.linspace(0.0, plan.length_s, 52)[1:-1]
    for site in plan.spec.sites:
        clock = clocks[site.name]
        blurred_s = ROUNDING_S * clock.time_lapse
        for cohort in cohorts_of(plan.spec.scenario, site):
            slots = [
                slot
                for slot in plan.slots
                if (slot.site, slot.persona) == (site.name, cohort.persona)
                and cohort.first <= slot.clinician < cohort.first + cohort.heads
            ]
            for moment_s in run_s:
                there = sum(slot.start_s <= moment_s < slot.end_s for slot in slots)
                wanted = share(plan, cohort, clock.local_s(moment_s)) * cohort.heads
                assert abs(there - wanted) <= 1 + cohort.heads * STEEPEST_PER_S * blurred_s


def share(plan: Plan, cohort: Cohort, local_s: float) -> float:
    """What the curve or the shift says at a local time, worked out anew from the scenario."""
    of_day_s = local_s % 86_400
    if cohort.shift is None:
        points = plan.spec.scenario.curves[cohort.persona].points
        return share_at(points, of_day_s if points[-1][0] <= 86_400 else local_s)
    shift = cohort.shift
    since_s = (of_day_s - shift.start_s) % 86_400
    lasts_s = (shift.end_s - shift.start_s) % 86_400 or 86_400
    if since_s < lasts_s:
        return 1.0
    leaving = 1 - (since_s - lasts_s) / shift.linger_s if shift.linger_s else 0.0
    coming = 1 - (86_400 - since_s) / shift.arrive_s if shift.arrive_s else 0.0
    return max(leaving, coming, 0.0)


@given(plans())
@settings(max_examples=40, deadline=None)
def test_every_slot_lies_within_the_run_and_lasts(plan: Plan) -> None:
    for slot in plan.slots:
        assert 0.0 <= slot.start_s < slot.end_s <= plan.length_s + 1e-6
        assert slot.opening == (slot.start_s == 0.0)


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
    shifts = Counter(cohort.persona for cohort in cohorts_of(plan.spec.scenario, plan.spec.sites[0]))
    for moment_s in np.linspace(0, plan.length_s, 8):
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
            if slot.site == one_site and slot.start_s <= moment_s < slot.end_s:
                counts[slot.persona][worker] += 1
        for persona, count in counts.items():
            parts = [count[worker] for worker in range(workers)]
            assert max(parts) - min(parts) <= shifts[persona]
