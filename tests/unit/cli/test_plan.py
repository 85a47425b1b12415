"""`emrload plan` for programs: its JSON agrees with the plan, its picture is one, its last line can be typed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from harness.cli.plan_figure import reference_site
from harness.cli.program import run_program
from harness.plan import compile_plan
from harness.scenario import load_scenario, resolve
from harness.scenario.model import RunSpec

RUSH = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run_program(["plan", *arguments]) == 0
    return capsys.readouterr().out


def spec(**more: Any) -> RunSpec:
    return resolve(load_scenario(RUSH), **{"seed": 1, **more})


def test_the_json_names_the_same_roster_as_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    figures = json.loads(
        told(capsys, RUSH, "--sites", "3", "--duration", "2m", "--seed", "7", "--workers", "2", "--json")
    )
    plan = compile_plan(spec(sites=3, seed=7, duration_s=120.0))
    assert figures["roster_digest"] == plan.roster_digest
    assert (figures["length_s"], figures["time_lapse"], figures["rehearsal"]) == (120.0, 120.0, True)
    assert [sum(site["heads"].values()) for site in figures["sites"]] == [12, 12, 12]
    assert {worker for site in figures["sites"] for worker in site["workers"]} == {0, 1}
    assert max(figures["network_on_duty"]["heads"]) == figures["peak_on_duty"]
    assert sum(cell["requests"] for cell in figures["requests"]) > 0
    assert {"id": "network-p95", "scope": {}, "required": True}.items() <= figures["objectives"][0].items()


def test_workers_change_nothing_but_who_plays(capsys: pytest.CaptureFixture[str]) -> None:
    one, four = (json.loads(told(capsys, RUSH, "--workers", workers, "--json")) for workers in ("1", "4"))
    assert one["roster_digest"] == four["roster_digest"]


def test_the_picture_is_a_png(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "heads.png"
    assert f"picture  {path}" in told(capsys, RUSH, "--duration", "2m", "--png", str(path))
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (1500, 750)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sites", "4", "--duration", "90s", "--seed", "7", "--workers", "2"],
        ["--window", "08:45..09:15:30", "--set", "story=a b's"],
        ["--duration", "1h"],
        ["--duration", "7m"],
        ["--duration", "1500ms"],
    ],
)
def test_the_next_command_plays_what_was_planned(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    last = told(capsys, RUSH, *arguments).splitlines()[-1]
    label, program, command, *again = shlex.split(last)
    assert (label, program, command) == ("next", "emrload", "run")
    first, second = (json.loads(told(capsys, *words, "--json")) for words in ([RUSH, *arguments], again))
    assert first == second


def test_the_clock_shown_is_that_of_most_clinicians() -> None:
    one = spec(sites=3)
    later = one.sites[0].model_copy(update={"timeline_offset_s": 3600.0})
    assert reference_site(compile_plan(one.model_copy(update={"sites": (later, *one.sites[1:])}))) == one.sites[1].name


def test_a_stretched_timeline_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, RUSH, "--sites", "1", "--duration", "8h")
    assert "time lapse  0.5×: the curve is stretched" in text
    assert "rehearsal" not in text
