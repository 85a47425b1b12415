"""This machine, as far as it tells: many a container and every other ARM does not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness import machine
from harness.machine import ClockWatch, cpu_mhz, environment_facts, usable_cpus


def test_the_host_and_the_versions_are_told():
    facts = environment_facts()
    assert facts["host"]["cpus"] >= 1
    assert "cpu_model" in facts["host"]
    assert {"emr-load-harness", "locust", "gevent", "python"} <= set(facts["versions"])


def test_the_cpus_model_is_told_where_it_stands_and_else_is_not_known(tmp_path, monkeypatch):
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "_CPU_INFO", info)
    assert environment_facts()["host"]["cpu_model"] is None
    info.write_text("processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC 9654\nmodel name\t: another\n")
    assert environment_facts()["host"]["cpu_model"] == "AMD EPYC 9654"
    info.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert environment_facts()["host"]["cpu_model"] is None


def test_the_clock_is_told_as_mean_least_and_most_over_the_cpus(monkeypatch):
    each = [SimpleNamespace(current=mhz) for mhz in (3000.0, 2000.04, 0.0)]
    monkeypatch.setattr(machine.psutil, "cpu_freq", lambda percpu: each)
    assert cpu_mhz() == {"mean": 2500.0, "min": 2000.0, "max": 3000.0}


@pytest.mark.parametrize(
    "answer", [None, [], [SimpleNamespace(current=0.0)], NotImplementedError(), FileNotFoundError()]
)
def test_a_clock_that_is_not_told_is_none(answer, monkeypatch):
    def cpu_freq(percpu: bool) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(machine.psutil, "cpu_freq", cpu_freq)
    assert cpu_mhz() is None


def test_the_first_and_the_last_reading_of_a_load_are_kept_and_none_is_taken_too_often():
    now_s, mhz = 0.0, iter([3400.0, 3300.0, 2900.0])

    def read() -> dict[str, float]:
        value = next(mhz)
        return {"mean": value, "min": value, "max": value}

    watch = ClockWatch(read, lambda: now_s)
    assert watch.facts() == {}
    for step in range(29):
        now_s = step * 0.5
        watch.look()
    facts = watch.facts()
    assert next(mhz, None) is None
    assert (facts["cpu_mhz_start"], facts["cpu_mhz_end"]) == (
        {"mean": 3400.0, "min": 3400.0, "max": 3400.0},
        {"mean": 2900.0, "min": 2900.0, "max": 2900.0},
    )


def test_a_machine_that_never_tells_has_none_at_both_ends():
    watch = ClockWatch(lambda: None)
    watch.look()
    assert watch.facts() == {"cpu_mhz_start": None, "cpu_mhz_end": None}


@pytest.mark.parametrize(
    ("quota", "cpus"), [("max 100000", 4.0), ("150000 100000", 1.5), ("900000 100000", 4.0), ("", 4.0)]
)
def test_a_containers_quota_bounds_what_it_may_use(quota, cpus, tmp_path, monkeypatch):
    file = tmp_path / "cpu.max"
    monkeypatch.setattr(machine, "_CPU_QUOTA", file)
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert usable_cpus() == 4.0
    file.write_text(quota)
    assert usable_cpus() == cpus
