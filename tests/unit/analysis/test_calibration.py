"""What a calibration is measured from: queues side by side, and each answer's witness."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from harness.analysis.calibration import CASES, case_of, repetitions, way_of


def test_the_known_answers_of_the_cases():
    assert case_of("fixed").truth("p99_ms", 0.0) == pytest.approx(100, abs=0.01)
    assert case_of("alone").truth("p50_ms", 0.0) == pytest.approx(34.66, abs=0.01)
    assert case_of("open").truth("throughput_per_s", 0.0) == 14.0
    assert case_of("twenty").truth("throughput_per_s", 0.0) == pytest.approx(16.822, abs=0.001)
    assert case_of("eighty").truth("p95_ms", 0.0) == pytest.approx(1055.9, abs=0.1)
    assert case_of("stall-open").truth("p99_ms", 0.0) == pytest.approx(5405, abs=1)
    assert case_of("stall-queue").truth("p99_ms", 0.0) == pytest.approx(5750, abs=1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_who_is_further_away_sees_longer_times_and_asks_less_often(case):
    near, far = ({of: case.truth(of, way_s) for of in case.quantities} for way_s in (0.0, 0.01))
    assert all(far[of] <= near[of] for of in near if of == "throughput_per_s")
    assert all(near[of] <= far[of] + 1e-6 <= near[of] + 15 for of in near if of != "throughput_per_s")


def test_queues_of_a_case_are_taken_together_and_with_one_left_out(fabricate):
    """Five sites of the case `alone`, one of which is slower than the others."""
    run = fabricate(requests=5000)
    for name in run.sites:
        run.places[name] = {"template": "alone"}
    run.samples["phase"] = np.where(run.samples["start_s"] < 10, "settling", "measured")
    run.samples.loc[run.samples["site"] == "river", "latency_ms"] *= 2
    run.samples["server_ms"] = run.samples["latency_ms"]
    run_dir, spec = run.write()
    phases = (SimpleNamespace(name="measured", start_s=10.0, end_s=3600.0),)
    # the fabricated day is no calibration: only what `repetitions` asks of a scenario
    told = SimpleNamespace(sites=spec.sites, played=(0.0, 60.0), scenario=SimpleNamespace(phases=phases))
    measured = repetitions(run_dir, told)
    found = {each.quantity: each for each in measured.repeated}
    assert (measured.queues, measured.silent) == (5, 0)
    assert list(found) == ["throughput_per_s", "p50_ms", "p95_ms", "p99_ms"]
    counted = run.samples[run.samples["phase"] == "measured"]
    assert found["throughput_per_s"].figure == pytest.approx(len(counted) / 5 / 50)
    assert found["p95_ms"].figure == pytest.approx(counted["latency_ms"].quantile(0.95))
    without = counted[counted["site"] != "river"]["latency_ms"].quantile(0.95)
    assert sorted(found["p95_ms"].without_one)[0] == pytest.approx(without)
    assert len(found["p95_ms"].without_one) == 5


def test_a_queue_that_nobody_asked_is_counted(fabricate):
    run = fabricate(requests=1000)
    for name in run.sites:
        run.places[name] = {"template": "alone"}
    run.samples["phase"] = np.where(run.samples["site"] == "river", "settling", "measured")
    run_dir, spec = run.write()
    phases = (SimpleNamespace(name="measured", start_s=0.0, end_s=60.0),)
    told = SimpleNamespace(sites=spec.sites, played=(0.0, 60.0), scenario=SimpleNamespace(phases=phases))
    assert repetitions(run_dir, told).silent == 1


def test_each_answer_is_paired_with_what_the_server_says_of_it(fabricate):
    run = fabricate(requests=500)
    run_dir, spec = run.write()
    inside = {
        f"{number:016x}": latency_ms - 2.0
        for number, latency_ms in zip(run.samples["request_id"], run.samples["latency_ms"], strict=True)
    }
    way = way_of(run_dir, spec, inside)
    assert (way.pairs, way.unanswered, way.unrecorded) == (500, 0, 0)
    assert (way.least_ms, way.p50_ms, way.p99_ms) == pytest.approx((2.0, 2.0, 2.0))
    del inside[f"{7:016x}"]
    inside["ffffffffffffffff"] = 5.0
    lost = way_of(run_dir, spec, inside)
    assert (lost.pairs, lost.unanswered, lost.unrecorded) == (499, 1, 1)
    nothing = way_of(run_dir, spec, {})
    assert nothing.pairs == 0
    assert math.isinf(nothing.p50_ms)
