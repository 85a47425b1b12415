import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cli.program import run_program
from harness.rundir import RunDir, write_json
from harness.scenario import dump_spec
from harness.scenario.model import RunSpec

Make = Callable[..., RunDir]
Capture = pytest.CaptureFixture[str]
SITES = ("river", "lake", "hill")
LANES = ("orders", "charting", "documents", "labs")


def greedy_spec(spec: RunSpec, times: float) -> RunSpec:
    first, *others = spec.sites
    grown = first.model_copy(update={"heads": {name: int(count * times) for name, count in first.heads.items()}})
    return spec.model_copy(update={"sites": (grown, *others), "greedy": {"river": times}})


@pytest.fixture
def played(fabricate: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A run of ten minutes, moved to `name`, in which river has `times` its people, and `come` patients come to each
    site; `slower`: site or lane → factor of its latencies; `missing`: sites that miss their objective."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")

    def make(
        name: str,
        seed: int = 1,
        times: float = 0.0,
        *,
        slower: dict[str, float] | None = None,
        missing: tuple[str, ...] = (),
        requests: int = 3600,
        come: int = 0,
        spec: Callable[[RunSpec], RunSpec] = lambda spec: spec,
    ) -> RunDir:
        run = fabricate(seed=seed, requests=requests, length_s=600.0, sites=SITES)
        for site in SITES if come else ():
            run.let_come("patient", site, come)
        for spoilt, factor in (slower or {}).items():
            column = "site" if spoilt in SITES else "lane"
            run.samples.loc[run.at(**{column: spoilt}), ["latency_ms", "server_ms"]] *= factor
        river = run.plan[run.plan["site"] == "river"]
        more = [river.assign(clinician=river["clinician"] + 100 * at) for at in range(1, int(times or 1))]
        run.plan = pd.concat([run.plan, *more], ignore_index=True)
        run.expected["requests"] = [
            {"site": site, "lane": lane, "requests": 500.0 * (times or 1 if site == "river" else 1)}
            for site in SITES
            for lane in LANES
        ] + [{"site": site, "lane": "identity", "requests": float(come)} for site in SITES if come]
        run_dir, resolved = run.write()
        resolved = spec(greedy_spec(resolved, times) if times else resolved)
        dump_spec(resolved, run_dir.scenario)
        by_site = {
            site: {"requests": len(own), "errors": 0, "cancelled": 0, "p95_ms": float(own["latency_ms"].quantile(0.95))}
            for site, own in run.samples.groupby("site")
        }
        write_json(run_dir.summary, {"by_site": by_site})
        objectives = [
            {
                "id": "site-p95",
                "scope": {"site": site},
                "required": True,
                "outcome": "fail" if site in missing else "pass",
            }
            for site in SITES
        ]
        write_json(run_dir.verdict, {"verdict": "pass", "objectives": objectives})
        moved = tmp_path / name
        moved.parent.mkdir(exist_ok=True)
        return RunDir(run_dir.path.rename(moved))

    return make


def isolation(*arguments: str) -> int:
    return run_program(["isolation", *arguments])


def test_doses_are_rows_of_one_table_and_the_hurt_are_named(played: Make, capsys: Capture) -> None:
    played("base", 1)
    played("again", 2, 1.0)
    played("twice", 3, 2.0, slower={"river": 1.5})
    played("four", 4, 4.0, slower={"river": 3.0, "lake": 1.6})
    assert isolation("base", "again", "twice", "four", "--png", "river.png") == 1
    out = capsys.readouterr().out
    assert out.lstrip().startswith("HURT  1 of 2 other sites by river ×4: lake")
    rows = [line for line in out.splitlines() if line.startswith(("the same load again", "river ×"))]
    assert ["0 of 3" in rows[0], "0 of 2" in rows[1], "1 of 2" in rows[2]] == [True] * 3
    (lake,) = [line for line in out.splitlines() if line.startswith("lake")]
    assert lake.rstrip().endswith("hurt")
    (river,) = [line for line in out.splitlines() if line.startswith("river  ")]
    assert river.count("asks more") == 2
    assert "what grew → ratio by lane" in out
    assert "20 stretches of 30 s" in out
    assert Path("river.png").read_bytes().startswith(b"\x89PNG")


