import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.cli.collecting import collect
from harness.cli.keeping import keeping
from harness.cli.program import run_program
from harness.errors import RunError
from harness.rundir import RunDir, conductor_path, write_json
from harness.samples.columns import DUTY, HEALTH, SAMPLES, WORKFLOWS, Columns
from harness.samples.progress import Progress
from harness.samples.reader import merge_streams
from harness.samples.sink import Sink
from harness.samples.writer import Names, StreamWriter
from harness.scenario import dump_spec

RENDERED = {"report.html", "latency.csv", "concurrency.csv", "figures/timeline.png", "figures/heat-map.png"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders made once, of which each test gets a copy."""
    return tmp_path_factory.mktemp("kept")


def as_the_load_left_it(run: Any) -> RunDir:
    """Samples, plan, expected, manifest and scenario, sealed; no summary, no verdict."""
    run_dir, spec = run.write()
    dump_spec(spec.model_copy(update={"duration_s": run.length_s}), run_dir.scenario)
    run_dir.seal()
    return cast(RunDir, run_dir)


@pytest.fixture
def finished(fabricate: Callable[..., Any], kept: Path, tmp_path: Path) -> RunDir:
    """A run of which nothing was analysed yet."""
    if not (kept / "finished").exists():
        shutil.copytree(as_the_load_left_it(fabricate()).path, kept / "finished")
    return RunDir(Path(shutil.copytree(kept / "finished", tmp_path / "copy" / "morning-rush-3fa1")))


@pytest.fixture
def reported(finished: RunDir, kept: Path, tmp_path: Path) -> RunDir:
    """A run that passed and was rendered."""
    if not (kept / "reported").exists():
        assert emrload(finished.path) == 0
        shutil.copytree(finished.path, kept / "reported")
    return RunDir(Path(shutil.copytree(kept / "reported", tmp_path / "reported" / "morning-rush-3fa1")))


def emrload(*arguments: object) -> int:
    return run_program(["report", *map(str, arguments)])


def contents(run_dir: RunDir) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run_dir.path.rglob("*") if path.is_file()}


def test_what_a_load_left_becomes_summary_verdict_and_report(
    finished: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = finished
    assert emrload(run_dir.path) == 0
    out = capsys.readouterr().out
    assert out.lstrip().startswith("PASS ")
    assert f"report   {run_dir.report}" in out
    assert out.rstrip().endswith("verdict  exit code 0")
    assert json.loads(run_dir.verdict.read_bytes())["verdict"] == "pass"
    assert json.loads(run_dir.summary.read_bytes())["overall"]["requests"] == 5000
    assert set(run_dir.read_manifest()["sha256"]) >= RENDERED | {"summary.json", "verdict.json"}
    assert run_dir.changed_files() == []


def test_a_failed_run_renders_with_exit_code_0_and_says_the_verdicts_own(
    fabricate: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = fabricate()
    run.samples.loc[run.at(site="river"), ["latency_ms", "server_ms"]] *= 100
    run_dir = as_the_load_left_it(run)
    assert emrload(run_dir.path) == 0
    out = capsys.readouterr().out
    assert out.lstrip().startswith("FAIL ")
    assert "verdict  exit code 1" in out
    assert run_dir.read_manifest()["exit_code"] == 1


def test_rendering_again_leaves_the_verdict_alone_and_does_not_hide_that_it_was_tampered_with(
    reported: RunDir,
) -> None:
    run_dir = reported
    verdict = json.loads(run_dir.verdict.read_bytes())
    verdict["verdict"], verdict["exit_code"] = "invalid", 3
    run_dir.verdict.write_text(json.dumps(verdict), encoding="utf-8")
    before = contents(run_dir)
    assert emrload(run_dir.path) == 0
    changed = {path.name for path, content in contents(run_dir).items() if before[path] != content}
    assert changed == {"report.html", "manifest.json"}
    assert "INVALID" in run_dir.report.read_text(encoding="utf-8")
    assert run_dir.changed_files() == ["verdict.json"]


def test_rendering_twice_gives_the_same_bytes(reported: RunDir) -> None:
    run_dir = reported
    before = contents(run_dir)
    emrload(run_dir.path)
    assert contents(run_dir) == before


def test_verify_says_how_many_files_are_as_they_were(finished: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = finished
    assert emrload(run_dir.path, "--verify") == 0
    count = len(run_dir.read_manifest()["sha256"])
    assert capsys.readouterr().out == f"{count} files as they were when the run was sealed\n"
    assert not run_dir.report.exists()
    assert emrload(run_dir.path, "--verify", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"run": str(run_dir.path), "files": count, "changed": []}


def test_verify_names_what_changed_and_what_is_missing(finished: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = finished
    with run_dir.samples.open("ab") as file:
        file.write(b"x")
    run_dir.duty.unlink()
    assert emrload(run_dir.path, "--verify") == 2
    error = capsys.readouterr().err
    assert "samples.parquet: has changed since the run was sealed" in error
    assert "duty.parquet: is missing, and was there when the run was sealed" in error
    assert "2 problems" in error


def test_verify_of_a_run_that_was_never_sealed_says_how_to_seal_it(
    finished: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = finished
    run_dir.update_manifest(sha256={})
    assert emrload(run_dir.path, "--verify") == 2
    assert f"emrload report {run_dir.path}" in capsys.readouterr().err


def test_rejudging_writes_elsewhere_and_leaves_the_run_as_it_was(
    reported: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = reported
    before = contents(run_dir)
    out = tmp_path / "again"
    assert emrload(run_dir.path, "--rejudge", "--out", out) == 0
    assert contents(run_dir) == before
    again = RunDir(out)
    assert json.loads(again.verdict.read_bytes()) == json.loads(run_dir.verdict.read_bytes())
    assert again.read_manifest()["rejudged_from"] == str(run_dir.path)
    assert again.changed_files() == []
    capsys.readouterr()
    assert emrload(run_dir.path, "--rejudge", "--out", out) == 2
    assert "not empty" in capsys.readouterr().err


def test_rejudging_does_not_take_over_the_old_verdict(reported: RunDir, tmp_path: Path) -> None:
    run_dir = reported
    old = json.loads(run_dir.verdict.read_bytes())
    run_dir.verdict.write_text(json.dumps({**old, "verdict": "fail", "exit_code": 1}), encoding="utf-8")
    assert emrload(run_dir.path, "--rejudge", "--out", tmp_path / "again") == 0
    assert json.loads((tmp_path / "again" / "verdict.json").read_bytes())["verdict"] == "pass"


@pytest.mark.parametrize("options", [["--rejudge"], ["--out", "x"], ["--verify", "--rejudge", "--out", "x"]])
def test_options_that_do_not_belong_together_are_refused(
    finished: RunDir, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert emrload(finished.path, *options) == 2
    assert "--rejudge" in capsys.readouterr().err


def test_a_folder_without_a_run_is_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emrload(tmp_path / "nowhere") == 2
    error = capsys.readouterr().err
    assert "nowhere: no run here: manifest.json is missing" in error
    assert "Traceback" not in error


def test_a_run_that_left_no_samples_says_so(finished: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = finished
    run_dir.samples.unlink()
    assert emrload(run_dir.path) == 2
    assert "the run left no samples" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_damaged_verdict_is_named_and_not_replaced(
    finished: RunDir, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = finished
    run_dir.verdict.write_text(content, encoding="utf-8")
    assert emrload(run_dir.path) == 2
    assert "verdict.json: cannot be read" in capsys.readouterr().err
    assert run_dir.verdict.read_text(encoding="utf-8") == content


def test_json_says_the_outcome_and_where_the_report_is(reported: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = reported
    capsys.readouterr()
    assert emrload(run_dir.path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "verdict": "pass",
        "exit_code": 0,
        "rehearsal": False,
        "run": str(run_dir.path),
        "report": str(run_dir.report),
    }


def test_the_help_shows_two_worked_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert emrload("--help") == 0
    assert capsys.readouterr().out.count("  emrload report reports/") == 2


@pytest.fixture
def killed(finished: RunDir) -> RunDir:
    """A run whose process died: streams of one worker, one of them torn, and a manifest that says running."""
    finished.streams.mkdir()
    names = Names(Sink(), finished.streams / "names-w0.jsonl")
    for table, schema, path in (
        ("samples", SAMPLES, finished.samples),
        ("workflows", WORKFLOWS, finished.workflows),
        ("duty", DUTY, finished.duty),
        ("health", HEALTH, finished.health),
    ):
        _stream(pd.read_parquet(path), schema, names, finished.streams / f"{table}-w0.arrows")
        path.unlink()
    names.close()
    torn = finished.streams / "samples-w0.arrows"
    torn.write_bytes(torn.read_bytes()[:-8])
    _touch_all(finished, ago_s=60)
    finished.update_manifest(state="running", sha256={}, workers=1)
    return finished


def _stream(frame: pd.DataFrame, columns: Columns, names: Names, path: Path) -> None:
    writer = StreamWriter(Sink(), path, columns)
    for row in frame[list(columns)].to_dict("records"):
        writer.append(*(names.code(str(row[name])) if kind == "name" else row[name] for name, kind in columns.items()))
    writer.close()


def _touch_all(run_dir: RunDir, ago_s: float) -> None:
    for path in run_dir.streams.iterdir():
        stamp = path.stat().st_mtime - ago_s
        os.utime(path, (stamp, stamp))


def test_a_killed_run_is_joined_judged_invalid_and_sealed(killed: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = killed
    assert emrload(run_dir.path) == 0
    captured = capsys.readouterr()
    assert "joined what 1 worker wrote: 5,000 samples" in captured.err
    assert "torn at the end: samples-w0.arrows" in captured.err
    assert captured.out.lstrip().startswith("INVALID ")
    manifest = run_dir.read_manifest()
    assert (manifest["state"], manifest["exit_code"]) == ("aborted", 3)
    assert manifest["torn_streams"] == ["samples-w0.arrows"]
    assert emrload(run_dir.path, "--verify") == 0


def test_a_run_that_is_still_going_is_left_alone(killed: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = killed
    _touch_all(run_dir, ago_s=-60)
    before = contents(run_dir)
    assert emrload(run_dir.path) == 2
    assert "the run is still going" in capsys.readouterr().err
    assert contents(run_dir) == before


def test_files_of_a_worker_that_came_by_hand_are_judged_elsewhere(
    fabricate: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The leader waited in vain; somebody copies the streams over, and asks again."""
    run = fabricate()
    run_dir, spec = run.write()
    dump_spec(spec.model_copy(update={"duration_s": run.length_s}), run_dir.scenario)
    run_dir.streams.mkdir(exist_ok=True)
    frames = {"samples": SAMPLES, "workflows": WORKFLOWS, "duty": DUTY, "health": HEALTH}
    written = {name: pq.read_table(run_dir.path / f"{name}.parquet").to_pandas() for name in frames}
    for index in (0, 1):
        names = Names(Sink(), run_dir.streams / f"names-w{index}.jsonl")
        for name, schema in frames.items():
            frame = written[name]
            part = frame[frame["worker"] == index]
            _stream(part, schema, names, run_dir.streams / f"{name}-w{index}.arrows")
        names.close()
    late = tmp_path / "late"
    late.mkdir()
    for path in run_dir.streams.glob("*-w1.*"):
        shutil.move(path, late / path.name)
    facts = {"t0_epoch_s": 1e9, "ended_epoch_s": 1e9 + run.length_s, "closed_early": False, "clock_offset_s": 0.0}
    write_json(conductor_path(run_dir.streams), {**facts, "workers_reported": [0, 1]})
    clock = {"worker": "hill", "readings": 3, "offset_s": 0.001, "uncertainty_s": 0.0005, "longest_gap_s": 60.0}
    hill = {"name": "hill", "address": "10.0.0.7", "indexes": [1], "handed_in": False, "silent_s": 1.0}
    hill |= {"left": "", "lacking": [], "load_code": 0, "clock": clock}
    for name in frames:
        (run_dir.path / f"{name}.parquet").unlink()
    run_dir.update_manifest(fleet={"bind": "10.0.0.1:5556", "workers": [hill]}, state="running")
    _touch_all(run_dir, ago_s=60)
    assert emrload(run_dir.path) == 0
    assert json.loads(run_dir.verdict.read_bytes())["verdict"] == "invalid"
    sealed = contents(run_dir)

    for path in sorted(late.iterdir()):
        shutil.copyfile(path, run_dir.streams / path.name)
        part = tmp_path / f"with-{path.name}"
        if path.name != max(one.name for one in late.iterdir()):
            assert emrload(run_dir.path, "--rejudge", "--out", part) == 0
            assert json.loads(RunDir(part).verdict.read_bytes())["verdict"] == "invalid"
            assert "streams/workflows-w1.arrows" in RunDir(part).read_manifest()["fleet"]["workers"][0]["lacking"]
    capsys.readouterr()
    again = RunDir(tmp_path / "again")
    assert emrload(run_dir.path, "--rejudge", "--out", again.path) == 0
    captured = capsys.readouterr()
    assert "joined what came after the run was judged, too: 2 load processes in all" in captured.err
    assert captured.out.lstrip().startswith("PASS ")
    assert json.loads(again.summary.read_bytes())["overall"]["requests"] == 5000
    assert again.read_manifest()["fleet"]["workers"][0]["by_hand"] is True
    assert {path: content for path, content in contents(run_dir).items() if path in sealed} == sealed


def test_whoever_was_killed_while_joining_is_followed_by_one_who_joins_all_of_it(
    killed: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    """One table was there already, another half written; the manifest did not say that all were."""
    run_dir = killed
    merge_streams(run_dir)
    run_dir.workflows.unlink()
    run_dir.samples.write_bytes(run_dir.samples.read_bytes()[:100])
    (run_dir.path / "workflows.parquet.part").write_bytes(b"PAR1")
    assert emrload(run_dir.path) == 0
    assert "joined what 1 worker wrote: 5,000 samples" in capsys.readouterr().err
    assert not list(run_dir.path.glob("*.part"))
    assert run_dir.read_manifest()["state"] == "aborted"


def test_what_the_leader_and_the_workers_said_stands_in_the_manifest(killed: RunDir) -> None:
    run_dir = killed
    why = "worker 0: streams/samples-w0.arrows cannot be written (No space left on device), 3.0 s into the run"
    facts = {"t0_epoch_s": 1.0, "ended_epoch_s": 9.0, "broken_off": why, "closed_early": True, "rows_unwritten": 12}
    conductor_path(run_dir.streams).write_text(json.dumps(facts | {"strangers": 1}))
    lines = [Progress(float(n), 0, 1, 0, 1, 0, own_limits={"descriptors": n}).line() for n in range(3)]
    (run_dir.streams / "progress-w0.jsonl").write_bytes(b"".join(lines))
    (run_dir.streams / "progress-w1.jsonl").write_bytes(b'{"time_s": 3.0, "wor')
    collect(run_dir)
    manifest = run_dir.read_manifest()
    assert (manifest["state"], manifest["ended_by"]) == ("aborted", why)
    assert (manifest["rows_unwritten"], manifest["strangers"]) == (12, 1)
    assert manifest["own_limits"] == {"descriptors": 2}


def test_a_load_that_somebody_ended_from_outside_is_aborted_and_says_by_what(killed: RunDir) -> None:
    collect(killed, ended_by="the leading load process was killed (SIGKILL)")
    manifest = killed.read_manifest()
    assert (manifest["state"], manifest["ended_by"]) == ("aborted", "the leading load process was killed (SIGKILL)")


def test_where_there_is_no_space_for_the_verdict_all_that_was_measured_is_kept_and_the_way_on_is_told(
    killed: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = killed
    before = contents(run_dir)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        code = emrload(run_dir.path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 4
    told = capsys.readouterr().err
    assert told.startswith("no verdict yet: samples.parquet cannot be written (File too large)\n")
    assert f"What was measured is kept. Raise `ulimit -f`, then: emrload report {run_dir.path}" in told
    assert contents(run_dir) == before
    assert emrload(run_dir.path) == 0


def test_a_folder_that_was_taken_away_is_said_so(killed: RunDir) -> None:
    shutil.rmtree(killed.path)
    with pytest.raises(RunError, match="taken away while the run went on"), keeping(killed):
        killed.samples.write_bytes(b"")


def test_a_run_whose_program_was_killed_before_its_verdict_does_not_pass(finished: RunDir) -> None:
    """The load came to its end, and all of it is there; but whoever watched it died."""
    run_dir = finished
    run_dir.update_manifest(state="finished", under_way=True)
    assert emrload(run_dir.path) == 0
    verdict = json.loads(run_dir.verdict.read_bytes())
    (completed,) = [check for check in verdict["validity"] if check["check"] == "completed"]
    assert (verdict["verdict"], completed["outcome"]) == ("invalid", "fail")
    assert "`emrload run` was killed before it came to a verdict" in completed["detail"]


def test_a_verdict_that_was_reached_stands_whoever_died_after_it(finished: RunDir) -> None:
    run_dir = finished
    assert emrload(run_dir.path) == 0
    before = run_dir.verdict.read_bytes()
    run_dir.update_manifest(under_way=True)
    assert emrload(run_dir.path) == 0
    assert run_dir.verdict.read_bytes() == before
