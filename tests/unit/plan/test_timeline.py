"""One network, one moment, as many clocks as time zones: at true speed, squeezed, or a slice of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from harness.errors import InputError
from harness.plan import timeline_of
from harness.scenario.clock import gap_around
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]


def test_a_run_at_true_speed_lasts_as_long_as_its_timeline(make_spec: Make) -> None:
    timeline = timeline_of(make_spec())
    assert (timeline.length_s, timeline.time_lapse) == (2 * HOUR, 1.0)
    assert timeline.clocks["lake"].run_s(9 * HOUR) == HOUR


def test_a_site_further_west_has_an_earlier_time_at_the_same_moment(make_spec: Make) -> None:
    zones = {"lake": "America/New_York", "river": "America/Denver"}
    timeline = timeline_of(make_spec(zones=zones, clock_zone="America/New_York"))
    assert timeline.length_s == 2 * HOUR
    assert [timeline.clocks[site].local_s(0.0) for site in ("lake", "river")] == [8 * HOUR, 6 * HOUR]
    assert timeline.clocks["river"].run_s(7 * HOUR) == HOUR


def test_a_site_whose_day_is_put_off_has_a_clock_behind(make_spec: Make) -> None:
    timeline = timeline_of(make_spec(offsets_s={"river": HOUR}))
    assert timeline.length_s == 2 * HOUR
    assert timeline.clocks["river"].local_s(HOUR) == 8 * HOUR
    assert timeline.clocks["river"].run_s(8 * HOUR) == HOUR


def test_a_duration_squeezes_what_is_played(make_spec: Make) -> None:
    timeline = timeline_of(make_spec(offsets_s={"river": HOUR}, duration_s=120.0))
    assert (timeline.length_s, timeline.time_lapse) == (120.0, 60.0)
    assert timeline.clocks["river"].run_s(8 * HOUR) == 60.0
    assert timeline.clocks["lake"].run_s(10 * HOUR) == 120.0


def test_a_window_takes_as_long_as_it_says_however_many_zones_there_are(make_spec: Make) -> None:
    window = (8.75 * HOUR, 9.25 * HOUR)
    timeline = timeline_of(make_spec(zones={"river": "America/Denver"}, window=window))
    assert (timeline.length_s, timeline.time_lapse) == (0.5 * HOUR, 1.0)
    assert timeline.clocks["lake"].local_s(0.0) == 8.75 * HOUR
    assert timeline.clocks["river"].local_s(0.0) == 1.75 * HOUR


def test_a_clock_that_is_set_back_shows_an_hour_twice(make_spec: Make) -> None:
    day = {"day": date(2026, 11, 1), "timeline": (0.0, 24 * HOUR), "clock_zone": "America/New_York"}
    timeline = timeline_of(make_spec(**day))
    clock = timeline.clocks["lake"]
    assert timeline.length_s == 25 * HOUR
    assert clock.times_of(1.5 * HOUR) == [1.5 * HOUR, 2.5 * HOUR]
    assert [clock.local_s(hour * HOUR) / HOUR for hour in (0.0, 1.5, 2.0, 2.5, 24.5)] == [0.0, 1.5, 1.0, 1.5, 23.5]
    assert clock.run_s(12 * HOUR) == 13 * HOUR


def test_a_clock_that_is_set_forward_leaves_an_hour_out(make_spec: Make) -> None:
    day = {"day": date(2026, 3, 8), "timeline": (0.0, 24 * HOUR), "clock_zone": "America/New_York"}
    timeline = timeline_of(make_spec(**day))
    clock = timeline.clocks["lake"]
    assert timeline.length_s == 23 * HOUR
    assert clock.times_of(2.5 * HOUR) == []
    assert clock.run_s(2.5 * HOUR) == 2 * HOUR
    assert clock.local_s(2 * HOUR) == 3 * HOUR


def test_a_clock_elsewhere_is_not_set_when_ours_is(make_spec: Make) -> None:
    zones = {"lake": "America/New_York", "river": "America/Phoenix"}
    day = {"day": date(2026, 11, 1), "timeline": (0.0, 24 * HOUR), "clock_zone": "America/New_York", "zones": zones}
    clocks = timeline_of(make_spec(**day)).clocks
    assert (len(clocks["lake"].settings), len(clocks["river"].settings)) == (2, 1)
    assert clocks["river"].local_s(25 * HOUR) == 22 * HOUR


def test_window_and_duration_together_are_refused(make_spec: Make) -> None:
    with pytest.raises(InputError, match=r"--window: --window and --duration were both given") as caught:
        timeline_of(make_spec(duration_s=60.0, window=(8.75 * HOUR, 9.25 * HOUR)))
    assert "give one of them" in str(caught.value)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_run_of_no_time_is_refused(make_spec: Make, seconds: float) -> None:
    with pytest.raises(InputError, match="--duration"):
        timeline_of(make_spec(duration_s=seconds))


SPRING = {"clock_zone": "America/New_York", "day": date(2026, 3, 8)}


@pytest.mark.parametrize("window_h", [(2.0, 3.0), (2.5, 3.25), (2.25, 2.75), (1.0, 2.5), (2.0, 2.5)])
def test_an_hour_that_clocks_leave_out_is_refused(make_spec: Make, window_h: tuple[float, float]) -> None:
    spec = make_spec(timeline=(0.0, 24 * HOUR), window=(window_h[0] * HOUR, window_h[1] * HOUR), **SPRING)
    with pytest.raises(InputError) as caught:
        timeline_of(spec)
    (problem,) = caught.value.problems
    assert problem.where == "--window"
    assert "on 2026-03-08 clocks in America/New_York go from 02:00 straight to 03:00" in problem.what


@pytest.mark.parametrize(("window_h", "hours"), [((1.0, 2.0), 1), ((1.0, 3.0), 1), ((2.0, 4.0), 1), ((3.0, 4.0), 1)])
def test_what_begins_or_ends_where_clocks_are_set_is_played(
    make_spec: Make, window_h: tuple[float, float], hours: float
) -> None:
    spec = make_spec(timeline=(0.0, 24 * HOUR), window=(window_h[0] * HOUR, window_h[1] * HOUR), **SPRING)
    assert timeline_of(spec).life_s == hours * HOUR


def test_the_hour_that_is_left_out_is_told_of_what_the_scenario_plays_too(make_spec: Make) -> None:
    spec = make_spec(timeline=(2 * HOUR, 3 * HOUR), duration_s=10.0, **SPRING)
    with pytest.raises(InputError) as caught:
        timeline_of(spec)
    assert [problem.where for problem in caught.value.problems] == ["timeline"]


@pytest.mark.parametrize(
    ("zone", "day", "local_h", "gap_h"),
    [
        ("America/New_York", date(2026, 3, 8), 2.5, (2.0, 3.0)),
        ("America/New_York", date(2026, 3, 8), 3.0, None),
        ("America/New_York", date(2026, 11, 1), 1.5, None),
        ("Australia/Lord_Howe", date(2026, 10, 4), 2.25, (2.0, 2.5)),
        ("Pacific/Apia", date(2011, 12, 29), 30.0, (24.0, 48.0)),
    ],
)
def test_what_clocks_leave_out(zone: str, day: date, local_h: float, gap_h: tuple[float, float] | None) -> None:
    gap = gap_around(day, local_h * HOUR, zone)
    assert gap == (gap_h and (gap_h[0] * HOUR, gap_h[1] * HOUR))
