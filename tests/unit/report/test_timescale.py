"""What clocks show during a run: in other zones, over several days, and where they are set meanwhile."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from harness.report.canvas import NARROW, WIDE, drawing
from harness.report.figures import phase_letters, timeline_figure
from harness.report.timescale import TimeScale, time_scale

HOUR_S = 3600.0
DAY_S = 86_400.0


def scale_of(run: Any, timeline_h: tuple[float, float], day: datetime.date = datetime.date(2026, 3, 3)) -> TimeScale:
    spec = run.spec
    timeline = (timeline_h[0] * HOUR_S, timeline_h[1] * HOUR_S)
    scenario = spec.scenario.model_copy(update={"timeline": timeline, "date": day})
    return time_scale(spec.model_copy(update={"scenario": scenario}))


def test_each_zones_clock_shows_its_own_time_of_the_same_moment(run_of: Callable[..., Any]) -> None:
    scale = scale_of(run_of(3, zones=("America/New_York", "America/Denver")), (6.5, 10.5))
    east, west = scale.zones
    assert (east.zone, east.sites, west.zone, west.sites) == ("America/New_York", 2, "America/Denver", 1)
    assert [scale.text(run_s, zone) for zone in (east, west) for run_s in (0.0, 240.0)] == [
        "06:30",
        "10:30",
        "04:30",
        "08:30",
    ]


def test_days_are_told_as_soon_as_one_clock_goes_over_midnight(run_of: Callable[..., Any]) -> None:
    night = scale_of(run_of(3), (22.0, 30.0))
    assert (night.text(0.0), night.text(240.0)) == ("Tue 22:00", "Wed 06:00")
    west = scale_of(run_of(3, zones=("America/New_York", "America/Denver")), (1.0, 5.0))
    assert (west.text(0.0), west.text(0.0, west.zones[1])) == ("Tue 01:00", "Mon 23:00")
    third_day = scale_of(run_of(3), (2 * 24 + 13.0, 2 * 24 + 17.0))
    assert third_day.text(0.0) == "Thu 13:00"


def test_a_day_that_ends_at_midnight_is_still_one_day(run_of: Callable[..., Any]) -> None:
    scale = scale_of(run_of(3), (18.0, 24.0))
    assert (scale.text(0.0), scale.text(240.0)) == ("18:00", "24:00")


def test_an_hour_that_comes_twice_is_shown_twice_and_said(run_of: Callable[..., Any]) -> None:
    scale = scale_of(run_of(3), (0.0, 3.0), datetime.date(2026, 11, 1))
    quarter_s = scale.length_s / 4  # an hour of life each: four hours pass until clocks show 03:00
    assert [scale.text(at * quarter_s) for at in range(5)] == ["00:00", "01:00", "01:00", "02:00", "03:00"]
    assert "At 2:00 of the run its clocks are set back by 1 h 00 min: that time comes twice." in scale.sentence


def test_an_hour_that_is_left_out_is_said(run_of: Callable[..., Any]) -> None:
    scale = scale_of(run_of(3), (0.0, 4.0), datetime.date(2026, 3, 8))
    assert scale.text(scale.length_s / 3 * 2) == "03:00"
    assert "its clocks are set forward by 1 h 00 min: that time is left out." in scale.sentence


def test_a_phase_that_comes_every_day_has_one_letter_and_as_many_bands(run_of: Callable[..., Any]) -> None:
    run = run_of(3)
    scale = scale_of(run, (6.0, 58.0))
    assert [band.name for band in scale.bands] == ["results-read", "clinics-open", "medication-pass"] * 3
    assert phase_letters(scale, WIDE) == {"results-read": "A", "clinics-open": "B", "medication-pass": "C"}
    with drawing(NARROW):
        network = run.analysis.timeline.query("site == ''")
        labels = [tick.get_text() for tick in timeline_figure(network, scale, NARROW).axes[3].get_xticklabels()]
    assert labels[0] == "0:00\nTue 06:00"


def test_a_clinic_whose_day_is_put_off_shows_the_clock_on_its_wall(run_of: Callable[..., Any]) -> None:
    spec = run_of(3).spec
    later = tuple(site.model_copy(update={"start_offset_s": 1800.0}) for site in spec.sites)
    scale = time_scale(spec.model_copy(update={"sites": later}))
    assert scale.text(0.0) == "06:30"
    band = scale.bands[0]
    assert (band.name, band.start_s, band.local) == ("results-read", 60.0, "07:30–08:30")
