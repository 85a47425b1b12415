"""`emrload scenarios`: its list, and all that the morning rush says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Golden = Callable[[str, str], None]
MINE = """
name: mine
title: One of each
story: Two days at two sites.
date: 2026-11-10
timeline: 08:00..2d00:00
plays: 1d09:00..1d10:00
connect_timeout: 5s
answer_timeout: 30s
first_byte_timeout: 10s
max_open_in_flight: 500
sources:
  {
    timeline: a test,
    plays: a test,
    default_sites: a test,
    connect_timeout: a test,
    answer_timeout: a test,
    first_byte_timeout: a test,
    max_open_in_flight: a test,
  }
default_sites: 2
sites:
  - template: house
    weight: 1
    time_zone: UTC
    start_offset: 15m
    endpoint: https://ehr.example.org/fhir
    source_address: 10.0.0.7
    identifier_system: urn:oid:2.16.840.1.1
    think_factor: 1.2
    order: {find-history: [visits]}
    bounds: {site-p95: 2s}
    source: a test
site_names: [river, lake]
phases: {busy: {time: 08:00..1d12:00, emphasis: {reader: {find-history: 2}}, source: a test}}
objectives: {site-p95: shared}
links:
  wire:
    title: A wire
    round_trip: 20ms
    jitter: 2ms
    bandwidth: 10Mbit/s
    loss: 0.1%
    outages: [09:00..09:05]
    shared: true
    source: a test
templates:
  house:
    title: House
    peak: 10
    patients: 10
    mix: {reader: 8, writer: 2}
    opening: 07:00..18:00
    link: wire
    order: {find-history: [results]}
    shifts: {reader: {night: {time: 22:00..06:00, share: 50%, arrive: 10m, linger: 5m, source: a test}}}
    arrivals: {messenger: {rate: 2/min, source: a test}}
    experience: {novice: {share: 25%, think_factor: 2, source: a test}}
    source: a test
curves: {writer: {points: {08:00: 0%, 1d08:00: 100%, 2d00:00: 0%}, source: a test}}
personas:
  reader:
    title: Reader
    think: {mean: 10s, sigma: 0.5, source: a test}
    between: {mean: 20s, sigma: 0.5, source: a test}
    on_arrival: [sign-on]
    patience: {gives_up: 30s, back_entry: 10m, source: a test}
    workflows:
      find-history: {weight: 3, by_hour: {00:00: 0.5, 08:00: 2}, source: a test}
      write-note: {weight: 1, source: a test}
    anchors:
      too-many: {measure: actions_per_h, low: 900, high: 1000, source: a test}
      nearly: {measure: run_s, of: [find-history], low: 52.5, high: 52.5, source: a test}
      well: {measure: time_share, low: 0.5, high: 0.9, source: a test}
    source: a test
  writer:
    title: Writer
    think: {mean: 10s, sigma: 0.5, source: a test}
    between: {mean: 20s, sigma: 0.5, source: a test}
    patience: {gives_up: 30s, source: a test}
    workflows: {write-note: {weight: 1, source: a test}}
    source: a test
  messenger:
    title: Messenger
    think: {mean: 0s, sigma: 0, source: a test}
    between: {mean: 0s, sigma: 0, source: a test}
    workflows: {results-message: {weight: 1, source: a test}}
    source: a test
"""


def test_the_list(emrload: Callable[..., Any], golden: Golden) -> None:
    told = emrload("scenarios")
    assert told.code == 0
    golden("scenarios/list.txt", told.out)


@pytest.mark.parametrize("name", ["month-end", "morning-rush", "shift-change"])
def test_every_scenario_fits_into_80_columns(name: str, emrload: Callable[..., Any]) -> None:
    told = emrload("scenarios", name)
    assert told.code == 0
    assert max(len(line) for line in told.out.splitlines()) <= 80


def test_one_scenario_in_80_columns(emrload: Callable[..., Any]) -> None:
    told = emrload("scenarios", "morning-rush")
    assert told.code == 0
    assert "\x1b" not in told.out
    # The frame, the axis and the end of the text, and a figure of each part beside its source.
    for part in (
        "100%┤",
        "08:30",
        "PMC6371331",
        "nurse: 138",
        "night 19:00..07:00    62%: 86    come within 15 min, leave within 10 min",
        "ed-arrival: come by themselves, 6/h",
        "10% novices",
        "open 06:30..20:00",
        "on_arrival       sign-on, then handover",
        "gives up after 1 min 00 s, done again 15 min 00 s later",
        "p95 ≤ 1.00 s",
        "next  emrload plan morning-rush",
    ):
        assert part in told.out


def test_the_list_for_programs(emrload: Callable[..., Any]) -> None:
    found = {one["name"]: one for one in json.loads(emrload("scenarios", "--json").out)}
    assert list(found) == ["month-end", "morning-rush", "shift-change"]
    assert found["month-end"]["lasts_s"] == 3 * 86_400
    assert found["month-end"]["plays"] == ["2d13:00", "2d17:00"]


def test_what_a_scenario_of_ones_own_adds_is_shown(emrload: Callable[..., Any], golden: Golden, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE, encoding="utf-8")
    told = emrload("scenarios", "mine.yaml")
    assert (told.code, told.err) == (0, "")
    golden("scenarios/mine.txt", told.out)


def test_a_persona_beside_published_figures(emrload: Callable[..., Any], golden: Golden, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE, encoding="utf-8")
    told = emrload("scenarios", "mine.yaml", "--personas")
    assert (told.code, told.err) == (0, "")
    golden("scenarios/mine-personas.txt", told.out)


def test_every_shipped_persona_stands_beside_its_figures(emrload: Callable[..., Any]) -> None:
    told = emrload("scenarios", "--personas")
    assert told.code == 0
    assert "Radiologist (radiologist): 1,006 actions and 1,006 requests an hour" in told.out
    assert "seconds-an-order  8–23.7 s a run   modelled 18.7  within" in told.out
    assert max(len(line) for line in told.out.splitlines()) <= 80


def test_the_personas_for_programs(emrload: Callable[..., Any]) -> None:
    found = {one["name"]: one for one in json.loads(emrload("scenarios", "--personas", "--json").out)}
    assert len(found) == 17
    nurse = found["nurse"]
    assert sum(one["share_of_runs"] for one in nurse["workflows"]) == pytest.approx(1)
    (entries,) = nurse["anchors"]
    assert (entries["low"], entries["high"], entries["off_by"]) == (53, 73, 0)
    assert found["walk-in"]["comes"] == "as arrivals"


def test_one_scenario_for_programs(emrload: Callable[..., Any]) -> None:
    scenario = json.loads(emrload("scenarios", "morning-rush", "--json").out)
    assert scenario["templates"]["clinic"]["peak"] == 80
    assert scenario["personas"]["nurse"]["think"]["source"]
