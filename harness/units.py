"""Numbers with units, parsed and printed here only: durations, clock times, rates, bandwidths, shares.

Each parser raises ValueError with a sentence that says what is allowed; callers add where it stood.
"""

from __future__ import annotations

import math
import re

__all__ = [
    "DAY_S",
    "clock_text",
    "count_text",
    "duration_text",
    "factor_text",
    "moment_text",
    "parse_bandwidth",
    "parse_clock",
    "parse_duration",
    "parse_factor",
    "parse_rate",
    "parse_share",
    "parse_window",
]

DAY_S = 86_400.0
_DURATION_UNIT_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_S}
_DURATION_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)\s*", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,2})d)?(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_BANDWIDTH = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG])bit/s", re.ASCII)
_BITS = {"k": 1e3, "M": 1e6, "G": 1e9}


def parse_duration(text: str) -> float:
    """Seconds in `text`: `90s`, `10m`, `250ms`, `1h30m`. Never negative, always finite, always with a unit."""
    seconds = sum(float(number) * _DURATION_UNIT_S[unit] for number, unit in _DURATION_PART.findall(text))
    if not text.strip() or _DURATION_PART.sub("", text) or not math.isfinite(seconds):
        raise ValueError(f"'{text}' is not a duration: write a number with its unit, such as 90s, 10m, 250ms or 1h30m")
    return seconds


def duration_text(seconds: float) -> str:
    """`seconds` for people: `250 ms`, `1.32 s`, `47 s`, `4 min 02 s`, `4 h 00 min`."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 0:
        return "-" + duration_text(-seconds)
    if round(seconds * 1000) < 1000:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 2) < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def parse_clock(text: str) -> float:
    """Seconds after midnight in `06:30` or `06:30:15`; `24:00` is an end, `2d13:00` is 13:00 two days later."""
    match = _CLOCK.fullmatch(text.strip())
    if match:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if minutes < 60 and seconds < 60 and total <= DAY_S:
            return days * DAY_S + total
    raise ValueError(f"'{text}' is not a time of day: write HH:MM, such as 06:30")


def clock_text(seconds_after_midnight: float) -> str:
    """`HH:MM`, wrapped into one day."""
    minutes = round(seconds_after_midnight / 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def moment_text(seconds_after_midnight: float) -> str:
    """As `parse_clock` reads it: `06:30`, `24:00`, and `2d13:00` two days later; with seconds where there are some."""
    whole = round(seconds_after_midnight)
    days = max(0, (whole - 1) // int(DAY_S)) if whole % int(DAY_S) == 0 else whole // int(DAY_S)
    minutes, seconds = divmod(whole - days * int(DAY_S), 60)
    shown = f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    return f"{days}d{shown}" if days else shown


def parse_window(text: str) -> tuple[float, float]:
    """Start and end in seconds after midnight of `08:45..09:15`; the end is later than the start."""
    start_text, dots, end_text = text.partition("..")
    if not dots:
        raise ValueError(f"'{text}' is not a window: write START..END, such as 08:45..09:15")
    start_s, end_s = parse_clock(start_text), parse_clock(end_text)
    if end_s <= start_s:
        raise ValueError(f"'{text}' ends before it starts: write START..END, such as 08:45..09:15")
    return start_s, end_s


def parse_rate(text: str) -> float:
    """Events per second in `20/s`, `90/min` or `600/h`."""
    number, slash, unit = text.strip().partition("/")
    per_s = {"s": 1.0, "min": 60.0, "h": 3600.0}
    if slash and unit in per_s and re.fullmatch(r"\d+(\.\d+)?", number, re.ASCII) and math.isfinite(float(number)):
        return float(number) / per_s[unit]
    raise ValueError(f"'{text}' is not a rate: write a number per s, min or h, such as 20/s")


def parse_bandwidth(text: str) -> float:
    """Bits a second in `10Mbit/s`, `512kbit/s` or `1Gbit/s`; above zero."""
    match = _BANDWIDTH.fullmatch(text.strip())
    bits = float(match[1]) * _BITS[match[2]] if match else 0.0
    if not 0 < bits < math.inf:
        raise ValueError(f"'{text}' is not a bandwidth: write a number of kbit/s, Mbit/s or Gbit/s, such as 10Mbit/s")
    return bits


def parse_share(text: str | float) -> float:
    """A share between 0 and 1 from `20%` or `0.2`."""
    if isinstance(text, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip(), re.ASCII)
        value = float(match[1]) / (100 if match[2] else 1) if match else math.nan
    else:
        value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"'{text}' is not a share: write a percentage from 0% to 100%")
    return value


def parse_factor(text: str) -> float:
    """How many times as much, from `4` or `1.5`; above zero, up to 1,000."""
    match = re.fullmatch(r"\d{1,4}(?:\.\d{1,6})?", text.strip(), re.ASCII)
    factor = float(match[0]) if match else 0.0
    if not 0 < factor <= 1000:
        raise ValueError(f"'{text}' is no number of times: write a number above 0, up to 1000, such as 4 or 1.5")
    return factor


def factor_text(factor: float) -> str:
    """As `parse_factor` reads it: `4`, `1.5`."""
    return f"{factor:.6f}".rstrip("0").rstrip(".")


def count_text(count: int, noun: str, plural: str = "") -> str:
    """`1 site`, `3 sites`, `61,204 requests`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
