"""The figure and the bound of a validity check in words and units, so that a row reads without its check's code.

workers    0 workers lost or late      none
too-short  1 min 00 s                  at least 10 s
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.report.wording import MISSING, latency_text, number_text, share_text
from harness.units import count_text

__all__ = ["check_bound_text", "check_figure_text"]

_COUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "required": ("required objective", "required objectives"),
    "arrivals": ("arrival turned away", "arrivals turned away"),
    "workers": ("worker lost or late", "workers lost or late"),
    "started-finished": ("request astray", "requests astray"),
    "samples-written": ("stream broken off", "streams broken off"),
    "own-limits": ("request not sent", "requests not sent"),
    "slots": ("slot not as planned", "slots not as planned"),
}
"""Check → one and several of what it counts."""

_AMONG_REQUIRED: Final[Mapping[str, str]] = {"enough-samples": "undecided", "generator-explains": "in doubt"}
"""Checks that count among the required objectives, and what they count there."""

_APART: Final = frozenset({"littles-law", "closed-loop", "clinician-time", "on-duty"})
"""Checks whose figure is how far two sums are apart."""

_AT_LEAST: Final = frozenset({"too-short", "required"})
_BELOW: Final = frozenset({"generator-stall"})


def check_figure_text(check: Mapping[str, Any], required: int) -> str:
    """The figure of a row of `validity`; `required` is how many objectives the plan required.

    A check that is not known here (a newer verdict's) shows its number and its unit.
    """
    name, value = str(check["check"]), check["figure"]
    if value is None:
        return MISSING
    if name == "completed":
        return "to its end" if not value else "not to its end"
    if name in _AMONG_REQUIRED:
        said = _AMONG_REQUIRED[name]
        return f"{number_text(value)} of {required:,} {said}" if required else "none required"
    if name in _COUNTED:
        return count_text(int(value), *_COUNTED[name])
    figure = f"{_amount(check, value)} {_unit(check)}".strip()
    return f"{figure} apart" if name in _APART else figure


def check_bound_text(check: Mapping[str, Any]) -> str:
    """The bound of a row of `validity`, and on which side of it the figure must be."""
    name, bound = str(check["check"]), check["bound"]
    if name == "completed":
        return "to its end"
    if bound == 0:
        return "none"
    side = "at least" if name in _AT_LEAST else "below" if name in _BELOW else "at most"
    # "of one core" stands at the figure already
    unit = "" if _unit(check).startswith("of ") else _unit(check)
    return f"{side} {_amount(check, bound)} {unit}".strip()


def _amount(check: Mapping[str, Any], value: float) -> str:
    """A number with its own unit; a bound between 0 and 1 is that of a share where no time is meant."""
    if check.get("unit") in ("ms", "s"):
        return latency_text(value * (1000 if check["unit"] == "s" else 1))
    return share_text(value) if 0 < check["bound"] < 1 else number_text(value)


def _unit(check: Mapping[str, Any]) -> str:
    """What is left to say after `_amount`."""
    unit = str(check.get("unit", ""))
    return "" if unit in ("ms", "s") else unit
