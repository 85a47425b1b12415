import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.program import run_program
from harness.rundir import RunDir, write_json
from harness.scenario import dump_spec
from harness.scenario.model import RunSpec

Make = Callable[..., RunDir]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def played(fabricate: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A run of ten minutes, moved to `name`; river is `slower`, and every `failing`-th request of lake fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")

    def make(
        name: str,
        seed: int = 1,
        *,
        slower: float = 1.0,
        failing: int = 0,
        requests: int = 10_000,
        spec: Callable[[RunSpec], RunSpec] = lambda spec: spec,
        **manifest: Any,
    ) -> RunDir:
        run = fabricate(seed=seed, requests=requests, length_s=600.0)
        run.samples.loc[run.at(site="river"), ["latency_ms", "server_ms"]] *= slower
        if failing:
            run.samples.loc[run.at(site="lake").to_numpy().nonzero()[0][::failing], "outcome"] = "http_error"
        run.manifest |= manifest
        run_dir, resolved = run.write()
        dump_spec(spec(resolved), run_dir.scenario)
        write_json(run_dir.verdict, {"verdict": "pass"})
        moved = tmp_path / name
        moved.parent.mkdir(exist_ok=True)
        return RunDir(run_dir.path.rename(moved))

    return make


def hurried(spec: RunSpec) -> RunSpec:
    return spec.model_copy(update={"scenario": spec.scenario.model_copy(update={"think_factor": 0.5})})


def compare(*arguments: str) -> int:
    return run_program(["compare", *arguments])


def rows_of(out: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["kind"], row["name"]): row for row in json.loads(out)["rows"]}


def test_the_site_that_became_slower_is_named_with_its_interval(played: Make, capsys: Capture) -> None:
    played("before", 1)
    played("after", 2, slower=1.5)
    assert compare("before", "after") == 1
    out = capsys.readouterr().out
    assert out.lstrip().startswith("SLOWER  ")
    assert "most of all river: +" in out
    (river,) = [line for line in out.splitlines() if line.startswith("  river")]
    assert river.split()[-2:] == ["slower", "0%"]
    assert "One run against one: 20 stretches of 30 s" in out
    assert compare("before", "after", "--json") == 1
    row = rows_of(capsys.readouterr().out)["site", "river"]["p95_ms"]
    assert row["interval"][0] < 1.5 < row["interval"][1]
    assert row["b"] / row["a"] == pytest.approx(row["ratio"], rel=1e-6)


def test_equal_runs_end_with_0_and_what_may_differ_is_told(played: Make, capsys: Capture) -> None:
    played("before", 1)
    played("after", 2, workers=4, labels={"build": "4711"}, target={"url": "http://127.0.0.1:9/fhir"})
    assert compare("before", "after") == 0
    out = capsys.readouterr().out
    assert out.lstrip().startswith("NO DIFFERENCE SEEN")
    for told in ("label build  – → 4711", "workers      2 → 4", "target       http://127.0.0.1:8090/fhir → http"):
        assert told in out


@pytest.mark.parametrize(("allowed", "code"), [("0%", 1), ("30%", 1), ("80%", 0)])
def test_a_slowdown_within_what_is_allowed_is_told_and_ends_with_0(
    played: Make, capsys: Capture, allowed: str, code: int
) -> None:
    played("before", 1)
    played("after", 2, slower=1.5)
    assert compare("before", "after", "--max-regression", allowed) == code
    out = capsys.readouterr().out
    assert out.lstrip().startswith("SLOWER")
    assert (f"A p95 may become greater by {allowed}; " in out) == (allowed != "0%")


def test_more_errors_end_with_1_whatever_is_allowed(played: Make, capsys: Capture) -> None:
    played("before", 1)
    played("after", 2, failing=10)
    assert compare("before", "after", "--max-regression", "100%") == 1
    out = capsys.readouterr().out
    assert out.lstrip().startswith("MORE ERRORS  the network, lake")
    assert compare("after", "before", "--json") == 0
    error_rate = rows_of(capsys.readouterr().out)["site", "lake"]["error_rate"]
    assert error_rate["outcome"] == "fewer"
    assert error_rate["difference"] == pytest.approx(-0.1)
    assert error_rate["interval"][0] < -0.1 < error_rate["interval"][1] < 0


def test_groups_of_runs_go_by_how_runs_differ(played: Make, capsys: Capture) -> None:
    for at in range(3):
        played(f"before/{at}", at)
        played(f"after/{at}", 10 + at, slower=1.5)
    assert compare("before", "after") == 1
    out = capsys.readouterr().out
    assert "3 runs against 3: Welch's t on each run's p95; 5 runs on either side are advised" in out
    assert "A     before, 3 runs" in out
    assert compare("before", "after", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["method"] == "welch"
    assert [Path(run).name for run in found["a"]["runs"]] == ["0", "1", "2"]
    assert ["site", "river"] in found["worse"]


def test_too_few_requests_to_tell_end_with_3(played: Make, capsys: Capture) -> None:
    played("before", 1, requests=100)
    played("after", 2, requests=100)
    assert compare("before", "after") == 3
    assert capsys.readouterr().out.lstrip().startswith("CANNOT TELL")


def test_a_run_does_not_differ_from_itself_and_that_it_is_the_same_is_said(played: Make, capsys: Capture) -> None:
    played("before", 1)
    assert compare("before", "before") == 0
    assert "A and B have a run in common" in capsys.readouterr().out


def test_the_picture_is_drawn_and_without_its_folder_nothing_is_printed(played: Make, capsys: Capture) -> None:
    played("before", 1, requests=1000)
    played("after", 2, requests=1000)
    assert compare("before", "after", "--png", "change.png") == 0
    assert Path("change.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert compare("before", "after", "--png", "nowhere/change.png") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "--png: cannot write nowhere/change.png" in captured.err


def test_runs_that_played_otherwise_are_refused_and_by_what_is_said(played: Make, capsys: Capture) -> None:
    played("before", 1, requests=200)
    played("after", 2, requests=200, spec=hurried)
    assert compare("before", "after") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "B, after: think_factor is 0.5, but 1.0 in A, before" in captured.err
