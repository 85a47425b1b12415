"""FHIR dates as half-open ranges of milliseconds: a date without a time is the whole day, a year the whole year.

2026-11-22            [2026-11-22T00:00Z, 2026-11-23T00:00Z)
2026-11-22T09:30      [09:30:00, 09:31:00)          no time zone means UTC
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

__all__ = ["BEGINNING_MS", "END_MS", "date_range", "instant_text"]

BEGINNING_MS = -(2**62)
END_MS = 2**62

_DATE = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d+))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@lru_cache(maxsize=8192)
def date_range(text: str) -> tuple[int, int]:
    """Start and end (exclusive) in milliseconds since 1970 of a FHIR date, dateTime or instant.

    Raises ValueError where `text` is none of them.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not a FHIR date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z|±hh:mm]")
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    if match["hour"] is None:
        first = date(year, month, day)
        return _day_ms(first), _day_ms(_after(first, match))
    zone = match["zone"] or "Z"
    start = datetime.fromisoformat(
        f"{text[:10]}T{match['hour']}:{match['minute']}:{match['second'] or '00'}{'+00:00' if zone == 'Z' else zone}"
    )
    start_ms = (start - _EPOCH) // _MILLISECOND
    if match["second"] is None:
        return start_ms, start_ms + 60_000
    if match["fraction"] is None:
        return start_ms, start_ms + 1000
    start_ms += int(match["fraction"][:3].ljust(3, "0"))
    return start_ms, start_ms + 10 ** max(0, 3 - len(match["fraction"]))


def _day_ms(day: date) -> int:
    return (day.toordinal() - _EPOCH.toordinal()) * 86_400_000


def _after(first: date, match: re.Match[str]) -> date:
    if match["day"] is not None:
        return first + timedelta(days=1)
    if match["month"] is not None and first.month < 12:
        return first.replace(month=first.month + 1)
    return date(first.year + 1, 1, 1)


@lru_cache(maxsize=1024)
def instant_text(milliseconds: int) -> str:
    """`2026-11-22T09:30:00.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
