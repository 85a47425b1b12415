"""One site of ten asks once, twice, four and eight times as much; what the others must wait then is known from theory.

    shared     10 × 2 people before one server: a closed queue of 20, 22, 26, 34 (M/M/1//N); all sites feel it alike
    per-site   2 people before each of ten servers, at river 2 or 16: nobody else feels anything

The levels. What all others wait together is one interval a dose, three in all: at 95%, family-wise (Bonferroni, 1.67%
each). The nine sites' own intervals are 27: at 99%, family-wise (0.037% each), so that a site is out of it by chance in
one of a hundred proofs. The program's intervals are 95% each and are widened for that: they are t with as many degrees
of freedom as there are stretches, less one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t as student

from harness.analysis.block_bootstrap import stretches_of
from harness.analysis.queueing import closed_queue

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(1500)]

SCENARIO = str(Path(__file__).parents[1] / "scenarios" / "ten-sites.yaml")
SITES, PEOPLE = 10, 2
THINK_S, SERVICE_S = 0.5, 0.025
"""Before a shared server. Before one's own all is twice as slow, since the time on the wire counts more where nobody
else has to be waited for."""
LENGTH_S = 240.0
WINDOW = "08:00..08:04"
SIDE_BY_SIDE = 2
Workplace = Callable[[str], tuple[Any, Any]]


def test_one_greedy_site_before_a_shared_server_hurts_all_others_as_theory_says(workplace: Workplace) -> None:
    doses = (1, 2, 4, 8)
    runs = play(workplace, "shared", doses, 1.0)
    found = isolation(workplace("judge")[0], [runs[dose] for dose in doses])
    truths = {dose: people_p95_s(PEOPLE * (SITES - 1 + dose)) / people_p95_s(PEOPLE * SITES) for dose in doses}
    by_dose = dict(zip(doses[1:], found["runs"], strict=True))
    for dose, run in by_dose.items():
        show(dose, run, truths[dose], found["baseline"])
        assert run["aggressors"] == {"river": dose}
        assert len(run["sites"]) == SITES - 1
        assert within(run["others_together"], truths[dose], 0.05 / 3)
        out = [name for name, row in run["sites"].items() if not within(row, truths[dose], 0.01 / 27)]
        assert out == []
        assert run["jain"] > 0.98  # a shared queue serves all alike: nobody is starved, all wait
    ratios, radii = ([by_dose[dose][name] for dose in doses[1:]] for name in ("others_together", "blast_radius"))
    assert [row["ratio"] for row in ratios] == sorted(row["ratio"] for row in ratios)
    assert radii == sorted(radii)
    assert radii[0] < radii[-1] == 1.0
    assert found["exit_code"] == 1


def test_one_greedy_site_before_a_server_of_its_own_hurts_itself_alone(workplace: Workplace) -> None:
    runs = play(workplace, "per-site", (1, 8), 2.0)
    found = isolation(workplace("judge")[0], [runs[1], runs[8]])
    (run,) = found["runs"]
    truth = people_p95_s(PEOPLE * 8) / people_p95_s(PEOPLE)
    show(8, run, 1.0, found["baseline"])
    print("river itself", truth, run["own"]["river"]["ratio"], run["own"]["river"]["interval"])
    assert within(run["others_together"], 1.0, 0.05)
    assert [name for name, row in run["sites"].items() if not within(row, 1.0, 0.01 / 9)] == []
    assert (run["blast_radius"], run["hurt"], run["unknown"]) == (0.0, {}, 0)
    assert found["exit_code"] == 0
    assert run["own"]["river"]["interval"][0] > 1.5
    assert within(run["own"]["river"], truth, 0.05)
    assert run["max_over_median_p95"] > 1.5 > found["baseline"]["max_over_median_p95"]


def people_p95_s(people: int) -> float:
    return closed_queue(people, THINK_S, SERVICE_S).quantile_s(0.95)


def within(row: Mapping[str, Any], truth: float, level: float) -> bool:
    """Whether the interval of the ratio holds `truth`, were it drawn so wide that it misses by chance in `level`."""
    freedom = stretches_of(LENGTH_S) - 1
    low, high = map(math.log, row["interval"])
    wider = student.ppf(1 - level / 2, freedom) / student.ppf(0.975, freedom)
    return abs(math.log(truth / row["ratio"])) <= wider * (high - low) / 2


def show(dose: int, run: Mapping[str, Any], truth: float, baseline: Mapping[str, Any]) -> None:
    together = run["others_together"]
    print(f"×{dose}: theory {truth:.3f}, others {together['ratio']:.3f} {together['interval']}")
    print(
        f"    blast radius {run['blast_radius']}, sites { {name: row['ratio'] for name, row in run['sites'].items()} }"
    )
    print(f"    Jain {baseline['jain']:.4f} → {run['jain']:.4f}", end=", ")
    print(f"greatest over median p95 {baseline['max_over_median_p95']:.3f} → {run['max_over_median_p95']:.3f}")


def isolation(program: Any, runs: Sequence[Path]) -> dict[str, Any]:
    told = program.call("isolation", *map(str, runs), "--json")
    assert told.returncode in (0, 1), told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def play(workplace: Workplace, architecture: str, doses: Sequence[int], slowly: float) -> dict[int, Path]:
    """A run with each dose at river, each against a sandbox of its own, two at a time; dose → its folder. Service and
    thinking take `slowly` times as long."""
    places = {dose: workplace(f"{architecture}-{dose}") for dose in doses}

    def one(dose: int) -> Path:
        program, sandbox = places[dose]
        sandbox.start(
            *("--servers", "1", "--service", f"{SERVICE_S * slowly * 1000:g}ms", "--distribution", "exponential"),
            *("--architecture", architecture, "--seed", str(dose)),
        )
        thinks = ("--set", f"personas.asker.between.mean={THINK_S * slowly:g}s")
        asked = ("--target", sandbox.url, "--greedy", f"river={dose}", *thinks)
        seeded = program.call("seed", SCENARIO, "--seed", "7", *asked)
        assert seeded.returncode == 0, seeded.stderr
        ended = program.run(*asked, "--window", WINDOW, scenario=SCENARIO, timeout_s=LENGTH_S + 200)
        assert ended.code == 0, ended.out
        sandbox.end()
        folder: Path = ended.folder
        return folder

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip(doses, pool.map(one, doses), strict=True))
