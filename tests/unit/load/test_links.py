"""Which sites of a worker are behind a link, what of it falls to the worker, and when nothing passes."""

from __future__ import annotations

from typing import Any

import pytest

from harness.load.links import link_profiles, site_links
from harness.plan import compile_plan
from harness.plan.model import Plan
from harness.scenario.model import Link, RunSpec
from harness.units import DAY_S

HOUR_S = 3600.0


def behind(
    spec: RunSpec, *names: str | None, links: dict[str, dict[str, Any]], duration_s: float | None = None
) -> Plan:
    """A plan whose sites have these links, the morning from 06:30 to 10:30."""
    made = {name: Link(name=name, title=name, source="assumption (a test)", **how) for name, how in links.items()}
    sites = tuple(site.model_copy(update={"link": name}) for site, name in zip(spec.sites, names, strict=True))
    scenario = spec.scenario.model_copy(update={"links": made})
    return compile_plan(spec.model_copy(update={"scenario": scenario, "sites": sites, "duration_s": duration_s}))


def names_of(plan: Plan) -> list[str]:
    return [site.name for site in plan.spec.sites]


def whole(plan: Plan) -> dict[str, float]:
    return dict.fromkeys([*(f"site:{name}" for name in names_of(plan)), *plan.spec.scenario.links], 1.0)


def test_sites_without_a_link_or_with_an_ideal_one_are_left_alone(spec):
    plan = behind(spec, None, "fiber", links={"fiber": {}})
    assert link_profiles(plan, names_of(plan), whole(plan)) == {}


def test_each_site_has_a_link_of_its_own_unless_they_share_one(spec):
    for shared in (False, True):
        plan = behind(spec, "wan", "wan", links={"wan": {"down_bits_per_s": 8000.0, "shared": shared}})
        links = site_links(link_profiles(plan, names_of(plan), whole(plan)), lambda: 0.0)
        first, second = (links[name] for name in names_of(plan))
        assert (first is second) is shared


def test_a_worker_has_its_share_of_a_line_that_several_play(spec):
    plan = behind(
        spec, "dsl", None, links={"dsl": {"down_bits_per_s": 8000.0, "up_bits_per_s": 800.0, "round_trip_s": 0.1}}
    )
    first, second = names_of(plan)
    profiles = link_profiles(plan, [first, second], {f"site:{first}": 0.25, f"site:{second}": 1.0})
    ((site, (line, profile)),) = profiles.items()
    assert (site, line) == (first, f"site:{first}")
    assert (profile.down_bits_per_s, profile.up_bits_per_s, profile.round_trip_s) == (2000.0, 200.0, 0.1)


def test_a_site_that_others_play_costs_this_worker_nothing(spec):
    plan = behind(spec, "dsl", "dsl", links={"dsl": {"round_trip_s": 0.1}})
    first, second = names_of(plan)
    assert set(link_profiles(plan, [second], {f"site:{first}": 0.0, f"site:{second}": 1.0})) == {second}


def test_a_site_that_is_played_here_but_has_nothing_of_its_line_is_an_error(spec):
    plan = behind(spec, "dsl", None, links={"dsl": {"round_trip_s": 0.1}})
    with pytest.raises(ValueError, match="no share of it"):
        link_profiles(plan, names_of(plan), dict.fromkeys(whole(plan), 0.0))


@pytest.mark.parametrize(("duration_s", "lapse"), [(None, 1.0), (1440.0, 10.0)])
def test_outages_are_local_times_and_come_in_run_seconds(spec, duration_s, lapse):
    """They come every day; one that began before the run is cut, and two that touch are one."""
    outages = (
        (7.5 * HOUR_S, 8 * HOUR_S),
        (6 * HOUR_S, 7 * HOUR_S),
        (8 * HOUR_S, 8.5 * HOUR_S),
        (22 * HOUR_S, 23 * HOUR_S),
        (DAY_S + 7 * HOUR_S, DAY_S + 8 * HOUR_S),
    )
    plan = behind(spec, "dsl", None, links={"dsl": {"outages": outages}}, duration_s=duration_s)
    ((_, profile),) = link_profiles(plan, names_of(plan), whole(plan)).values()
    expected = [(0.0, 0.5), (1.0, 2.0)]  # hours since 06:30
    assert [second for outage in profile.outages_s for second in outage] == pytest.approx(
        [hour * HOUR_S / lapse for outage in expected for hour in outage]
    )


def test_each_sites_outages_are_read_on_its_own_clock(spec):
    outages = ((7 * HOUR_S, 8 * HOUR_S),)
    late = spec.sites[1].model_copy(update={"start_offset_s": HOUR_S})
    plan = behind(
        spec.model_copy(update={"sites": (spec.sites[0], late)}),
        *("dsl", "dsl"),
        links={"dsl": {"outages": outages}},
    )
    first, second = (profile.outages_s for _, profile in link_profiles(plan, names_of(plan), whole(plan)).values())
    assert first == ((0.5 * HOUR_S, 1.5 * HOUR_S),)
    assert second == ((1.5 * HOUR_S, 2.5 * HOUR_S),)
