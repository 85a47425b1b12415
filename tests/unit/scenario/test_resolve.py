"""Sites are counted out, people too, and clocks are set: the run's time zero is the earliest opening."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from harness.errors import InputError
from harness.scenario import resolve
from harness.scenario.model import Scenario, SiteMix
from harness.units import DAY_S


def mix(template: str = "small-clinic", **changes: object) -> SiteMix:
    values = {"template": template, "weight": 1.0, "time_zone": "UTC", "source": "assumption"}
    return SiteMix.model_validate({**values, **changes})


def problems(scenario: Scenario, **options: object) -> list[tuple[str, str]]:
    with pytest.raises(InputError) as caught:
        resolve(scenario, **{"seed": 1, **options})  # type: ignore[arg-type]
    return [(problem.where, problem.what) for problem in caught.value.problems]


def test_without_a_number_the_scenario_has_its_own(quick_rush: Scenario) -> None:
    assert [site.name for site in resolve(quick_rush, seed=1).sites] == ["river", "lake", "hill"]


def test_names_that_run_out_are_numbered(quick_rush: Scenario) -> None:
    names = [site.name for site in resolve(quick_rush, sites=12, seed=1).sites]
    assert names[4:] == ["meadow", "river-2", "lake-2", "hill-2", "harbor-2", "meadow-2", "river-3", "lake-3"]


def test_a_number_skips_a_name_that_is_taken(quick_rush: Scenario) -> None:
    scenario = quick_rush.model_copy(update={"site_names": ("river", "river-2")})
    assert [site.name for site in resolve(scenario, sites=4, seed=1).sites] == [
        "river",
        "river-2",
        "river-2-2",
        "river-3",
    ]


def test_sites_keep_the_scenarios_proportions(quick_rush: Scenario) -> None:
    zones = (mix(time_zone="America/New_York", weight=3.0), mix(time_zone="America/Denver", weight=1.0))
    spec = resolve(quick_rush.model_copy(update={"sites": zones}), sites=8, seed=1)
    assert Counter(site.time_zone for site in spec.sites) == {"America/New_York": 6, "America/Denver": 2}


def test_people_are_counted_out_whole(quick_rush: Scenario) -> None:
    for site in resolve(quick_rush, sites=5, seed=1).sites:
        assert sum(site.heads.values()) == 12
        assert site.patients == 24


def test_the_clock_of_the_run_is_that_of_the_zone_with_most_heads(quick_rush: Scenario) -> None:
    zones = (mix(time_zone="America/Denver"), mix(time_zone="America/New_York", weight=2.0))
    spec = resolve(quick_rush.model_copy(update={"sites": zones}), sites=3, seed=1)
    assert spec.clock_zone == "America/New_York"
    assert [site.utc_offset_s / 3600 for site in spec.sites] == [-7.0, -5.0, -5.0]


def test_of_zones_with_equally_many_the_first_one_counts(quick_rush: Scenario) -> None:
    zones = (mix(time_zone="America/Denver"), mix(time_zone="America/New_York"))
    assert resolve(quick_rush.model_copy(update={"sites": zones}), sites=2, seed=1).clock_zone == "America/Denver"


def test_a_window_without_a_day_is_one_of_the_day_that_is_played(quick_rush: Scenario) -> None:
    days = {"timeline": (0.0, 3 * DAY_S), "plays": (2 * DAY_S + 46_800.0, 2 * DAY_S + 61_200.0)}
    scenario = quick_rush.model_copy(update=days)
    assert resolve(scenario, seed=1).played == days["plays"]
    assert resolve(scenario, seed=1, window=(3600.0, 7200.0)).window == (2 * DAY_S + 3600, 2 * DAY_S + 7200)
    assert resolve(scenario, seed=1, window=(DAY_S + 3600, DAY_S + 7200)).window == (DAY_S + 3600, DAY_S + 7200)


@pytest.mark.parametrize(
    ("day", "hours"),
    # The clocks of New York went back at 02:00 on 2026-11-01: at 06:30 the winter's offset holds.
    [(date(2026, 10, 31), -4.0), (date(2026, 11, 1), -5.0), (date(2026, 3, 8), -4.0)],
)
def test_the_offset_is_that_of_the_opening_on_the_scenarios_day(quick_rush: Scenario, day: date, hours: float) -> None:
    scenario = quick_rush.model_copy(update={"date": day})
    assert resolve(scenario, sites=1, seed=1).sites[0].utc_offset_s / 3600 == hours


def test_everything_that_cannot_be_played_is_told_at_once(quick_rush: Scenario) -> None:
    told = problems(quick_rush, sites=0, seed=-1, duration_s=0.0, window=(0.0, 3600.0))
    assert [where for where, _ in told] == ["--sites", "--seed", "--duration", "--window"]


@pytest.mark.parametrize("sites", [0, -1, 10_001])
def test_a_number_of_sites_that_nobody_has_is_refused(quick_rush: Scenario, sites: int) -> None:
    assert problems(quick_rush, sites=sites) == [("--sites", f"{sites} sites cannot be played")]


@pytest.mark.parametrize("duration_s", [0.0, -5.0, float("nan"), float("inf")])
def test_a_duration_that_does_not_pass_is_refused(quick_rush: Scenario, duration_s: float) -> None:
    assert problems(quick_rush, duration_s=duration_s)[0][0] == "--duration"


@pytest.mark.parametrize(
    ("window", "what"),
    [
        ((6 * 3600.0, 7 * 3600.0), "06:00..07:00 lies outside the timeline"),
        ((10 * 3600.0, 11 * 3600.0), "10:00..11:00 lies outside the timeline"),
        ((9 * 3600.0, 8 * 3600.0), "09:00..08:00 ends before it starts"),
    ],
)
def test_a_window_that_nobody_works_in_is_refused(quick_rush: Scenario, window: tuple[float, float], what: str) -> None:
    assert problems(quick_rush, window=window) == [("--window", what)]


def test_a_window_within_the_timeline_is_kept(quick_rush: Scenario) -> None:
    window = (8.75 * 3600, 9.25 * 3600)
    assert resolve(quick_rush, seed=1, window=window).window == window


def test_a_window_written_with_the_first_day_is_on_it(quick_rush: Scenario) -> None:
    days = {"timeline": (0.0, 3 * DAY_S), "plays": (2 * DAY_S + 46_800.0, 2 * DAY_S + 61_200.0)}
    spec = resolve(quick_rush.model_copy(update=days), seed=1, window=(3600.0, 7200.0), window_has_day=True)
    assert spec.window == (3600.0, 7200.0)


WEEKS = {"timeline": (0.0, 14 * DAY_S)}


@pytest.mark.parametrize(
    ("more", "options", "where"),
    [
        ({}, {}, "timeline"),
        ({"plays": (0.0, 8 * DAY_S)}, {}, "plays"),
        ({}, {"window": (0.0, 8 * DAY_S)}, "--window"),
    ],
)
def test_more_than_a_week_at_true_speed_is_refused(
    quick_rush: Scenario, more: dict[str, object], options: dict[str, object], where: str
) -> None:
    told = problems(quick_rush.model_copy(update={**WEEKS, **more}), **options)
    assert [place for place, _ in told] == [where]


def test_more_than_a_week_can_be_squeezed_into_less(quick_rush: Scenario) -> None:
    assert resolve(quick_rush.model_copy(update=WEEKS), seed=1, duration_s=600.0).duration_s == 600.0
