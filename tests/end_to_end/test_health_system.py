"""The shipped scenarios at a mixed health system: worked slot by slot, in everybody's own time. Long proofs.

`make prove` runs them; each prints the figures that it saw.
"""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.canned_server import canned_server
from harness.plan import compile_plan, logins, on_duty, timeline_of
from harness.plan.curve import share_at
from harness.rundir import RunDir
from harness.scenario import read_spec
from harness.scenario.model import RunSpec

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(900)]

SCENARIOS = ("morning-rush", "shift-change", "month-end")
BUSIEST = {"morning-rush": "09:00..09:02", "shift-change": "18:58..19:00", "month-end": "2d14:00..2d14:02"}
DRAIN_S = 30.0
ACCURATE_S = 0.05
"""How late a slot may begin, at the 99th percentile."""


def spec_of(ended: Any) -> RunSpec:
    return read_spec(RunDir(ended.folder).scenario)


def is_worked_as_planned(ended: Any) -> None:
    """Every slot once, on time, to its end, by somebody whom Locust never stopped."""
    plan, duty = ended.table("plan").set_index("slot"), ended.table("duty").set_index("slot")
    assert sorted(duty.index) == sorted(plan.index)
    assert set(duty.reason) == {"slot_end"}
    late_s = (duty.started_s - plan.start_s).to_numpy()
    p99_ms = float(np.quantile(late_s, 0.99)) * 1000
    print(f"{len(plan)} slots, started late p99 {p99_ms:.1f} ms, worst {late_s.max() * 1000:.1f} ms")
    assert p99_ms <= ACCURATE_S * 1000


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ten_mixed_sites_squeezed_into_two_minutes(emrload: Any, scenario: str) -> None:
    ended = emrload.run("--sites", "10", "--duration", "2m", scenario=scenario)
    assert ended.code == 0, ended.out
    assert ended.verdict["rehearsal"] is True
    assert ended.manifest["duration_s"] == 120
    print(
        f"\n{scenario}: {ended.summary['overall']['requests']} requests, {ended.manifest['time_lapse']:.0f}× time lapse"
    )
    is_worked_as_planned(ended)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_two_minutes_of_ten_mixed_sites_at_true_speed(emrload: Any, scenario: str) -> None:
    ended = emrload.run("--sites", "10", "--window", BUSIEST[scenario], scenario=scenario)
    assert ended.code == 0, ended.out
    assert ended.verdict["rehearsal"] is False
    assert (ended.manifest["duration_s"], ended.manifest["time_lapse"]) == (120, 1)
    print(f"\n{scenario}: {ended.summary['overall']['requests']} requests at true speed")
    is_worked_as_planned(ended)


FOUR_ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix")


