"""A run over several hosts: who was cut off is named, clocks that may be apart are not called right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis import analyse
from harness.report.checks import check_bound_text, check_figure_text
from harness.verdict.guidance import next_steps
from harness.verdict.judge import judge

Fabricate = Callable[..., Any]


def worker(name: str, **changes: Any) -> dict[str, Any]:
    clock = {"worker": name, "readings": 3, "offset_s": 0.002, "uncertainty_s": 0.0005, "longest_gap_s": 60.0}
    told = {"name": name, "address": "10.0.0.7", "machine": {}, "indexes": [0], "handed_in": True, "files": 8}
    told |= {"silent_s": 1.1, "load_code": 0, "left": "", "lacking": []}
    clock |= changes.pop("clock", {})
    return {**told, "clock": clock, **changes}


def judged(fabricate: Fabricate, *workers: dict[str, Any], **manifest: Any) -> dict[str, Any]:
    run = fabricate(heads=40)
    run.manifest |= {"clock_offset_s": 0.0, "fleet": {"bind": "10.0.0.1:5556", "workers": workers}, **manifest}
    run_dir, spec = run.write()
    required = json.loads(run_dir.expected.read_bytes())["objectives"]
    return judge(analyse(run_dir, spec), spec, run_dir.read_manifest(), required)


def check(verdict: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in verdict["validity"] if each["check"] == name]
    return found


def test_hosts_that_were_there_all_along_and_agree_pass(fabricate: Fabricate) -> None:
    verdict = judged(fabricate, worker("lake"), worker("hill", clock={"offset_s": -0.01}))
    assert verdict["verdict"] == "pass"
    clock = check(verdict, "clock")
    assert clock["outcome"] == "pass"
    assert (clock["figure"], clock["bound"]) == (0.0105, 0.05)
    assert clock["detail"].startswith("by 6 readings, the clock of hill was 10.0 ms from the leader's, give or take")
    assert (check_figure_text(clock, 1), check_bound_text(clock)) == ("10 ms", "at most 50 ms")


@pytest.mark.parametrize(
    "clock",
    [
        {"offset_s": 0.0501},
        {"offset_s": -0.0501},
        {"offset_s": 0.02, "uncertainty_s": 0.0301},
        {"offset_s": 0.0, "uncertainty_s": 0.051},
        {"offset_s": None, "uncertainty_s": None, "readings": 0},
        {"longest_gap_s": 181.0},
    ],
    ids=str,
)
def test_clocks_that_are_apart_or_may_be_or_that_nobody_compared_make_a_run_invalid(
    fabricate: Fabricate, clock: dict[str, Any]
) -> None:
    verdict = judged(fabricate, worker("lake"), worker("hill", clock=clock))
    assert verdict["verdict"] == "invalid"
    assert [each["check"] for each in verdict["validity"] if each["outcome"] == "fail"] == ["clock"]


def test_50_ms_with_all_doubt_added_are_allowed(fabricate: Fabricate) -> None:
    assert judged(fabricate, worker("hill", clock={"offset_s": 0.045, "uncertainty_s": 0.005}))["verdict"] == "pass"


def test_a_system_clock_that_was_moved_during_the_load_is_found_between_hosts_too(fabricate: Fabricate) -> None:
    verdict = judged(fabricate, worker("lake"), clock_offset_s=-0.2)
    assert check(verdict, "clock")["outcome"] == "fail"
    assert check(verdict, "clock")["figure"] == 0.2


def test_a_worker_that_was_cut_off_is_named_and_how_long(fabricate: Fabricate) -> None:
    verdict = judged(fabricate, worker("lake"), worker("hill", silent_s=12.3))
    assert verdict["verdict"] == "invalid"
    assert [each["check"] for each in verdict["validity"] if each["outcome"] == "fail"] == ["workers"]
    told = check(verdict, "workers")
    assert told["figure"] == 1.0
    assert "hill was cut off from the run's leader for 12 s" in told["detail"]
    assert "lake" not in told["detail"]


def test_where_a_worker_was_cut_off_nobody_says_that_the_server_failed(fabricate: Fabricate) -> None:
    """Whatever was on the line between them may be what was slow."""
    for silent_s, expected in ((1.0, "fail"), (12.0, "invalid")):
        run = fabricate(heads=40)
        run.samples["latency_ms"] *= 20
        run.manifest |= {"fleet": {"bind": "10.0.0.1:5556", "workers": [worker("hill", silent_s=silent_s)]}}
        run_dir, spec = run.write()
        required = json.loads(run_dir.expected.read_bytes())["objectives"]
        assert judge(analyse(run_dir, spec), spec, run_dir.read_manifest(), required)["verdict"] == expected


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"left": "somebody interrupted it (Ctrl-C)"}, "; hill left: somebody interrupted it (Ctrl-C)"),
        ({"handed_in": False, "lacking": ["streams/duty-w1.arrows"]}, "; hill handed in all but 1 file"),
        ({"handed_in": False, "load_code": None}, "; hill handed nothing in"),
        ({"load_code": -9}, "; hill had a load process that ended with code -9"),
    ],
)
def test_one_that_left_or_died_or_whose_files_did_not_come_makes_a_run_invalid_by_name(
    fabricate: Fabricate, changes: dict[str, Any], why: str
) -> None:
    verdict = judged(fabricate, worker("lake"), worker("hill", **changes))
    assert verdict["verdict"] == "invalid"
    assert why in check(verdict, "workers")["detail"]


def test_who_was_turned_away_is_a_note_where_the_run_is_whole(fabricate: Fabricate) -> None:
    fleet = {"bind": "10.0.0.1:5556", "workers": [worker("lake")], "refused": {"late": 2}}
    assert judged(fabricate, fleet=fleet)["verdict"] == "pass"


def test_the_next_command_is_for_several_hosts_too(fabricate: Fabricate) -> None:
    fleet = {"bind": "10.0.0.1:5556", "secret_file": "fleet.secret", "workers": [worker("lake")]}
    run = fabricate(heads=40)
    run.manifest |= {"fleet": fleet, "clock_offset_s": 0.0}
    run_dir, spec = run.write()
    required = json.loads(run_dir.expected.read_bytes())["objectives"]
    analysis = analyse(run_dir, spec)
    steps = next_steps(judge(analysis, spec, run.manifest, required), analysis.summary, run.manifest)
    assert any("--expect-workers 2 --bind 10.0.0.1:5556 --secret-file fleet.secret" in step for step in steps)
