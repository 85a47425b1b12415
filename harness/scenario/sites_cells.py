"""What may stand in a cell of a sites file; each reader raises ValueError with a sentence that says what is allowed."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter, ValidationError

from harness.scenario.values import Name, TimeZone
from harness.scenario.zones import zone_help
from harness.units import DAY_S, parse_duration

__all__ = ["factor_in", "name_in", "offset_in", "whole_in", "zone_in"]

_NAMES: Final = TypeAdapter(Name)
_ZONES: Final = TypeAdapter(TimeZone)


def name_in(text: str) -> str:
    """A plain name, such as north-clinic."""
    return _valid(_NAMES, text)


def zone_in(text: str) -> str:
    """A time zone by its name in the IANA data base."""
    try:
        return _valid(_ZONES, text)
    except ValueError as error:
        raise ValueError(f"unknown time zone '{text}': {zone_help(text)}") from error


def _valid(kind: TypeAdapter[str], text: str) -> str:
    """Raises ValueError with the model's own sentence."""
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def offset_in(text: str) -> float:
    """Seconds, a day at most."""
    seconds = parse_duration(text)
    if seconds > DAY_S:
        raise ValueError(f"'{text}' is more than a day: write a time such as 30m")
    return seconds


def factor_in(text: str) -> float:
    """A number above 0, 100 at most."""
    number = float(text) if text.replace(".", "", 1).isdecimal() and text.isascii() else 0.0
    if not 0 < number <= 100:
        raise ValueError(f"'{text}' is no factor: write a number above 0, such as 1.2")
    return number


def whole_in(text: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    digits = text.isascii() and text.isdigit() and len(text) < 20
    if digits and least <= int(text) <= most:
        return int(text)
    raise ValueError(f"'{text}' is not a count: write a whole number from {least} to {most:,}")
