"""Open load in a real Locust: visitors come at the moments of the plan, whoever works there, or nobody."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import httpx
import pytest

from harness.fleet import SandboxProcess
from harness.plan import arrival_times
from harness.plan.model import Plan

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("visitors")]  # its fixtures are made once

NOBODY_WORKS = (
    *("--emr-set", "curves.nurse.points.06:30=0%"),
    *("--emr-set", "curves.nurse.points.10:30=0%"),
)


def check_that_all_came_as_planned(load, plan: Plan) -> None:
    """Each arrival of each process once, meant for its very moment, and about as many as the rate says."""
    came = defaultdict(list)
    for row in load.table("workflows"):
        if row["open"]:
            came[row["site"], row["persona"]].append((row["clinician"], row["intended_s"]))
    for process in plan.arrivals:
        moments = list(arrival_times(process, plan.spec.seed))
        assert sorted(came.pop((process.site, process.persona))) == list(enumerate(moments))
        (first_s, begin), (last_s, end) = process.points
        expected = (begin + end) / 2 * (last_s - first_s)
        assert abs(len(moments) - expected) <= 5 * math.sqrt(expected)
    assert not came


def check_the_samples_of_visitors(load) -> None:
    runs = {row["workflow_run"]: row for row in load.table("workflows")}
    for row in load.table("samples"):
        assert row["open"] is runs[row["workflow_run"]]["open"]
        assert row["start_s"] >= row["intended_s"] - 0.01
    health = load.table("health")
    last = {row["worker"]: row for row in health}
    assert all(row["visitors"] == row["in_flight"] == 0 for row in last.values())
    assert sum(row["started"] for row in last.values()) == sum(row["finished"] for row in last.values())
    assert sum(row["finished"] for row in last.values()) == len(load.table("samples"))


def test_visitors_come_as_planned_beside_those_on_duty(locust, visitors, visitors_plan):
    load = locust(scenario=visitors)
    assert load.ended() == 0, load.log
    check_that_all_came_as_planned(load, visitors_plan)
    check_the_samples_of_visitors(load)
    assert max(row["visitors"] for row in load.table("health")) > 0
    assert {row["reason"] for row in load.table("duty")} == {"slot_end"}
    assert Counter(row["outcome"] for row in load.table("samples")).keys() <= {"ok", "expected_refusal"}
    assert {row["outcome"] for row in load.table("workflows")} <= {"ok", "cut"}
    # neither Locust's users nor on duty
    on_duty = len(visitors_plan.slots)
    assert all(row["on_duty"] <= on_duty for row in load.table("health"))
    assert load.leader["arrivals_dropped"] == 0
    lines = {row["site"]: defaultdict(int) for row in load.table("samples")}
    for row in load.table("samples"):
        lines[row["site"]][row["reused"]] += row["open"]
    assert all(reused[True] > reused[False] > 0 for reused in lines.values())  # kept from one visitor to the next
    # the line of one site is slow, and only its samples say so
    for row in load.table("samples"):
        on_the_link_ms = row["latency_ms"] - row["server_ms"]
        assert on_the_link_ms >= 99 if row["site"] == "ridge" else on_the_link_ms == 0


def test_a_run_of_visitors_only_lasts_as_long_as_it_was_planned_for(locust, visitors, visitors_plan):
    """Locust never has a user then; one of the two processes may have nothing to do at all."""
    load = locust("--processes", "2", *NOBODY_WORKS, scenario=visitors)
    assert load.ended() == 0, load.log
    check_that_all_came_as_planned(load, visitors_plan)
    check_the_samples_of_visitors(load)
    assert load.table("duty") == []
    assert load.leader["closed_early"] is False
    assert load.leader["ended_epoch_s"] - load.leader["t0_epoch_s"] >= visitors_plan.length_s
    assert load.leader["workers_reported"] == [0, 1]


def test_an_interrupt_stops_arrivals_and_lets_visitors_finish_their_step(locust, visitors):
    load = locust("--processes", "2", "--emr-duration", "90s", scenario=visitors).under_way(1)
    load.interrupt()
    assert load.ended() == 3, load.log
    check_the_samples_of_visitors(load)
    runs = load.table("workflows")
    assert max(row["intended_s"] for row in runs) < 60
    assert {row["outcome"] for row in runs} <= {"ok", "cut"}
    assert load.leader["closed_early"] is True
    assert load.torn == ()


def test_a_site_with_an_endpoint_of_its_own_puts_no_load_on_the_target(
    locust, target, visitors, visitors_plan, seed_people, tmp_path
):
    with SandboxProcess(tmp_path / "own.log") as own:
        endpoint = f"sites.kiosk.endpoint={own.url}"
        seed_people(visitors, target, "--set", endpoint)
        load = locust("--emr-set", endpoint, scenario=visitors)
        assert load.ended() == 0, load.log
        truth = httpx.get(own.url.replace("/fhir", "/_sandbox/truth"), timeout=60).json()
    check_that_all_came_as_planned(load, visitors_plan)
    asked = Counter(row["site"] for row in load.table("samples"))
    assert asked["port"] > 0
    assert {site: tally["arrivals"] for site, tally in truth["by_site"].items()} == {"port": asked["port"]}
    assert {row["outcome"] for row in load.table("samples")} <= {"ok", "expected_refusal"}
