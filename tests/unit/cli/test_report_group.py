"""`emrload report` of several runs: what it writes, what it leaves alone, what it refuses."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.analysis import analyse
from harness.cli.program import run_program
from harness.rundir import RunDir, write_json
from harness.scenario import dump_spec, read_spec
from harness.verdict.judge import judge

RUNS = 5


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders made once, of which each test gets a copy."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def runs(fabricate: Callable[..., Any], kept: Path, tmp_path: Path) -> list[RunDir]:
    """Five runs of a minute, judged, that differ by their seed."""
    if not (kept / "1").exists():
        for seed in range(1, RUNS + 1):
            run = fabricate(seed=seed, median_ms=100 + seed)
            run.manifest["run_id"] = f"{seed:08x}"
            run_dir, spec = run.write()
            dump_spec(spec.model_copy(update={"duration_s": run.length_s, "seed": seed}), run_dir.scenario)
            analysis = analyse(run_dir, spec)
            write_json(run_dir.summary, analysis.summary)
            required = json.loads(run_dir.expected.read_bytes())["objectives"]
            write_json(run_dir.verdict, judge(analysis, spec, run.manifest, required))
            shutil.copytree(run_dir.path, kept / str(seed))
    return [RunDir(Path(shutil.copytree(kept / str(seed), tmp_path / f"run-{seed}"))) for seed in range(1, RUNS + 1)]


def emrload(runs: list[RunDir], *arguments: object) -> int:
    return run_program(["report", *(str(run.path) for run in runs), *map(str, arguments)])


def contents(runs: list[RunDir]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for run in runs for path in run.path.rglob("*") if path.is_file()}


def test_five_runs_give_one_report_and_stay_as_they_are(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(runs)
    out = tmp_path / "five"
    assert emrload(runs, "--out", out) == 0
    assert contents(runs) == before
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "runs.csv", "summary.json"]
    summary = json.loads((out / "summary.json").read_bytes())
    p95s = [json.loads(run.summary.read_bytes())["overall"]["p95_ms"] for run in runs]
    over = summary["overall"]["p95_ms"]
    assert over["figures_ms"] == p95s
    assert over["mean_ms"] == pytest.approx(math.prod(p95s) ** (1 / RUNS))
    half = 2.776445105 * float(np.log(p95s).std(ddof=1)) / math.sqrt(RUNS)
    assert over["interval_ms"] == pytest.approx([over["mean_ms"] * math.exp(sign * half) for sign in (-1, 1)])
    assert set(summary["by_site"]) == {"river", "lake", "hill", "forest", "shore"}
    assert [run["seed"] for run in summary["runs"]] == [1, 2, 3, 4, 5]
    told = capsys.readouterr().out
    assert "over 5 runs; at 95% it lies within" in told
    assert f"report   {out / 'report.html'}" in told


def test_json_says_the_figures_and_where_the_report_is(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emrload(runs[:2], "--out", tmp_path / "two", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == str(tmp_path / "two" / "report.html")
    assert (told["runs_counted"], told["interval_level"]) == (2, 0.95)
    assert told["overall"]["p95_ms"]["more_runs"] != 0


def test_an_invalid_run_is_shown_and_left_out_and_one_valid_run_is_too_few(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = json.loads(runs[2].verdict.read_bytes())
    write_json(runs[2].verdict, {**verdict, "verdict": "invalid", "exit_code": 3})
    assert emrload(runs, "--out", tmp_path / "four") == 0
    assert "Invalid: run 3 (run-3)." in capsys.readouterr().out
    summary = json.loads((tmp_path / "four" / "summary.json").read_bytes())
    assert (summary["runs_counted"], len(summary["overall"]["p95_ms"]["figures_ms"])) == (4, 4)
    assert emrload(runs[1:3], "--out", tmp_path / "one") == 2
    error = capsys.readouterr().err
    assert "1 of 2 runs can be trusted, and an interval takes 2" in error
    assert str(runs[2].path) in error
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"duration_s": 120.0}, "--duration, in seconds, is 60.0 in run 1, 120.0 here"),
        ({"window": (28_800.0, 30_600.0)}, "--window, in seconds of the day, is not set in run 1, [28800.0, 30600.0]"),
        ({"sites": 2}, "the number of sites is 5 in run 1, 2 here"),
        ({"scenario": "month-end"}, "scenario is morning-rush in run 1, month-end here"),
    ],
)
def test_a_run_that_played_something_else_is_refused_and_what_differs_is_named(
    runs: list[RunDir], change: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = read_spec(runs[1].scenario)
    if "sites" in change:
        change = {"sites": spec.sites[: change["sites"]]}
    if "scenario" in change:
        change = {"scenario": spec.scenario.model_copy(update={"name": change["scenario"]})}
    dump_spec(spec.model_copy(update=change), runs[1].scenario)
    assert emrload(runs, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert f"{runs[1].path}: no repetition of {runs[0].path}: {words}" in error
    assert "1 problem, nothing was sent." in error
    assert not (tmp_path / "out").exists()


def test_a_setting_within_the_scenario_is_named_by_its_place_and_many_are_counted(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = read_spec(runs[1].scenario)
    sites = [site.model_copy(update={"time_zone": "America/Denver"}) for site in spec.sites]
    dump_spec(spec.model_copy(update={"sites": tuple(sites)}), runs[1].scenario)
    assert emrload(runs, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "sites.river.time_zone is " in error
    assert "and 2 more" in error


def test_a_run_against_other_software_is_refused(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs[1].update_manifest(target={"software": "another EMR 2.0"})
    assert emrload(runs, "--out", tmp_path / "out") == 2
    assert "the server's software is sandbox in run 1, another EMR 2.0 here" in capsys.readouterr().err


def test_a_run_given_twice_is_refused(runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emrload([runs[0], runs[1], runs[0]], "--out", tmp_path / "out") == 2
    assert f"the same run as {runs[0].path}" in capsys.readouterr().err


def test_a_run_that_was_not_judged_is_refused_with_what_judges_it(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs[1].verdict.unlink()
    assert emrload(runs, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "not concluded: verdict.json is not there yet" in error
    assert f"`emrload report {runs[1].path}`" in error


def test_the_report_goes_to_a_new_folder_beside_the_runs(
    runs: list[RunDir], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emrload(runs, "--out", runs[0].path / "group") == 2
    assert f"--out: the folder lies within a run, {runs[0].path}" in capsys.readouterr().err
    assert emrload(runs, "--out", runs[0].path.parent) == 2
    assert "the output folder is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "words"), [([], "takes --out DIR"), (["--verify"], "one run at a time")])
def test_options_that_do_not_go_with_several_runs_are_refused(
    runs: list[RunDir], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emrload(runs, *options) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("name", "lacking"), [("summary", "overall, by_site, by_workflow"), ("verdict", "verdict")])
def test_a_damaged_file_is_named_with_what_it_lacks(
    runs: list[RunDir], name: str, lacking: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = runs[1].path / f"{name}.json"
    path.write_text("{}", encoding="utf-8")
    assert emrload(runs, "--out", tmp_path / "out") == 2
    assert f"{path}: lacks {lacking}" in capsys.readouterr().err
