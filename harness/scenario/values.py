"""The kinds of values that a scenario's models are made of: names, sources, shares, times of day, daily steps."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from harness.units import DAY_S, clock_text

__all__ = [
    "DAYS_AT_MOST",
    "Clock",
    "Curve24",
    "Factor",
    "HeaderName",
    "Model",
    "Name",
    "Share",
    "Source",
    "Span",
    "Steps24",
    "Text",
    "TimeZone",
    "Weight",
    "in_order",
    "is_span",
    "one_is_drawn",
]

DAYS_AT_MOST: Final = 14
"""A timeline is days, not seasons; a longer one is a slip of the pen."""


class Model(BaseModel):
    """Frozen, and no key that the model does not know."""

    # Built when first used: most models are only ever parts of Scenario or RunSpec, and building them all takes 20 ms.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def _is_source(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty source")
    return text.strip()


def _is_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"'{text}' is no name: write small letters, digits and single hyphens, such as 'north-clinic'")
    return text


def _is_header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError(f"'{text}' is not a header's name: write letters, digits and hyphens, such as X-Site")
    return text


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError("time_zone", "unknown time zone '{name}'", {"name": name}) from error
    return name


def is_span(span: tuple[float, float]) -> tuple[float, float]:
    """Raises ValueError unless the span ends after it starts."""
    if span[1] <= span[0]:
        raise ValueError("it ends before it starts: write START..END, such as 06:30..10:30")
    return span


def one_is_drawn(weights: dict[str, float]) -> dict[str, float]:
    """Raises ValueError where all weights are zero."""
    if not any(weights.values()):
        raise ValueError("weights are all zero: give at least one a weight above 0")
    return weights


def in_order(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Raises ValueError unless there are two points or more, in strictly rising time."""
    if len(points) < 2:
        raise ValueError("a curve needs at least two points")
    return _rising(points)


def _rising(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    for (earlier_s, _), (later_s, _) in pairwise(points):
        if later_s <= earlier_s:
            raise PydanticCustomError(
                "out_of_order",
                "the curve is out of order: {later} stands after {earlier}",
                {"later": clock_text(later_s), "earlier": clock_text(earlier_s)},
            )
    return points


def _within_a_day(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if points and points[-1][0] > DAY_S:
        raise ValueError(f"{clock_text(points[-1][0])} is not within a day: it repeats daily, from 00:00 to 24:00")
    return points


Text = Annotated[str, AfterValidator(str.strip)]
Source = Annotated[str, AfterValidator(_is_source)]
Name = Annotated[str, AfterValidator(_is_name)]
"""Names become folder names, tags and header values, so they are plain."""
HeaderName = Annotated[str, AfterValidator(_is_header_name)]
TimeZone = Annotated[str, AfterValidator(_is_zone)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
"""Only how weights compare matters; far larger ones would overflow where they are summed and multiplied."""
Factor = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Clock = Annotated[float, Field(ge=0, le=DAYS_AT_MOST * DAY_S)]
"""Seconds after the first local midnight by wall clock and calendar: 24 h a day, whatever daylight saving does."""
Span = Annotated[tuple[Clock, Clock], AfterValidator(is_span)]
Curve24 = Annotated[tuple[tuple[Clock, Factor], ...], AfterValidator(in_order), AfterValidator(_within_a_day)]
"""(time of day, factor), straight between the points, repeating daily."""
Steps24 = Annotated[tuple[tuple[Clock, Factor], ...], AfterValidator(_rising), AfterValidator(_within_a_day)]
"""(time of day, factor from then on), repeating daily: before the first step the last one's factor holds."""
