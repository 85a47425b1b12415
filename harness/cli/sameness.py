"""Do two runs differ by chance only? Whatever was chosen to play must be the same, but for the seed.

run 1 ─▶ scenario.yaml ─┐
run 2 ─▶ scenario.yaml ─┴─▶ seed left out ─▶ `duration_s is 60.0 in run 1, 120.0 here`
"""

from __future__ import annotations

from typing import Any, Final

from harness.errors import shortened
from harness.scenario.differences import ABSENT
from harness.scenario.differences import differences as differences_between
from harness.scenario.greedy import other_than_planned
from harness.scenario.model import RunSpec

__all__ = ["differences"]

_SHOWN: Final = 3
"""Differences that are spelled out; the rest is counted."""
_LONGEST: Final = 40
"""Characters of a value that is shown."""
_WORDS: Final = {"duration_s": "--duration, in seconds,", "window": "--window, in seconds of the day,"}
"""Names of fields as whoever gave the command knows them."""


def differences(first: RunSpec, first_server: str, other: RunSpec, other_server: str) -> list[str]:
    """What `other` plays otherwise than `first`, seed apart, each as `path is … in run 1, … here`; the first few, then
    how many more. A server is told by its software: the address of a sandbox is a new one each time."""
    if first.scenario.name != other.scenario.name:
        return [_told("scenario", first.scenario.name, other.scenario.name)]
    if len(first.sites) != len(other.sites):
        return [_told("the number of sites", len(first.sites), len(other.sites))]
    both = [
        {**spec.model_dump(mode="json", exclude={"seed"}), "greedy": other_than_planned(spec.greedy)}
        for spec in (first, other)
    ]
    found = [_told(*difference) for difference in differences_between(both[0], both[1])]
    if first_server != other_server:
        found.append(_told("the server's software", first_server, other_server))
    more = len(found) - _SHOWN
    return found[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])


def _told(path: str, first: Any, other: Any) -> str:
    return f"{_WORDS.get(path, path)} is {_value(first)} in run 1, {_value(other)} here"


def _value(value: Any) -> str:
    return "not set" if value is ABSENT or value in (None, "", [], {}) else shortened(str(value), _LONGEST)
