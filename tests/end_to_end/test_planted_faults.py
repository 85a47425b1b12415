"""Planted faults: the verdict names them and nothing else; where the generator was at fault, it says invalid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.end_to_end

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"


def test_a_slow_site_is_named_and_the_others_are_not(emrload: Any, sandbox: Any) -> None:
    sandbox.start("--fault", "slow-site:site=hill,delay=3s")
    emrload.seed(sandbox, 5)
    ended = emrload.run("--sites", "5", "--duration", "15s", "--target", sandbox.url)

    assert ended.code == 1, ended.out
    assert [finding["scope"] for finding in ended.findings("slow-site")] == [{"site": "hill"}]
    sites_failing = {one["scope"]["site"] for one in ended.failed_objectives() if "site" in one["scope"]}
    assert sites_failing == {"hill"}
    for other in ("river", "lake", "harbor", "meadow"):
        assert other not in json.dumps(ended.findings("slow-site"))


def test_an_operation_whose_every_fifth_call_fails_is_named(emrload: Any, sandbox: Any) -> None:
    sandbox.start("--fault", "error-rate:every=5,operation=Observation.search")
    emrload.seed(sandbox, 3)
    ended = emrload.run("--sites", "3", "--duration", "15s", "--target", sandbox.url)

    assert ended.code == 1, ended.out
    named = {finding["scope"]["operation"].split("[")[0] for finding in ended.findings("operation-errors")}
    assert named == {"Observation.search"}
    assert "network-errors" in {one["id"] for one in ended.failed_objectives()}


def test_a_generator_that_stood_still_for_two_seconds_makes_the_run_invalid(emrload: Any) -> None:
    def stall(folder: Path, process: subprocess.Popen[str]) -> None:
        load = locust_of(process.pid)
        os.kill(load, signal.SIGSTOP)
        time.sleep(2)
        os.kill(load, signal.SIGCONT)

    ended = emrload.run("--sites", "2", "--duration", "14s", while_running=stall)

    assert ended.code == 3, ended.out
    assert "generator-stall" in ended.failed_checks()
    assert ended.findings("generator-stall")


def test_five_seconds_are_too_short_to_say_anything(emrload: Any) -> None:
    ended = emrload.run("--sites", "3", "--duration", "5s", scenario="morning-rush")

    assert ended.code == 3, ended.out
    assert {"too-short", "enough-samples"} & ended.failed_checks()


def test_ctrl_c_ends_early_keeps_all_samples_and_still_reports(emrload: Any) -> None:
    def interrupt(folder: Path, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)

    ended = emrload.run("--sites", "2", "--duration", "60s", while_running=interrupt)

    assert ended.code == 3, ended.out
    assert ended.manifest["state"] == "aborted"
    assert ended.verdict["verdict"] == "invalid"
    assert (ended.folder / "report.html").exists()
    last = ended.table("health").sort_values("time_s").groupby("worker").last()
    assert last.started.sum() == last.finished.sum() == len(ended.table("samples")) >= 20
    assert set(ended.table("duty").reason) <= {"closed", "slot_end"}


def test_ctrl_c_twice_stops_at_once_and_what_is_there_can_be_reported(emrload: Any) -> None:
    def interrupt_twice(folder: Path, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGINT)
        while is_pending(process.pid, signal.SIGINT):  # a second one on top of it would be lost
            time.sleep(0.01)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)

    ended = emrload.run("--sites", "2", "--duration", "2m", while_running=interrupt_twice)

    assert ended.code == 3, ended.out
    assert ended.table("samples").start_s.max() < 60  # on the run's own clock
    assert ended.manifest["state"] == "aborted"
    assert len(ended.table("samples")) >= 20
    rendered = emrload.call("report", str(ended.folder))
    assert rendered.returncode == 0, rendered.stderr
    assert ended.verdict["verdict"] == "invalid"


def is_pending(pid: int, number: signal.Signals) -> bool:
    """The signal was sent and has not reached the process yet."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def locust_of(parent: int) -> int:
    """The load process below `emrload run`."""
    rows = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return next(int(row.split()[0]) for row in rows if row.split()[1] == str(parent) and "-m locust" in row)


def test_who_waits_too_long_gives_up_and_enters_it_later(emrload: Any, sandbox: Any) -> None:
    """At the slow site only; who gave up a reading task has nothing to enter."""
    patient = "    patience: {gives_up: 1s, back_entry: 2s, source: assumption (a test)}\n"
    nurse = "    source: assumption (a test's nurse)\n"
    text = QUICK.read_text()
    assert nurse in text
    (emrload.folder / "impatient.yaml").write_text(text.replace(nurse, patient + nurse))
    sandbox.start("--fault", "slow-site:site=hill,delay=1500ms")
    emrload.seed(sandbox, 3)
    ended = emrload.run("--sites", "3", "--duration", "15s", "--target", sandbox.url, scenario="impatient.yaml")

    assert ended.code == 1, ended.out
    workflows = ended.table("workflows")
    given_up = workflows[workflows.outcome == "abandoned"]
    assert set(zip(given_up.site, given_up.persona, strict=True)) == {("hill", "nurse")}
    again = workflows[workflows.back_entry]
    assert set(again.workflow) <= set(given_up.workflow)
    assert set(again.site) == {"hill"}
    assert len(again) > 0
    (finding,) = ended.findings("abandoned-work")
    assert "hill" in json.dumps(finding)
    assert not any(other in json.dumps(finding) for other in ("river", "lake"))
