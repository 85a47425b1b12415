"""Time zones by their names in the IANA data base, and which of them somebody meant who wrote another word."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import available_timezones

from harness.scenario.suggest import meant

__all__ = ["zone_help"]

_HOW: Final = "a zone is named Area/City as in the IANA data base, such as America/New_York, or UTC"
_CITIES: Final = {
    "America/New_York": "EST EDT ET EASTERN",
    "America/Chicago": "CST CDT CT CENTRAL",
    "America/Denver": "MST MDT MT MOUNTAIN",
    "America/Los_Angeles": "PST PDT PT PACIFIC",
    "America/Anchorage": "AKST AKDT AKT ALASKA",
    "Pacific/Honolulu": "HST HDT HAST HADT HAWAII",
}
_SPOKEN: Final = {word: zone for zone, words in _CITIES.items() for word in words.split()}
"""As people of the United States say it. The data base has some of these words too, without daylight saving."""


def zone_help(text: str) -> str:
    """How a zone is named, after the one that is probably meant by `text`."""
    first = re.match(r"[A-Za-z]*", text.strip())
    spoken = _SPOKEN.get(first[0].upper(), "") if first and "/" not in text else ""
    close = spoken or meant(text.strip(), [*sorted(filter(_is_place, available_timezones())), "UTC"])
    return f"did you mean '{close}'?  {_HOW}" if close else _HOW


def _is_place(zone: str) -> bool:
    return "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
