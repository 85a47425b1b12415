"""What this machine can generate against what the plan asks for; a self-test that fails is told, and ends nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.fleet import SelfTest, try_generator
from harness.fleet import self_test as module
from harness.report.generator import asks_too_much, self_test_sentence


@pytest.mark.parametrize(
    ("workers", "cpus", "can"),
    [(1, 2.0, 20_000), (2, 2.0, 40_000), (8, 2.0, 40_000), (4, 64.0, 80_000), (1, 0.5, 10_000)],
)
def test_each_load_process_keeps_one_cpu_busy_and_no_more(workers, cpus, can):
    tried = SelfTest(20_000.0, workers, cpus, 5000.0)
    assert tried.can_generate_per_s == can
    assert tried.share == 5000 / can


def test_the_manifest_has_every_figure():
    assert SelfTest(20_123.456, 1, 2.0, 52.123456).to_manifest() == {
        "requests_per_cpu_s": 20123.5,
        "workers": 1,
        "cpus": 2.0,
        "can_generate_per_s": 20123.5,
        "planned_peak_per_s": 52.1235,
        "share": 0.00259,
    }


def test_a_figure_that_is_not_known_is_none_and_the_reason_stands_beside_it():
    told = SelfTest(None, 1, 2.0, 52.0, "no port").to_manifest()
    assert (told["requests_per_cpu_s"], told["can_generate_per_s"], told["share"]) == (None, None, None)
    assert told["failed"] == "no port"


def test_this_machine_can_generate_something_and_a_plan_beyond_it_is_warned_of(tmp_path: Path):
    log = tmp_path / "self-test.log"
    tried = try_generator(log, 1, 1e9)
    while tried.failed.startswith("it was not done"):  # so busy is the machine that runs the tests
        tried = try_generator(log, 1, 1e9)
    assert not tried.failed
    assert tried.requests_per_cpu_s is not None
    assert tried.requests_per_cpu_s > 500
    assert log.read_text() == ""
    told = tried.to_manifest()
    assert asks_too_much(told)
    assert "on a machine with more or faster CPUs" in self_test_sentence(told)
    assert not asks_too_much(told | {"planned_peak_per_s": 1.0, "share": 1.0 / told["can_generate_per_s"]})


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('no port is free')", "no port is free"),
        ("import sys; sys.exit(7)", "it ended with code 7"),
        ("print('[]')", "it answered nonsense (TypeError)"),
        ('print(\'{"requests": 5, "cpu_s": 0}\')', "it answered nonsense (ZeroDivisionError)"),
        ("import time; time.sleep(60)", "it was not done after 0.5 s"),
    ],
)
def test_a_self_test_that_fails_is_told_with_its_reason(program, why, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_COMMAND", (sys.executable, "-c", program))
    monkeypatch.setattr(module, "WITHIN_S", 0.5 if "sleep" in program else 60.0)
    tried = try_generator(tmp_path / "self-test.log", 2, 52.0)
    assert (tried.requests_per_cpu_s, tried.failed) == (None, why)
    assert f"the self-test failed ({why})" in self_test_sentence(tried.to_manifest())


def test_a_program_that_cannot_be_started_is_a_failed_self_test_too(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_COMMAND", (str(tmp_path / "nothing"),))
    assert "No such file" in try_generator(tmp_path / "self-test.log", 1, 52.0).failed


def test_whoever_is_killed_meanwhile_leaves_nothing_but_beside_the_log(tmp_path: Path, monkeypatch):
    made: list[str] = []
    monkeypatch.setattr(module, "_COMMAND", (sys.executable, "-c", "import sys; print(sys.argv[1])"))
    monkeypatch.setattr(module.json, "loads", lambda out: made.append(out.decode().strip()) or {})
    try_generator(tmp_path / "self-test.log", 1, 1.0)
    assert Path(made[0]).parent == tmp_path
