"""What is said of the machine that the load came from, whichever way it comes out."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.generator import asks_too_much, generator_sentences, self_test_sentence, steal_sentence


def told(per_cpu_s: float | None, workers: int, cpus: float, planned: float, failed: str = "") -> dict[str, Any]:
    can = None if per_cpu_s is None else per_cpu_s * min(workers, cpus)
    share = planned / can if can else None
    facts = {"requests_per_cpu_s": per_cpu_s, "workers": workers, "cpus": cpus, "can_generate_per_s": can}
    return {**facts, "planned_peak_per_s": planned, "share": share, "failed": failed}


def host(start: float | None, end: float | None) -> dict[str, Any]:
    each = [None if mhz is None else {"mean": mhz, "min": mhz, "max": mhz} for mhz in (start, end)]
    return {"host": {"cpu_mhz_start": each[0], "cpu_mhz_end": each[1]}}


QUIET: dict[str, Any] = {"generator": {"steal_seconds": [], "steal_seconds_share": 0.0}}


def test_a_machine_that_suffices_is_told_in_one_line():
    said = self_test_sentence(told(20_449.0, 2, 2.0, 51.97))
    assert said == "this machine can generate about 41,000 requests/s; the plan asks for 52 at most"


def test_half_is_allowed_and_more_than_half_is_warned_of():
    assert not asks_too_much(told(20_000.0, 1, 2.0, 10_000.0))
    assert asks_too_much(told(20_000.0, 1, 2.0, 10_001.0))


@pytest.mark.parametrize(
    ("workers", "cpus", "planned", "way_out"),
    [
        (1, 4.0, 15_000.0, "; spread the load with --workers 2"),
        (2, 8.0, 39_000.0, "; spread the load with --workers 4"),
        (1, 2.0, 30_000.0, "; --workers 2 helps, but does not suffice: play fewer sites, or generate the load on a"),
        (4, 2.0, 30_000.0, "; play fewer sites, or generate the load on a machine with more or faster CPUs"),
        (1, 0.5, 30_000.0, "; play fewer sites, or generate"),
    ],
)
def test_a_warning_names_both_figures_and_what_to_do(workers, cpus, planned, way_out):
    said = self_test_sentence(told(20_000.0, workers, cpus, planned))
    assert f"can generate about {20_000 * min(workers, cpus):,.0f} requests/s with {workers} load process" in said
    assert f"the plan asks for {planned:,.0f} at most" in said
    assert way_out in said


def test_the_way_out_brings_the_plan_below_half():
    for planned in (10_001.0, 19_999.0, 20_000.0, 55_555.0):
        said = self_test_sentence(told(20_000.0, 1, 64.0, planned))
        wanted = int(said.rpartition("--workers ")[2])
        assert not asks_too_much(told(20_000.0, wanted, 64.0, planned))
        assert asks_too_much(told(20_000.0, wanted - 1, 64.0, planned)) or planned == 20_000.0


def test_a_self_test_that_failed_is_told_and_is_no_warning_of_too_much():
    failed = told(None, 1, 2.0, 52.0, "no port is free")
    assert self_test_sentence(failed) == (
        "the self-test failed (no port is free), nobody knows what this machine can generate; the plan asks for 52 at "
        "most"
    )
    assert not asks_too_much(failed)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (3400.0, 3100.0, "The CPUs’ clock ran at 3,400 MHz at the start of the load and 3,100 MHz at its end."),
        (3400.0, 3000.0, "The CPUs’ clock fell by 11.8%: 3,400 MHz at the start of the load and 3,000 MHz at its end."),
        (None, None, "This machine does not tell how fast its CPUs’ clock runs."),
    ],
)
def test_a_clock_that_fell_by_more_than_a_tenth_is_told(start, end, said):
    assert any(text.startswith(said) for text in generator_sentences(QUIET, host(start, end)))


def test_marked_seconds_are_counted_in_a_sentence():
    generator = {"steal_seconds": [[20.0, 32.0], [60.0, 61.5]], "steal_seconds_share": 13.5 / 60}
    said = steal_sentence(generator)
    assert "more than 2% of this machine’s CPU (steal) for 14 s of the load (22.5%, 2 stretches)" in said
    assert "hatched" in said
    assert steal_sentence(QUIET["generator"]).startswith("In no second of the load did others take more than 2%")


def test_a_run_of_an_older_version_is_told_nothing_about_it():
    assert generator_sentences({"generator": {"cpu_max": 0.4}}, {"host": {"cpus": 2}}) == []
