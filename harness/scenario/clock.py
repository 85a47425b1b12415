"""Wall clocks and calendars against moments: what a clock in a time zone shows, and when it is set.

A local time is seconds after the midnight of the scenario's first day as wall clocks and calendars count: every day has
24 hours of it, also the one on which daylight saving leaves one out or repeats one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from harness.units import DAY_S

__all__ = ["gap_around", "local_time_s", "moment_of", "next_setting_s", "utc_offset_s"]

_STEP_S = 900
"""Offsets of time zones change at full quarters of an hour."""


def moment_of(day: date, local_s: float, zone: str) -> datetime:
    """The first moment (UTC) at which clocks in `zone` show `local_s` after the midnight of `day`."""
    days, of_day_s = divmod(local_s, DAY_S)
    wall = datetime.combine(day + timedelta(days=days), time(), ZoneInfo(zone)) + timedelta(seconds=of_day_s)
    return wall.astimezone(UTC)


def local_time_s(day: date, moment: datetime, zone: str) -> float:
    """What clocks in `zone` show at `moment`."""
    wall = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (wall - datetime.combine(day, time())).total_seconds()


def gap_around(day: date, local_s: float, zone: str) -> tuple[float, float] | None:
    """What clocks in `zone` leave out around `local_s`: (from, to), of which they never show the first; or None."""
    moment = moment_of(day, local_s, zone)
    # A time that is left out is read by the offset before, so clocks show that much later.
    skipped_s = local_time_s(day, moment, zone) - local_s
    at_s = next_setting_s(moment, -skipped_s - 1, 1.0, zone) if skipped_s > 0 else None
    if at_s is None:
        return None
    to_s = local_time_s(day, moment + timedelta(seconds=at_s), zone)
    return to_s - skipped_s, to_s


def utc_offset_s(moment: datetime, zone: str) -> float:
    """How far clocks in `zone` are ahead of UTC at `moment`."""
    return (moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds()


def next_setting_s(begins: datetime, after_s: float, before_s: float, zone: str) -> float | None:
    """The first moment in (after, before), in seconds since `begins`, at which clocks in `zone` are set.

    None where they are not.     Two settings within half a day of each other, which no zone has, would be missed.
    """

    def offset_at(seconds: float) -> float:
        return utc_offset_s(begins + timedelta(seconds=seconds), zone)

    now, low_s = offset_at(after_s), after_s
    to_quarter_s = -begins.timestamp() % _STEP_S
    while low_s < before_s:
        high_s = min(low_s + DAY_S / 2, before_s)
        if offset_at(high_s) != now:
            # the last quarter at which nothing had changed, and the first at which it has
            low, high = int((low_s - to_quarter_s) // _STEP_S), int((high_s - to_quarter_s) // _STEP_S) + 1
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(to_quarter_s + middle * _STEP_S) == now else (low, middle)
            found_s = float(to_quarter_s + high * _STEP_S)
            return found_s if found_s < before_s else None
        low_s = high_s
    return None