def test_on_the_day_that_clocks_are_set_back_everybody_is_on_duty_by_her_own_clock(emrload: Any) -> None:
    """Ten sites in four zones, of which one does not set its clocks; 25 hours in 100 s."""
    rows = [f"site-{n},{'hospital' if n < 2 else 'satellite'},{FOUR_ZONES[n % 4]}" for n in range(10)]
    (emrload.folder / "sites.csv").write_text("\n".join(["name,template,time_zone", *rows]))
    day = ("--set", "date=2026-11-01", "--set", "timeline=00:00..24:00")
    smaller = ("--set", "templates.hospital.peak=60", "--set", "templates.hospital.patients=20")
    ended = emrload.run("--sites-file", "sites.csv", *day, *smaller, "--duration", "100s", scenario="morning-rush")
    assert ended.code in (0, 3), ended.out
    is_worked_as_planned(ended)
    spec = spec_of(ended)
    plan, clocks = compile_plan(spec), timeline_of(spec).clocks
    assert timeline_of(spec).life_s == 25 * 3600
    duty = ended.table("duty").merge(ended.table("plan"), on="slot")
    hours = 0
    for site in spec.sites:
        own = duty[duty.site == site.name]
        moments_s = (np.arange(25) + 0.5) / 25 * plan.length_s
        planned = on_duty(plan, moments_s, site.name)
        # who leaves finishes her step; she is on duty by the plan's end of her slot
        worked = [int(((own.started_s <= at) & (np.minimum(own.ended_s, own.end_s) > at)).sum()) for at in moments_s]
        assert worked == planned.tolist()
        shown = [int(clocks[site.name].local_s(at) // 3600) % 24 for at in moments_s]
        twice = [hour for hour, next_hour in pairwise(shown) if hour == next_hour]
        assert twice == ([] if site.time_zone == "America/Phoenix" else [1])
        hours += len(shown)
        if site.template == "satellite":
            curve = spec.scenario.curves["document-clerk"].points
            clerks = on_duty(plan, moments_s, site.name, persona="document-clerk")
            for at_s, there in zip(moments_s, clerks, strict=True):
                local_s = clocks[site.name].local_s(at_s) % 86_400
                opening_s, closing_s = spec.scenario.templates["satellite"].opening or (0.0, 86_400.0)
                open_now = opening_s <= local_s <= closing_s
                assert abs(there - open_now * share_at(curve, local_s) * site.heads["document-clerk"]) <= 1
    print(f"\n{hours} hours at {len(spec.sites)} sites as planned")


def test_a_shift_change_is_two_cohorts_and_a_peak_of_logins(emrload: Any) -> None:
    """From 18:43 to 19:33 in 100 s: logins as planned, both cohorts there in the overlap, nobody stays on."""
    sites = ("--sites", "4", "--set", "plays=18:43..19:33", "--set", "templates.hospital.patients=100")
    ended = emrload.run(*sites, "--set", "templates.hospital.peak=120", "--duration", "100s", scenario="shift-change")
    assert ended.code in (0, 3), ended.out
    is_worked_as_planned(ended)
    plan, duty = ended.table("plan").set_index("slot"), ended.table("duty").set_index("slot")
    spec = spec_of(ended)
    compiled = compile_plan(spec)
    arriving = [slot.slot for slot in compiled.slots if not slot.opening]

    minutes_s = np.linspace(0, 100, 51)
    seen = np.histogram(duty.started_s[arriving], minutes_s)[0]
    assert np.abs(seen.cumsum() - logins(compiled, minutes_s).cumsum()).max() <= 1
    by_quarter = np.histogram(duty.started_s[arriving], [0, 4, 34, 64, 100])[0]
    print(f"\nlogins before, in the quarter before 19:00, in the next, later: {by_quarter.tolist()}")
    assert by_quarter[1] > 3 * max(by_quarter[0], by_quarter[2], by_quarter[3])

    hospital = next(site for site in spec.sites if site.template == "hospital")
    nurses = plan[(plan.site == hospital.name) & (plan.persona == "nurse")]
    day = nurses[nurses.clinician < hospital.heads["nurse"]]
    night = nurses[nurses.clinician >= hospital.heads["nurse"]]
    overlap_s = (night.start_s.max(), day.end_s.min())
    there = duty.loc[nurses.index]
    middle_s = sum(overlap_s) / 2
    both = (there.started_s <= middle_s) & (there.ended_s > middle_s)
    assert both.loc[day.index].sum() > 0.8 * len(day)
    assert both.loc[night.index].sum() == len(night)

    samples = ended.table("samples")
    last_s = samples[~samples.open].groupby(["site", "persona", "clinician"], observed=True).start_s.max()
    ends_s = plan.groupby(["site", "persona", "clinician"], observed=True).end_s.max()
    overdue = last_s - ends_s.reindex(last_s.index)
    assert overdue.max() <= DRAIN_S
    print(f"{int(both.sum())} nurses of both cohorts at once; last request {overdue.max():.2f} s after a slot's end")


def test_at_months_end_billing_is_two_to_three_times_as_large_and_the_emergency_department_as_ever(
    emrload: Any,
) -> None:
    shares, emergency = {}, {}
    normal = ("--set", "timeline=00:00..24:00", "--window", "14:00..14:02")
    for name, options in (("morning-rush", normal), ("month-end", ("--window", "2d14:00..2d14:02"))):
        ended = emrload.run("--sites", "10", *options, "--workers", "1", scenario=name)
        assert ended.code in (0, 3), ended.out
        expected = pd.DataFrame(ended.json("expected.json")["requests"])
        shares[name] = expected[expected.lane == "billing"].requests.sum() / expected.requests.sum()
        samples = ended.table("samples")
        emergency[name] = int((samples.persona == "ed-physician").sum())
        live = (samples.lane == "billing").mean()
        print(
            f"\n{name}: billing {shares[name]:.2%} planned, {live:.2%} seen; ED physicians {emergency[name]} requests"
        )
    assert 2 <= shares["month-end"] / shares["morning-rush"] <= 3
    difference = abs(emergency["month-end"] - emergency["morning-rush"])
    assert difference <= 4 * (emergency["month-end"] + emergency["morning-rush"]) ** 0.5


@pytest.mark.skipif(shutil.which("nginx") is None and shutil.which("/usr/sbin/nginx") is None, reason="needs nginx")
def test_a_hundred_sites_with_ten_thousand_clinicians_are_held(emrload: Any) -> None:
    """Two minutes of the morning rush against canned answers: whatever the verdict, the generator can be trusted."""
    with canned_server(emrload.folder) as url:
        people = [f"p{number},p{number},p{number},1960-01-31" for number in range(2000)]
        (emrload.folder / "patients.csv").write_text("\n".join(["id,mrn,family,birthdate", *people]))
        options = ("--sites", "100", "--window", "09:00..09:02", "--target", url, "--patients", "patients.csv")
        options += ("--set", "templates.hospital.peak=665")
        ended = emrload.run(*options, "--workers", "2", scenario="morning-rush")
    assert ended.code in (0, 1), ended.out
    assert not ended.failed_checks()
    assert len(ended.table("plan")) >= 10_000
    generator = ended.summary["generator"]
    print(f"\n{len(ended.table('plan'))} slots, {ended.summary['overall']['requests']} requests, {generator}")
    is_worked_as_planned(ended)
