"""What somebody reads whose scenario is wrong: every problem at once, each with its line and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = """\
name: mine
title: My clinic
story: A quiet morning.
date: 2026-11-10
timeline: 06:30..10:30
connect_timeout: 5s
answer_timeout: 30s
sources: {timeline: assumption, default_sites: assumption, connect_timeout: assumption, answer_timeout: assumption}
default_sites: 2
sites:
  - template: small
    weight: 1
    time_zone: America/New_York
    source: assumption
site_names: [north, south]
templates:
  small:
    title: Small clinic
    peak: 10
    mix: {nurse: 6, clerk: 4}
    patients: 20
    source: assumption
personas:
  clerk:
    title: Clerk
    think: {mean: 45s, sigma: 0.5, source: assumption}
    between: {mean: 60s, sigma: 0.5, source: assumption}
    workflows:
      check-in: {weight: 3, source: assumption}
      find-patient: {weight: 1, source: assumption}
    source: assumption
curves:
  nurse:
    points:
      06:30: 20%
      08:00: 70%
      10:30: 85%
    source: assumption
  clerk: {points: {06:30: 50%, 10:30: 100%}, source: assumption}
phases:
  clinics-open:
    time: 08:00..09:00
    emphasis: {clerk: {check-in: 2}}
    source: assumption
objectives:
  site-p95: shared
  mine:
    scope: network
    error_rate: 1%
    required: true
    source: requirement
