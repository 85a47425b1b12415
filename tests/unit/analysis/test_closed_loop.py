"""Little's law around the loop of those on duty: it holds on a healthy run, and not where something is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis import analyse

Fabricate = Callable[..., Any]


def loop_of(run: Any) -> Any:
    return analyse(*run.write()).closed_loop


def test_the_loop_closes_on_a_healthy_run(fabricate: Fabricate) -> None:
    run = fabricate()
    loop = loop_of(run)
    assert loop.clinicians == len(run.plan)
    assert loop.n == pytest.approx(len(run.plan), rel=0.001)
    assert loop.x_per_s == pytest.approx(len(run.samples) / 60, rel=1e-9)
    assert loop.r_s == pytest.approx(run.samples["latency_ms"].mean() / 1000)
    assert loop.off < 0.003


def test_latency_that_is_cut_short_leaves_a_gap(fabricate: Fabricate) -> None:
    run = fabricate()
    run.duty_follows = False
    run.samples["latency_ms"] -= 20
    loop = loop_of(run)
    assert loop.off == pytest.approx(loop.x_per_s * 0.020 / loop.n, abs=0.003)
    assert loop.off > 0.01


def test_samples_that_are_lost_leave_a_gap(fabricate: Fabricate) -> None:
    run = fabricate()
    run.duty_follows = False
    slow = run.samples["latency_ms"] > run.samples["latency_ms"].quantile(0.8)
    run.samples = run.samples[~slow]
    assert loop_of(run).off > 0.05


def test_who_had_to_ask_twice_is_left_out(fabricate: Fabricate) -> None:
    run = fabricate()
    first = run.plan.iloc[0]
    of_first = run.at(site=first["site"], persona=first["persona"]) & (run.samples["clinician"] == first["clinician"])
    run.samples.loc[of_first, "attempt"] = 2
    loop = loop_of(run)
    assert loop.clinicians == len(run.plan) - 1
    assert loop.off < 0.003


def test_nobody_who_asked_ten_times_is_no_loop(fabricate: Fabricate) -> None:
    assert loop_of(fabricate(heads=100, requests=2000)) is None
