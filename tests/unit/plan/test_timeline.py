"""Local time at each site becomes time of the run: at true speed, squeezed, or a slice of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.errors import InputError
from harness.plan import timeline_of
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]


def test_a_run_at_true_speed_lasts_as_long_as_its_timeline(make_spec: Make) -> None:
    timeline = timeline_of(make_spec())
    assert (timeline.length_s, timeline.time_lapse) == (2 * HOUR, 1.0)
    assert timeline.clocks["lake"].run_s(9 * HOUR) == HOUR


def test_a_site_further_west_opens_later_in_the_run(make_spec: Make) -> None:
    timeline = timeline_of(make_spec(offsets_s={"river": HOUR}))
    assert timeline.length_s == 3 * HOUR
    assert timeline.clocks["river"].opens_s == HOUR
    assert timeline.clocks["river"].local_s(HOUR) == 8 * HOUR


def test_a_duration_squeezes_the_whole_timeline_offsets_included(make_spec: Make) -> None:
    timeline = timeline_of(make_spec(offsets_s={"river": HOUR}, duration_s=180.0))
    assert (timeline.length_s, timeline.time_lapse) == (180.0, 60.0)
    assert timeline.clocks["river"].opens_s == 60.0
    assert timeline.clocks["river"].closes_s == 180.0


def test_a_window_is_played_at_true_speed_at_every_site(make_spec: Make) -> None:
    timeline = timeline_of(make_spec(offsets_s={"river": HOUR}, window=(8.75 * HOUR, 9.25 * HOUR)))
    assert timeline.time_lapse == 1.0
    assert timeline.length_s == 1.5 * HOUR
    assert timeline.clocks["lake"].opens_s == 0.0
    assert timeline.clocks["river"].run_s(8.75 * HOUR) == HOUR


def test_window_and_duration_together_are_refused(make_spec: Make) -> None:
    with pytest.raises(InputError, match=r"--window: --window and --duration were both given") as caught:
        timeline_of(make_spec(duration_s=60.0, window=(8.75 * HOUR, 9.25 * HOUR)))
    assert "give one of them" in str(caught.value)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_run_of_no_time_is_refused(make_spec: Make, seconds: float) -> None:
    with pytest.raises(InputError, match="--duration"):
        timeline_of(make_spec(duration_s=seconds))
