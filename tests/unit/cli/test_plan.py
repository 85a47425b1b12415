"""`emrload plan` for programs: its JSON agrees with the plan, its picture is one, its last line can be typed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harness.cli.options import Choice
from harness.cli.plan_figure import legend_columns, reference_site
from harness.cli.preparing import Preparation
from harness.cli.program import run_program
from harness.control import destinations_of
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
        ["--duration", "90500ms"],
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
    west = one.sites[0].model_copy(update={"time_zone": "America/Denver"})
    assert reference_site(compile_plan(one.model_copy(update={"sites": (west, *one.sites[1:])}))) == one.sites[1].name


def test_a_stretched_timeline_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, RUSH, "--sites", "1", "--duration", "8h")
    assert "time lapse  0.5×: the curve is stretched" in text
    assert "rehearsal" not in text


def test_a_run_that_no_verdict_can_come_of_is_told_beforehand_and_a_longer_one_proposed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = " ".join(told(capsys, RUSH, "--sites", "1", "--duration", "5s").split())
    expected, enough = re.search(r"(\d+) samples expected, 299 needed; always, for the network", text), _proposed(text)
    assert expected is not None
    assert int(expected[1]) < 299
    assert (
        f"this run is likely to be INVALID: network-errors has {expected[1]} samples to expect, and 299 are needed"
        in text
    )
    longer = told(capsys, RUSH, "--sites", "1", "--duration", enough)
    assert "INVALID" not in longer
    assert _proposed(longer) == enough


def test_a_run_says_before_its_load_that_no_verdict_can_come_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    for duration_s, warned in ((5.0, True), (120.0, False)):
        where = destinations_of(spec(sites=1, duration_s=duration_s), None)
        Preparation(where, Choice(RUSH), 1).announce()
        told_before = capsys.readouterr().err
        assert ("warning  this run is likely to be INVALID: network-errors has" in told_before) is warned


def test_a_window_that_is_too_short_is_made_longer_within_the_timeline(capsys: pytest.CaptureFixture[str]) -> None:
    last = told(capsys, RUSH, "--sites", "1", "--window", "10:29:50..10:30").splitlines()[-1]
    start, _, end = last.partition("--window ")[2].partition("..")
    assert (start < "10:29:50", end) == (True, "10:30")


def test_bounds_that_sites_have_of_their_own_are_shown_from_the_tightest_to_the_widest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sites = tmp_path / "sites.csv"
    sites.write_text("name,template,time_zone,site-p95\na,small-clinic,UTC,800ms\nb,small-clinic,UTC,3s\n")
    text = told(capsys, RUSH, "--sites-file", str(sites))
    assert "p95 ≤ 800 ms to 3.00 s, each its own" in text


def _proposed(text: str) -> str:
    found = re.search(r"--duration (\S+)", text)
    assert found is not None
    return found[1]


def test_the_picture_is_not_wider_than_its_axes() -> None:
    """However long the names of personas are: the legend stands within the picture."""
    figure = Figure(figsize=(10, 5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name in ("all", "primary-care-physician", "emergency-physician", "registration-clerk", "nurse", "hospitalist"):
        axes.plot([0, 1], label=name)
    legend = axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=legend_columns(axes), frameon=False)
    figure.draw_without_rendering()
    inside, outside = legend.get_window_extent(), axes.get_window_extent()
    assert (inside.x0 >= outside.x0, inside.x1 <= outside.x1) == (True, True)


def test_one_word_counts_one_thing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, RUSH, "--sites", "3", "--window", "08:45..09:15").splitlines()
    at_all_sites = next(line.split() for line in lines if line.startswith("all sites"))
    assert f": {at_all_sites[2]} clinicians at 3 sites" in lines[0]
    assert "clinicians   on duty at peak" in next(line for line in lines if line.startswith("sites  "))
    assert "heads at small-clinics   on duty at peak" in next(line for line in lines if line.startswith("personas"))
