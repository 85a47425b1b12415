"""Open load: arrivals at a rate, the same on every machine, as many as the rate's integral says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from harness.plan import ArrivalProcess, arrival_times, compile_plan, expected_arrivals
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]
STEADY = ArrivalProcess("lake", "walk-in", ((0.0, 2.0), (HOUR, 2.0)))
RISING = ArrivalProcess("lake", "walk-in", ((0.0, 0.0), (HOUR, 4.0)))


def test_as_many_come_as_the_rate_says() -> None:
    # 7,200 on the mean, with the square root of that as their spread
    for process in (STEADY, RISING):
        assert len(list(arrival_times(process, 7))) == pytest.approx(7200, abs=4 * 7200**0.5)


def test_they_come_in_order_and_within_the_run() -> None:
    times = list(arrival_times(RISING, 7))
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert 0 <= times[0] <= times[-1] <= HOUR


def test_gaps_at_a_steady_rate_are_exponential() -> None:
    gaps = np.diff(list(arrival_times(STEADY, 7)))
    assert gaps.mean() == pytest.approx(0.5, rel=0.05)
    assert gaps.std() == pytest.approx(0.5, rel=0.08)


def test_a_rising_rate_brings_three_quarters_in_the_second_half() -> None:
    times = np.array(list(arrival_times(RISING, 7)))
    assert (times > HOUR / 2).mean() == pytest.approx(0.75, abs=0.02)


def test_they_are_the_same_for_the_same_seed_and_others_for_another_site() -> None:
    assert list(arrival_times(STEADY, 7))[:20] == list(arrival_times(STEADY, 7))[:20]
    elsewhere = ArrivalProcess("river", "walk-in", STEADY.points)
    assert list(arrival_times(STEADY, 7))[:20] != list(arrival_times(elsewhere, 7))[:20]


def test_the_expected_number_is_the_integral_of_the_rate() -> None:
    until_s = np.array([0.0, HOUR / 2, HOUR, 2 * HOUR])
    assert expected_arrivals(STEADY, until_s).tolist() == [0, 3600, 7200, 7200]
    assert expected_arrivals(RISING, until_s) == pytest.approx([0, 1800, 7200, 7200])


def come(**points: object) -> dict[str, object]:
    return {"arrivals": {"walk-in": {"rate_per_s": 0.5, "source": "assumption, a test", **points}}}


def test_each_site_has_its_own_process_in_its_own_time(make_spec: Make) -> None:
    morning = {"points": [(0.0, 0.0), (8 * HOUR, 0.0), (9 * HOUR, 1.0), (24 * HOUR, 1.0)]}
    zones = {"lake": "America/New_York", "river": "America/Chicago"}
    spec = make_spec(template=come(**morning), personas={"walk-in": {}}, zones=zones, clock_zone="America/New_York")
    by_site = {process.site: process for process in compile_plan(spec).arrivals}
    assert expected_arrivals(by_site["lake"], np.array([2 * HOUR]))[0] == pytest.approx(900 + 1800)
    assert expected_arrivals(by_site["river"], np.array([2 * HOUR]))[0] == pytest.approx(900)


def test_a_time_lapse_squeezes_the_curve_and_keeps_the_rate(make_spec: Make) -> None:
    spec = make_spec(sites=["lake"], template=come(), personas={"walk-in": {}}, duration_s=60.0)
    (process,) = compile_plan(spec).arrivals
    assert expected_arrivals(process, np.array([60.0]))[0] == pytest.approx(30)


def test_a_process_that_never_comes_is_none(make_spec: Make) -> None:
    silent = come(points=[(0.0, 0.0), (24 * HOUR, 0.0)])
    assert compile_plan(make_spec(template=silent, personas={"walk-in": {}})).arrivals == ()


def test_who_comes_to_the_door_comes_while_the_site_is_open(make_spec: Make) -> None:
    def come_by(opening: tuple[float, float] | None, *, while_open: bool) -> list[float]:
        template = come(while_open=while_open) | {"opening": opening}
        spec = make_spec(sites=["lake"], template=template, personas={"walk-in": {}})
        (process,) = compile_plan(spec).arrivals
        times = list(arrival_times(process, 7))
        assert expected_arrivals(process, np.array([2 * HOUR]))[0] == pytest.approx(len(times), rel=0.1)
        return [min(times), max(times)]

    # of the two hours from 08:00 on, the site is open from 08:30 to 09:30
    assert come_by((8.5 * HOUR, 9.5 * HOUR), while_open=True) == pytest.approx([HOUR / 2, 1.5 * HOUR], abs=30)
    assert come_by((8.5 * HOUR, 9.5 * HOUR), while_open=False) == pytest.approx([0, 2 * HOUR], abs=30)
    assert come_by(None, while_open=True) == pytest.approx([0, 2 * HOUR], abs=30)
    assert come_by((22 * HOUR, 33 * HOUR), while_open=True) == pytest.approx([0, HOUR], abs=30)


def test_nobody_comes_to_a_door_that_is_closed_all_the_time(make_spec: Make) -> None:
    template = come(while_open=True) | {"opening": (12 * HOUR, 13 * HOUR)}
    assert compile_plan(make_spec(template=template, personas={"walk-in": {}})).arrivals == ()