def test_the_figures_are_there_for_programs(played: Make, capsys: Capture) -> None:
    played("base", 1)
    played("four", 5, 4.0, slower={"river": 3.0, "lake": 1.6}, missing=("hill", "river"))
    assert isolation("base", "four", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    (run,) = found["runs"]
    assert run["aggressors"] == {"river": 4.0}
    assert run["hurt"] == {"hill": ["misses site-p95"], "lake": ["slower"]}
    assert (run["blast_radius"], run["others"], run["unknown"]) == (1.0, 2, 0)
    low, high = run["sites"]["lake"]["interval"]
    assert low < 1.6 < high
    assert run["sites"]["lake"]["p95_ms"]["with"] / run["sites"]["lake"]["p95_ms"]["without"] == pytest.approx(
        run["sites"]["lake"]["ratio"], rel=1e-6
    )
    assert set(run["cascade"]) == set(LANES)
    assert run["lanes_grown_most"][:1] == ["orders"]
    assert run["own"]["river"]["interval"][0] > 1
    assert found["baseline"]["jain"] > run["jain"]  # river got a quarter of what it asked, the others all
    assert run["max_over_median_p95"] > found["baseline"]["max_over_median_p95"]


def test_a_second_run_of_the_same_load_hurts_nobody_and_ends_with_0(played: Make, capsys: Capture) -> None:
    played("base", 1)
    played("again", 2, 1.0)
    assert isolation("base", "again") == 0
    out = capsys.readouterr().out
    assert out.lstrip().startswith("NOBODY ELSE HURT  in 1 run")
    assert "0 of 3" in out


def test_groups_of_runs_go_by_how_runs_differ(played: Make, capsys: Capture) -> None:
    for at in range(3):
        played(f"base/{at}", at)
        played(f"four/{at}", 10 + at, 4.0, slower={"lake": 1.6})
    assert isolation("base", "four", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["method"] == "welch"
    assert found["runs"][0]["hurt"] == {"lake": ["slower"]}


def test_more_arrivals_everywhere_are_a_row_of_the_cascade(played: Make, capsys: Capture) -> None:
    played("usual", 1, come=400)
    played("flood", 2, come=1200, slower={"identity": 9.0, "documents": 2.0}, missing=("hill",))
    assert isolation("usual", "flood", "--json") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["lanes_grown_most"] == ["identity"]
    assert run["load"].startswith("all sites ×")
    assert run["cascade"]["documents"]["interval"][0] > 1.1
    assert set(run["cascade"]) == set(LANES)  # the lane that grew is no victim of itself
    assert run["others"] == 3
    assert "misses site-p95" not in str(run["hurt"])  # hill asks more itself
    assert isolation("usual", "flood") == 1
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("identity (all sites")]
    assert row.split().count("hurt") == 1


def test_too_few_requests_end_with_3(played: Make, capsys: Capture) -> None:
    played("base", 1, requests=120)
    played("four", 2, 4.0, requests=120)
    assert isolation("base", "four") == 3
    assert capsys.readouterr().out.lstrip().startswith("CANNOT TELL")


def slow_thinkers(spec: RunSpec) -> RunSpec:
    return spec.model_copy(update={"scenario": spec.scenario.model_copy(update={"think_factor": 2.0})})


def test_what_differs_by_more_than_load_is_refused_with_what_it_is(played: Make, capsys: Capture) -> None:
    played("base", 1, requests=120)
    played("other", 2, 4.0, requests=120, spec=slow_thinkers)
    assert isolation("base", "other") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "RUN, other: think_factor is 2.0, but 1.0 in BASELINE, base" in captured.err
    assert "heads" not in captured.err


def test_runs_of_one_group_that_asked_differently_are_refused(played: Make, capsys: Capture) -> None:
    for at in range(2):
        played(f"base/{at}", at, requests=120)
        played(f"more/{at}", at, 2.0 + at, requests=120)
    assert isolation("base", "more") == 2
    assert "RUN, 1: sites.river.heads.nurse is 15, but 10 in RUN, 0" in capsys.readouterr().err
