"""Numbers with units: what is read, what is refused, and that nothing is lost between."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("250ms", 0.25),
        ("1h30m", 5400),
        ("1 h 30 m", 5400),
        (" 2.5 s ", 2.5),
        ("500us", 0.0005),
        ("1d", 86400),
        ("0s", 0),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text, seconds):
    assert units.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "90", "-5s", "nan", "NaNs", "inf", "1e3s", "s", "5x", "1 0s", "1.s", "٣s", "10m!", "9" * 400 + "s"],
)
def test_what_is_no_duration_is_refused_with_the_way_to_write_one(text):
    with pytest.raises(ValueError, match=r"is not a duration: write a number with its unit, such as 90s"):
        units.parse_duration(text)


@given(st.floats(0, 1e7, allow_nan=False).map(lambda seconds: round(seconds, 6)), st.sampled_from(["s", "ms", "us"]))
def test_a_duration_written_out_is_read_back(seconds, unit):
    factor = {"s": 1.0, "ms": 1e-3, "us": 1e-6}[unit]
    assert units.parse_duration(f"{seconds:.6f}{unit}") == pytest.approx(seconds * factor)


@given(st.text(max_size=12))
def test_a_duration_is_finite_and_never_negative_whatever_is_written(text):
    try:
        seconds = units.parse_duration(text)
    except ValueError:
        return
    assert seconds >= 0
    assert math.isfinite(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.25, "250 ms"),
        (0.9996, "1.00 s"),
        (1.32, "1.32 s"),
        (9.996, "10 s"),
        (47.4, "47 s"),
        (59.7, "1 min 00 s"),
        (242, "4 min 02 s"),
        (3599.6, "1 h 00 min"),
        (14400, "4 h 00 min"),
        (-1.5, "-1.50 s"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_a_duration_is_told_as_people_say_it(seconds, text):
    assert units.duration_text(seconds) == text


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_a_longer_duration_is_never_told_as_a_shorter_one(one, other):
    shorter, longer = sorted([one, other])

    def read(seconds: float) -> float:
        return units.parse_duration(units.duration_text(seconds).replace("min", "m").replace(" ", ""))

    assert read(shorter) <= read(longer)
    told_to_s = 0.001 if longer < 0.999 else 0.01 if longer < 9.99 else 1.0 if longer < 3599 else 60.0
    assert read(longer) == pytest.approx(longer, abs=told_to_s)


@pytest.mark.parametrize(
    ("text", "seconds"), [("06:30", 23400), ("6:30", 23400), ("06:30:15", 23415), ("00:00", 0), ("24:00", 86400)]
)
def test_a_time_of_day_is_read(text, seconds):
    assert units.parse_clock(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "25:00", "24:01", "12:60", "12:30:60", "-1:00", "12.30", "12:3", "١٢:٣٠"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="is not a time of day: write HH:MM"):
        units.parse_clock(text)


@given(st.integers(0, 24 * 60 - 1))
def test_a_time_of_day_written_out_is_read_back(minute):
    assert units.parse_clock(units.clock_text(minute * 60)) == minute * 60


def test_a_time_past_midnight_is_told_as_the_clock_shows_it():
    assert units.clock_text(units.DAY_S + 3600) == "01:00"
    assert units.clock_text(units.DAY_S - 10) == "00:00"


def test_a_window_ends_after_it_starts():
    assert units.parse_window("08:45..09:15") == (31500, 33300)
    for text in ("09:15..08:45", "09:00..09:00"):
        with pytest.raises(ValueError, match="ends before it starts"):
            units.parse_window(text)
    with pytest.raises(ValueError, match=r"is not a window: write START\.\.END"):
        units.parse_window("08:45-09:15")
    with pytest.raises(ValueError, match="is not a time of day"):
        units.parse_window("..09:15")


@pytest.mark.parametrize(("text", "per_s"), [("20/s", 20), ("90/min", 1.5), ("600/h", 1 / 6), ("0.5/s", 0.5)])
def test_a_rate_is_events_for_each_unit_of_time(text, per_s):
    assert units.parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize("text", ["", "20", "20/", "/s", "20/d", "-1/s", "nan/s", "inf/s", "9" * 400 + "/s"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="is not a rate: write a number per s, min or h"):
        units.parse_rate(text)


@pytest.mark.parametrize(
    ("text", "share"), [("20%", 0.2), ("0.2", 0.2), (0.2, 0.2), ("100 %", 1), (1, 1), ("0%", 0), ("12.5%", 0.125)]
)
def test_a_share_is_a_percentage_or_a_fraction(text, share):
    assert units.parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "101%", "-1%", "1.2", 1.2, -0.1, math.nan, "nan", "half"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ValueError, match="is not a share: write a percentage from 0% to 100%"):
        units.parse_share(text)


def test_a_count_goes_with_its_noun():
    assert units.count_text(1, "site") == "1 site"
    assert units.count_text(0, "site") == "0 sites"
    assert units.count_text(61204, "request") == "61,204 requests"
    assert units.count_text(2, "person", "people") == "2 people"


@pytest.mark.parametrize(("text", "factor"), [("4", 4.0), ("1.5", 1.5), (" 0.25 ", 0.25), ("1000", 1000.0)])
def test_a_number_of_times_is_plain_and_reads_back(text, factor):
    assert units.parse_factor(text) == factor
    assert units.parse_factor(units.factor_text(factor)) == factor


@pytest.mark.parametrize("text", ["0", "-1", "nan", "1e3", "1001", "4x", "", "٤", "1.0000001"])
def test_what_is_no_number_of_times_says_how_to_write_one(text):
    with pytest.raises(ValueError, match=r"write a number above 0, up to 1000, such as 4 or 1\.5"):
        units.parse_factor(text)
