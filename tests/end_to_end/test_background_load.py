"""Beside other work on the machine a run gives a right answer or none: never a valid one that is wrong.

other work, drawn at random: 1 to 4 processes, bursts of 20 ms to 2 s, a fifth to four fifths of all cores
truth: how long the server itself says that each answer was inside, and a client's way to it
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.analysis.intervals import percentile, quantile, quantile_interval
from harness.sandbox.journal import read_journal
from harness.sandbox.truth import CONTROL_PREFIX
from harness.verdict.calibration import WAY_P50_MS, WAY_P99_MS

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(3600)]

SCENARIO = str(Path(__file__).parents[1] / "scenarios" / "three-tasks.yaml")
RUNS: Final = 20
SHARES: Final = (0.50, 0.95, 0.99)
LEVEL: Final = 1 - 0.01 / (RUNS * len(SHARES))
"""Of one interval, so that all of them together miss the truth by chance once in a hundred times."""
_BUSY: Final = """
import sys, time
busy_s, idle_s = map(float, sys.argv[1:])
while True:
    until = time.perf_counter() + busy_s
    while time.perf_counter() < until:
        pass
    time.sleep(idle_s)
"""


@contextmanager
def other_work(draws: random.Random, share: float) -> Iterator[str]:
    """So much of all cores is busy with something else, as what is told."""
    count = draws.randint(max(1, int(np.ceil(share * (os.cpu_count() or 1)))), 4)
    duty = share * (os.cpu_count() or 1) / count
    bursts_s = [draws.choice((0.02, 0.1, 0.5, 2.0)) for _ in range(count)]
    hogs = [
        subprocess.Popen([sys.executable, "-c", _BUSY, str(burst_s), str(burst_s * (1 - duty) / duty)])
        for burst_s in bursts_s
    ]
    try:
        yield f"{share:.0%} of all cores by {count}, in bursts of {', '.join(f'{each:g} s' for each in bursts_s)}"
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def in_time_order(ended: Any) -> NDArray[np.float64]:
    samples = ended.table("samples").sort_values("start_s")
    values: NDArray[np.float64] = samples["latency_ms"].to_numpy()
    return values


def off(latencies_ms: NDArray[np.float64], inside_ms: NDArray[np.float64]) -> list[str]:
    """Percentiles whose interval lies off the server's own by more than the way of a client."""
    ordered = np.sort(latencies_ms)
    found = []
    for share in SHARES:
        effective = percentile(latencies_ms, ordered, share).interval_samples
        low, high = quantile_interval(ordered, share, effective, LEVEL)
        truth_ms = quantile(np.sort(inside_ms), share)
        way_ms = WAY_P50_MS if share <= 0.5 else WAY_P99_MS
        assert low is not None
        assert high is not None
        if high < truth_ms or low > truth_ms + way_ms:
            found.append(f"p{share * 100:g} in {low:.1f} to {high:.1f} ms, the server says {truth_ms:.1f}")
    return found


def test_a_valid_run_beside_other_work_is_right(emrload: Any, sandbox: Any) -> None:
    draws = random.Random(20261126)
    shares = [0.5] * (RUNS // 2) + [draws.uniform(0.2, 0.8) for _ in range(RUNS - RUNS // 2)]
    wrong, valid = [], 0
    sandbox.start("--servers", "1000", "--service", "40ms", "--distribution", "exponential")
    seeded = emrload.call("seed", SCENARIO, "--seed", "7", "--target", sandbox.url)
    assert seeded.returncode == 0, seeded.stderr
    for number, share in enumerate(shares):
        with other_work(draws, share) as what:
            ended = emrload.run("--target", sandbox.url, scenario=SCENARIO)
        if ended.code == 3:
            print(f"\nrun {number}, {what}: invalid by {', '.join(sorted(ended.failed_checks()))}")
            continue
        assert ended.code in (0, 1), ended.out
        answers = read_journal(sandbox.data / "journal.jsonl").answers
        mine = {f"{number:016x}" for number in ended.table("samples")["request_id"].tolist()}
        inside_ms = np.array([one.residence_ms for name, one in answers.items() if name in mine])
        assert not any(name.startswith(CONTROL_PREFIX) for name in mine)
        assert len(inside_ms) == len(mine)
        missed = off(in_time_order(ended), inside_ms)
        valid += 1
        wrong += missed
        print(f"\nrun {number}, {what}: valid, {'; '.join(missed) or 'right'}")
    print(f"\n{valid} of {RUNS} runs valid, {len(wrong)} percentiles wrong")
    assert not wrong
