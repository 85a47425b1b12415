"""FHIR dates as ranges."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.sandbox.dates import date_range, instant_text


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("2026-11", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2028-02-29", "2028-02-29T00:00", "2028-03-01T00:00"),
        ("2026-11-22T09:30", "2026-11-22T09:30", "2026-11-22T09:31"),
        ("2026-11-22T09:30:15", "2026-11-22T09:30:15", "2026-11-22T09:30:16"),
        ("2026-11-22T09:30:15Z", "2026-11-22T09:30:15", "2026-11-22T09:30:16"),
        ("2026-11-22T09:30:15.5Z", "2026-11-22T09:30:15.500", "2026-11-22T09:30:15.600"),
        ("2026-11-22T09:30:15.123456Z", "2026-11-22T09:30:15.123", "2026-11-22T09:30:15.124"),
        ("2026-11-22T09:30:00-06:00", "2026-11-22T15:30:00", "2026-11-22T15:30:01"),
        ("1954-07-03", "1954-07-03T00:00", "1954-07-04T00:00"),
    ],
)
def test_a_date_stands_for_as_long_as_it_is_precise(text, start, end):
    assert date_range(text) == (ms(start), ms(end))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13", "2026-02-30", "26-01-01", "2026-11-22T25:00", "2026-11-22T09"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError):
        date_range(text)


def test_an_instant_is_written_with_milliseconds_in_utc():
    assert instant_text(ms("2026-11-22T09:30:15.007")) == "2026-11-22T09:30:15.007Z"