"""

SITE = "    weight: 1\n"
PATIENTS = "    patients: 20\n"
CLERK = "    title: Clerk\n"
VISITS = "measure: runs_per_h, source: a study"
SHIFT = "time: 07:00..19:00, share: 100%, arrive: 15m, linger: 30m, source: assumption"
SOURCES = next(line for line in GOOD.splitlines() if line.startswith("sources:"))

WRONG: dict[str, list[tuple[str, str]]] = {
    "unknown-persona": [("mix: {nurse: 6, clerk: 4}", "mix: {nurze: 6, clerk: 4}")],
    "unknown-template": [("template: small", "template: smal")],
    "unknown-key": [("    patients: 20", "    patiens: 20")],
    "unknown-key-at-the-top": [("default_sites: 2", "default_sitse: 2")],
    "unknown-workflow": [("      find-patient:", "      find-pateint:")],
    "unknown-time-zone": [("America/New_York", "America/New_Yorc")],
    "unknown-locale": [("    weight: 1\n", "    weight: 1\n    locale: en_USA\n")],
    "unknown-shared-objective": [("site-p95: shared", "sites-p95: shared")],
    "unknown-scope": [("scope: network", "scope: each-sight")],
    "unknown-phase-persona": [("emphasis: {clerk:", "emphasis: {clark:")],
    "phase-workflow-of-another": [("{check-in: 2}", "{medication-pass: 2}")],
    "weights-all-zero": [("mix: {nurse: 6, clerk: 4}", "mix: {nurse: 0, clerk: 0}")],
    "weight-negative": [("{nurse: 6, clerk: 4}", "{nurse: -6, clerk: 4}")],
    "weight-not-a-number": [("weight: 3", "weight: .nan")],
    "curve-out-of-order": [("      08:00: 70%\n      10:30: 85%", "      10:30: 85%\n      08:00: 70%")],
    "curve-over-100-percent": [("70%", "170%")],
    "curve-too-short": [("10:30: 85%", "10:00: 85%")],
    "curve-missing": [("  clerk: {points: {06:30: 50%, 10:30: 100%}, source: assumption}\n", "")],
    "phase-outside-the-timeline": [("time: 08:00..09:00", "time: 08:00..11:00")],
    "duration-without-unit": [("mean: 45s", "mean: 45")],
    "the-models-own-name": [("mean: 45s", "mean_s: 45")],
    "site-without-a-template": [("  - template: small\n    weight", "  - weight")],
    "source-missing": [("    patients: 20\n    source: assumption", "    patients: 20")],
    "source-empty": [("    required: true\n    source: requirement", "    required: true\n    source: ''")],
    "source-of-the-scenarios-own-figure": [("connect_timeout: assumption, ", "")],
    "key-twice": [("default_sites: 2", "default_sites: 2\ndefault_sites: 3")],
    "objective-without-a-bound": [("    error_rate: 1%\n", "")],
    "workflow-metric-of-an-operation": [
        ("scope: network\n    error_rate: 1%", "scope: each-operation\n    waited_p95: 1s")
    ],
    "shifts-of-nobody": [(PATIENTS, f"{PATIENTS}    shifts: {{nurze: {{day: {{{SHIFT}}}}}}}\n")],
    "shift-without-an-end": [
        (PATIENTS, f"{PATIENTS}    shifts: {{nurse: {{day: {{{SHIFT.replace('..19:00', '')}}}}}}}\n")
    ],
    "shift-longer-than-a-day": [
        (PATIENTS, f"{PATIENTS}    shifts: {{nurse: {{day: {{{SHIFT.replace('19:00', '07:00')}}}}}}}\n")
    ],
    "opening-overnight": [(PATIENTS, f"{PATIENTS}    opening: 22:00..04:00\n")],
    "opening-of-another-day": [(PATIENTS, f"{PATIENTS}    opening: 5d07:00..5d18:00\n")],
    "date-of-ages": [("date: 2026-11-10", "date: 9999-12-25")],
    "weight-of-ages": [("weight: 3", "weight: 1e308")],
    "unknown-persona-of-arrivals": [
        (PATIENTS, f"{PATIENTS}    arrivals: {{walk-on: {{rate: 3/h, source: assumption}}}}\n")
    ],
    "arrivals-without-unit": [(PATIENTS, f"{PATIENTS}    arrivals: {{walk-in: {{rate: 3, source: assumption}}}}\n")],
    "curve-of-an-arrival": [
        (PATIENTS, f"{PATIENTS}    arrivals: {{walk-in: {{rate: 3/h, source: assumption}}}}\n"),
        ("curves:\n", "curves:\n  walk-in: {points: {06:30: 50%, 10:30: 100%}, source: assumption}\n"),
    ],
    "curve-of-one-day-in-two": [
        ("timeline: 06:30..10:30", "timeline: 06:30..1d10:30"),
        ("06:30: 50%, 10:30: 100%", "06:30: 50%, 1d08:00: 100%"),
    ],
    "plays-outside-the-timeline": [(SOURCES, "plays: 10:00..11:00\n" + SOURCES.replace("{", "{plays: assumption, "))],
    "plays-without-a-source": [(SOURCES, f"plays: 08:00..09:00\n{SOURCES}")],
    "phase-of-another-day": [
        ("timeline: 06:30..10:30", "timeline: 06:30..1d10:30"),
        ("time: 08:00..09:00", "time: 1d10:00..1d11:00"),
    ],
    "unknown-workflow-on-arrival": [(CLERK, f"{CLERK}    on_arrival: [sing-on]\n")],
    "anchor-of-what-she-never-does": [
        (
            CLERK,
            f"{CLERK}    anchors: {{visits: {{of: [chek-in], low: 2, high: 3, {VISITS}}}}}\n",
        )
    ],
    "anchor-upside-down": [(CLERK, f"{CLERK}    anchors: {{visits: {{low: 3, high: 2, {VISITS}}}}}\n")],
    "order-of-an-unknown-workflow": [(PATIENTS, f"{PATIENTS}    order: {{find-histery: [results]}}\n")],
    "order-of-unknown-steps": [(PATIENTS, f"{PATIENTS}    order: {{find-history: [result]}}\n")],
    "order-of-what-has-no-steps": [(SITE, f"{SITE}    order: {{check-in: [results]}}\n")],
    "bound-of-an-unknown-objective": [(SITE, f"{SITE}    bounds: {{site-p59: 2s}}\n")],
    "bound-of-the-network": [(SITE, f"{SITE}    bounds: {{mine: 2%}}\n")],
    "bound-in-another-unit": [(SITE, f"{SITE}    bounds: {{site-p95: 2%}}\n")],
    "bound-without-unit": [(SITE, f"{SITE}    bounds: {{site-p95: 2}}\n")],
    "unknown-link": [(SITE, f"{SITE}    link: rural-dls\n"), (PATIENTS, f"{PATIENTS}    link: fibre\n")],
    "link-with-more-jitter-than-time": [
        (SITE, f"{SITE}    link: own\n"),
        ("phases:\n", "links: {own: {title: Own, round_trip: 10ms, jitter: 20ms, source: measured}}\nphases:\n"),
    ],
    "endpoint-with-a-password": [(SITE, f"{SITE}    endpoint: https://me:secret@ehr.example.org/fhir\n")],
    "endpoint-with-a-query": [(SITE, f"{SITE}    endpoint: https://ehr.example.org/fhir?tenant=3\n")],
    "endpoint-of-another-scheme": [(SITE, f"{SITE}    endpoint: ftp://ehr.example.org/fhir\n")],
    "source-address": [(SITE, f"{SITE}    source_address: our-gateway\n")],
    "first-byte-after-the-last": [
        ("answer_timeout: 30s\n", "answer_timeout: 30s\nfirst_byte_timeout: 40s\n"),
        (SOURCES, SOURCES.replace("}", ", first_byte_timeout: assumption}")),
    ],
    "identifier-system": [(SITE, f"{SITE}    identifier_system: our mrn\n")],
    "experience-of-more-than-all": [
        (
            PATIENTS,
            f"{PATIENTS}    experience:\n"
            "      novice: {share: 60%, think_factor: 2, source: assumption}\n"
            "      expert: {share: 50%, think_factor: 0.5, source: assumption}\n",
        )
    ],
    "not-a-mapping": [("mix: {nurse: 6, clerk: 4}", "mix: [nurse, clerk]")],
    "several-at-once": [
        ("weight: 1\n", "weight: 1\n    colour: red\n"),
        ("peak: 10", "peak: ten"),
        ("08:00: 70%", "08:00: 7000%"),
        ("time: 08:00..09:00", "time: 09:00..08:00"),
        ("template: small", "template: smal"),
    ],
    "tab": [("    peak: 10", "\tpeak: 10")],
    "bracket-left-open": [("site_names: [north, south]", "site_names: [north, south")],
    "tag": [("story: A quiet morning.", "story: !!python/object/apply:os.system [ls]")],
    "a-list": [(GOOD, "- morning\n- rush\n")],
    "empty": [(GOOD, "# nothing but this\n")],
    "alias-inside-itself": [("site_names: [north, south]", "site_names: &names [north, *names]")],
    "alias-bomb": [
        (
            GOOD,
            "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
        )
    ],
    "nested-too-deep": [("story: A quiet morning.", f"story: {'[' * 500}{']' * 500}")],
}


def edited(changes: list[tuple[str, str]]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_scenario_that_the_others_are_made_from_is_good(emrload: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    assert emrload("scenarios", "mine.yaml")[0] == 0


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_scenario_is_explained(
    name: str, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(edited(WRONG[name]))
    told = emrload("scenarios", "mine.yaml")
    assert told.code == 2
    assert told.out == ""
    golden(f"bad-scenarios/{name}.txt", told.err)


def test_a_file_of_50_mb_is_refused_unread(
    emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    with (tmp_path / "mine.yaml").open("wb") as file:
        file.truncate(50_000_000)
    told = emrload("scenarios", "mine.yaml")
    assert told.code == 2
    golden("bad-scenarios/50-mb.txt", told.err)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"name: mine\x00\x01\x02"], ids=["not UTF-8", "control characters"]
)
def test_a_binary_file_is_refused(
    content: bytes, emrload: Callable[..., Any], golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    told = emrload("scenarios", "mine.yaml")
    assert told.code == 2
    golden("bad-scenarios/binary.txt", told.err)


@pytest.mark.parametrize(
    ("case", "name"), [("unknown-scenario", "mornig-rush"), ("no-such-file", "./mine.yaml"), ("a-folder", "./")]
)
def test_a_scenario_that_is_not_there_is_explained(
    case: str, name: str, emrload: Callable[..., Any], golden: Callable[[str, str], None]
) -> None:
    told = emrload("scenarios", name)
    assert told.code == 2
    golden(f"bad-scenarios/{case}.txt", told.err)
