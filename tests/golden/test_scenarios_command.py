"""`emrload scenarios`: its list, and all that the morning rush says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Golden = Callable[[str, str], None]


def test_the_list(emrload: Callable[..., Any], golden: Golden) -> None:
    told = emrload("scenarios")
    assert told.code == 0
    golden("scenarios-list.txt", told.out)


def test_one_scenario_in_80_columns(emrload: Callable[..., Any]) -> None:
    told = emrload("scenarios", "morning-rush")
    assert told.code == 0
    assert max(len(line) for line in told.out.splitlines()) <= 80
    assert "\x1b" not in told.out
    # The frame, the axis and the end of the text, and a figure of each part beside its source.
    for part in (
        "100%┤",
        "08:30",
        "PMC6371331",
        "24 of 80 at a clinic",
        "p95 ≤ 1.00 s",
        "next  emrload plan morning-rush",
    ):
        assert part in told.out


def test_the_list_for_programs(emrload: Callable[..., Any]) -> None:
    (only,) = json.loads(emrload("scenarios", "--json").out)
    assert only["name"] == "morning-rush"
    assert only["lasts_s"] == 4 * 3600


def test_one_scenario_for_programs(emrload: Callable[..., Any]) -> None:
    scenario = json.loads(emrload("scenarios", "morning-rush", "--json").out)
    assert scenario["templates"]["clinic"]["peak"] == 80
    assert scenario["personas"]["nurse"]["think"]["source"]
