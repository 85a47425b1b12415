"""Beside other tools: all ask the same, what is read of them is right, and a bound that is missed is told."""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import bounds, emrload, gatling, goose, pages, plots, results, tools
from benchmarks.peers.awake import kept_awake
from benchmarks.peers.bounds import judged, slope_kb
from benchmarks.peers.lateness import Lateness, lateness, regular
from benchmarks.peers.process_tree import ProcessTree
from benchmarks.peers.results import Part
from benchmarks.peers.rows import FIGURES, rows
from benchmarks.peers.stamping_server import stamping_server
from benchmarks.peers.tool import IN_A_ROW, TOOLS_VARIABLE, Kind, Load, found, settings, told_version
from benchmarks.peers.workload import BUNDLE_BYTES, END, Workload, write_workload
from benchmarks.row import Row
from harness.clinic.clinician import Clinician
from harness.clinic.post import Habits, Pace, Post
from harness.clinic.register import KnownPatient, SiteRegister
from harness.clinic.registry import collecting
from harness.fhir.call import Answer, Call, Check
from harness.scenario import load_scenario

with collecting():
    from benchmarks.peers.emrload_scenario.workflows import chart_review, read_in_a_row, read_one_bundle

PATIENTS = 3


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return write_workload(tmp_path_factory.mktemp("peers") / "workload", PATIENTS)


class Answering:
    """A world that answers as the web server does, and notes what was asked."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.asked: list[tuple[str, str, bytes]] = []
        self.now_s = 0.0

    def perform(self, call: Call, check: Check) -> Answer:
        target = f"/fhir/{call.path}" if call.path else "/fhir"
        self.asked.append((call.method, target, call.body))
        answer = Answer(200, (self.workload.answers / f"{_answer_of(call)}.json").read_bytes())
        assert check(answer) == ""
        return answer


def _answer_of(call: Call) -> str:
    if not call.path:
        return "transaction"
    kind, _, query = call.path.partition("?")
    asked = dict(pair.split("=", 1) for pair in query.split("&"))
    if kind == "Patient":
        return f"Patient-{asked['identifier'].rpartition('%7C')[2]}"
    category = f"{asked['category']}-" if kind == "Observation" else ""
    return f"{kind}-{category}{asked['patient']}"


def reviewer(world: Any, identifier: str) -> Clinician:
    system, _, mrn = identifier.partition("|")
    known = KnownPatient(f"p{int(mrn) - 1_000_000}", mrn, "", "", "")
    register = SiteRegister((known,), {}, "", seeded=False)
    post = Post("bench", "en_US", 7, date(2026, 11, 10), "00000000", register, mrn_system=system)
    return Clinician(post, Habits("reviewer", Pace(0, 0), Pace(0, 0), {}), 0, world)


def test_emrload_asks_in_a_chart_review_what_is_written_out_for_the_others(workload: Workload) -> None:
    lines = workload.lines("review").read_text().splitlines()
    with workload.patients.open(newline="") as file:
        identifiers = [row["identifier"] for row in csv.DictReader(file)]
    assert len(lines) == 7 * PATIENTS
    for number, identifier in enumerate(identifiers):
        world = Answering(workload)
        chart_review(reviewer(world, identifier))
        written_out = [line.split("\t") for line in lines[7 * number : 7 * number + 7]]
        assert world.asked == [(method, path, body.encode()) for method, path, body in written_out]


def test_every_answer_of_a_chart_review_names_its_patient_and_the_one_bundle_ends_as_told(
    workload: Workload,
) -> None:
    about = list(workload.answers.glob("*-p*.json"))
    assert len(about) == 5 * PATIENTS
    for path in about:
        assert f'"Patient/{path.stem.rpartition("-")[2]}"' in path.read_text()
    bundle = (workload.answers / "Observation-laboratory-1.json").read_bytes()
    assert len(bundle) == BUNDLE_BYTES
    assert bundle.endswith(END)
    assert bundle.count(END) == 1


def test_whoever_reads_the_one_bundle_asks_for_it_as_it_is_written_out(
    workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_IN_A_ROW", "5")
    world = Answering(workload)
    read_one_bundle(reviewer(world, "urn:bench:mrn|1000000"))
    read_in_a_row(reviewer(world, "urn:bench:mrn|1000000"))
    assert len(world.asked) == 1 + 5
    (path,) = {target for _, target, _ in world.asked}
    assert workload.lines("bundle").read_text() == f"GET\t{path}\t\n"
    assert json.loads(workload.bundle.read_bytes())["path"] == path


def test_each_load_that_emrload_can_do_has_a_kind_of_site(
    workload: Workload, tmp_path: Path, forget_own: object
) -> None:
    assert set(load_scenario(str(emrload.SCENARIO), ()).templates) == emrload.TOOL.kinds
    load = Load("connected", "http://127.0.0.1:1", workload, lasts_s=75, users=500, think_s=5)
    command = emrload.start(load, tmp_path).command
    assert "08:00..08:01:15" in command
    assert "templates.connected.peak=500" in command
    assert (tmp_path / "sites.csv").read_text() == "name,template\nbench,connected\n"


def samples(folder: Path, outcomes: list[str]) -> None:
    (folder / "run").mkdir()
    rows = {"outcome": outcomes, "intended_s": [1.0, 2.0, 3.0], "start_s": [1.001, 2.5, 3.002]}
    pd.DataFrame(rows).to_parquet(folder / "run" / "samples.parquet")


def test_samples_that_are_not_what_was_answered_are_no_result(tmp_path: Path) -> None:
    samples(tmp_path, ["ok", "ok", "ok"])
    emrload.judge(tmp_path, 3)
    with pytest.raises(RuntimeError, match=r"4 requests were answered, the samples hold 3, of which 3 went well"):
        emrload.judge(tmp_path, 4)


def test_lags_are_those_of_seconds_that_nobody_took_anything_of(tmp_path: Path) -> None:
    samples(tmp_path, ["ok", "ok", "ok"])
    times = pq.read_table(tmp_path / "run" / "samples.parquet").column("start_s").to_pylist()
    seconds = sorted({float(np.ceil(each)) for each in times})
    health = pd.DataFrame({"time_s": seconds, "loop_lag_ms": [float(number) for number in range(len(seconds))]})
    health.assign(steal=0.0).to_parquet(tmp_path / "run" / "health.parquet")
    starts, loop = emrload.lags_ms(tmp_path, 2.0)
    assert starts.tolist() == pytest.approx([500.0, 2.0])
    assert loop.tolist() == [
        second_lag for second_lag, second in zip(health.loop_lag_ms, seconds, strict=True) if second >= 2.0
    ]
    health.assign(steal=0.03).to_parquet(tmp_path / "run" / "health.parquet")
    assert [len(lags) for lags in emrload.lags_ms(tmp_path, 2.0)] == [0, 0]


def test_an_invalid_run_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    checks = [
        {"check": "cpu", "outcome": "fail", "detail": "took 93% of a core"},
        {"check": "steal", "outcome": "pass", "detail": "took 1%"},
    ]
    (tmp_path / "run" / "verdict.json").write_text(json.dumps({"verdict": "invalid", "validity": checks}))
    with pytest.raises(RuntimeError, match=r"the run is invalid \(cpu: took 93% of a core\)"):
        emrload.require_valid(tmp_path)
    (tmp_path / "run" / "verdict.json").write_text(json.dumps({"verdict": "fail", "validity": []}))
    emrload.require_valid(tmp_path)


def test_a_roster_is_told_where_each_slot_was_worked_once(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({"roster_digest": "abc"}))
    pd.DataFrame({"slot": [0, 1]}).to_parquet(tmp_path / "run" / "plan.parquet")
    duty = pd.DataFrame({"slot": [1, 0], "worker": [1, 0], "reason": ["slot_end", "slot_end"]})
    duty.to_parquet(tmp_path / "run" / "duty.parquet")
    assert emrload.roster(tmp_path) == ("abc", frozenset({0, 1}))
    duty.assign(slot=[1, 1]).to_parquet(tmp_path / "run" / "duty.parquet")
    with pytest.raises(RuntimeError, match="2 slots were planned"):
        emrload.roster(tmp_path)


def test_samples_of_which_one_went_wrong_are_no_result(tmp_path: Path) -> None:
    samples(tmp_path, ["ok", "content", "ok"])
    with pytest.raises(RuntimeError, match="of which 2 went well"):
        emrload.judge(tmp_path, 3)


def test_emrload_has_begun_once_its_preflight_is_over(tmp_path: Path) -> None:
    assert not emrload.has_begun(tmp_path)
    (tmp_path / "run").mkdir()
    for state, begun in (("preparing", False), ("running", True)):
        (tmp_path / "run" / "manifest.json").write_text(json.dumps({"state": state}))
        assert emrload.has_begun(tmp_path) is begun


# ---- lateness


@given(st.lists(st.floats(0, 0.5), min_size=2, max_size=100), st.floats(-1e3, 1e3))
def test_lateness_does_not_hang_on_when_the_clock_began(late_s: list[float], offset_s: float) -> None:
    due = regular(1.0, len(late_s), len(late_s))
    told = lateness(due + np.array(late_s) + offset_s, due, from_s=0.0)
    assert told.max_ms == pytest.approx(1000 * (max(late_s) - min(late_s)), abs=1e-6)
    assert 0 <= told.p50_ms <= told.p99_ms <= told.max_ms


def test_who_was_due_before_the_tool_was_warm_does_not_count() -> None:
    due = regular(10, 1, 10)
    arrived = due + np.where(due < 0.5, 0.04, 0.0)
    assert lateness(arrived, due, from_s=0.0).max_ms == pytest.approx(40.0)
    assert lateness(arrived, due, from_s=0.5) == Lateness(0.0, 0.0, 0.0)


def test_one_that_never_came_is_no_lateness() -> None:
    assert len(regular(1000, 30, 30_002)) == 30_002  # it ended 2 ms late
    assert len(regular(1000, 30, 29_950)) == 29_950  # the last 50 ms
    due = regular(1000, 30, 29_000)
    with pytest.raises(RuntimeError, match="30,000 requests were due, 29,000 arrived"):
        lateness(np.arange(29_000) / 1000, due, 0.0)
    assert len(regular(1000, 30, 31_000)) == 30_000  # each thirtieth twice: no lateness either


def test_the_server_stamps_who_asks_for_the_bundle_and_nobody_else(workload: Workload) -> None:
    with stamping_server(workload.answers) as server:
        path = json.loads(workload.bundle.read_bytes())["path"]
        for target in ("/fhir/metadata", path, "/fhir/Patient?identifier=urn:bench:mrn%7C1000000&_count=2", path):
            with urlopen(f"{server.url}{target}") as answer:
                assert json.load(answer)["resourceType"] in ("Bundle", "CapabilityStatement")
        first, second = server.stamps_s()
        assert first < second
        assert server.requests() == 2


# ---- tools


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_tool_in_the_folder_comes_before_one_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {name: tmp_path / name for name in ("tools", "path")}
    for place in places.values():
        place.mkdir()
        program(place, "bench-tool", "1")
    monkeypatch.setenv("PATH", f"{places['path']}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv(TOOLS_VARIABLE, raising=False)
    assert found("bench-tool") == str(places["path"] / "bench-tool")
    monkeypatch.setenv(TOOLS_VARIABLE, str(places["tools"]))
    assert found("bench-tool") == str(places["tools"] / "bench-tool")
    assert found("no-such-bench-tool") is None


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("k6", "k6 v1.8.1 (go1.24.5, linux/amd64)", "1.8.1"),
        ("wrk", "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer", "4.1.0"),
    ],
)
def test_a_tool_tells_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str, version: str
) -> None:
    program(tmp_path, name, says)
    monkeypatch.setenv(TOOLS_VARIABLE, str(tmp_path))
    (tool,) = [tool for tool in tools.TOOLS if tool.name == name]
    assert tool.version() == version


def test_a_program_that_tells_no_version_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="tells no version: something else"):
        told_version([str(program(tmp_path, "odd", "something else"))], r"v(\d+)")


def test_gatling_is_installed_once_its_library_and_the_simulation_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOOLS_VARIABLE, str(tmp_path))
    program(tmp_path, "java", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    for folder, name in (("lib", "gatling-charts-highcharts-3.15.1.jar"), ("classes", "Load.class")):
        assert gatling.TOOL.version() is None
        (tmp_path / "gatling" / folder).mkdir(parents=True)
        (tmp_path / "gatling" / folder / name).touch()
    assert gatling.TOOL.version() == "3.15.1"


def test_goose_is_of_the_version_that_its_crate_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOOLS_VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert goose.TOOL.version() is None
    program(tmp_path, "goose-load", "")
    assert goose.TOOL.version() == "0.19.0"


def test_every_script_is_told_everything_that_it_asks_its_environment_for(workload: Workload) -> None:
    told = settings(Load("bundle", "http://127.0.0.1:1", workload, lasts_s=1))
    scripts = Path(emrload.__file__).parent
    for name in ("k6/load.js", "locust/load.py", "gatling/Load.java", "goose/src/main.rs"):
        words = set(re.findall(r"BENCH_[A-Z_]+[A-Z]", (scripts / name).read_text()))
        assert "BENCH_IN_A_ROW" in words, name
        assert words <= set(told), name


def test_everybody_asks_for_the_one_bundle_equally_often_in_a_row_and_once_where_people_think_or_come(
    workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOOLS_VARIABLE, str(tmp_path))
    kinds: dict[Kind, str] = {"bundle": str(IN_A_ROW), "connected": "1", "arrivals": "1"}
    for kind, often in kinds.items():
        load = Load(kind, "http://127.0.0.1:1", workload, lasts_s=1, users=64, rate_per_s=10)
        for tool in tools.who_can(kind):
            if tool.name != "wrk":  # it does nothing between two requests
                assert tool.start(load, tmp_path).env["BENCH_IN_A_ROW"] == often, tool.name


def test_who_compares_bytes_is_a_row_of_its_own_and_never_connected_alone(workload: Workload, tmp_path: Path) -> None:
    load = Load("bundle", "http://127.0.0.1:1", workload, lasts_s=1, users=64)
    started = {tool.name: tool.start(load, tmp_path).command[5] for tool in tools.who_can("bundle")[-3:]}
    assert started == {
        "FastHttpUser, bytes": "FastHttpUserOfBytes",
        "FastHttpUser": "FastHttpUser",
        "HttpUser": "HttpUser",
    }
    assert "FastHttpUser, bytes" not in {tool.name for tool in tools.who_can("connected")}


def test_a_process_is_weighed_with_its_children() -> None:
    tree = ProcessTree(os.getpid())
    assert tree.memory_mb() > 10
    assert tree.cpu_s() > 0


def test_cores_are_kept_awake_for_as_long_as_the_block_lasts(tmp_path: Path) -> None:
    setting = tmp_path / "cpu_dma_latency"
    setting.touch()
    with kept_awake(setting) as awake:
        assert awake
        assert setting.read_bytes() == bytes(4)
    with kept_awake(tmp_path / "no such setting") as awake:
        assert not awake


# ---- what comes of it


def part(figures: dict[str, dict[str, list[float]]], **missing: None) -> Part:
    machine = {"cpu": "a core", "cores": 2, "kernel": "6.1", "python": "3.11", "load": 0.1}
    versions: dict[str, str | None] = {tool.name: "1.0" for tool in tools.TOOLS}
    return Part("2026-11-26T05:00+00:00", machine, "median of 3", versions | missing, figures)


COSTS = {"wrk": [6.0, 7.0, 8.0], "emrload": [13.0, 14.0, 15.0], "k6": [47.0], "goose": [13.9], "FastHttpUser": [150.0]}


def test_a_bound_is_held_by_the_ratio_of_medians_and_by_nobody_who_was_not_measured() -> None:
    found = {one.bound.tool: one for one in judged("requests", part({"bundle": COSTS})) if one.bound.figure == "bundle"}
    assert found["wrk"].ratio == pytest.approx(2.0)
    assert {tool: one.held for tool, one in found.items()} == {
        "wrk": True,
        "k6": True,
        "goose": False,
        "FastHttpUser": True,
        "FastHttpUser, bytes": True,
        "Gatling": True,
    }
    assert found["Gatling"].ratio is None


def test_a_ratio_without_a_bound_is_told_and_never_missed() -> None:
    of_bytes = part({"review": {"emrload": [14.0], "FastHttpUser, bytes": [7.0]}})
    what = FIGURES["requests"]["review"][0]
    assert Row(f"emrload : FastHttpUser, bytes, {what}", "2.000", bound="", held=True) in rows("requests", of_bytes)
    assert f"| FastHttpUser, bytes | {what} | – | 2 × |  |" in pages.bounds_table({"requests": of_bytes}).splitlines()


def test_every_bound_is_on_a_figure_and_a_tool_that_there_are() -> None:
    for name, all_of_it in bounds.BOUNDS.items():
        for bound in all_of_it:
            assert bound.figure in FIGURES[name]
            assert bound.tool in {tool.name for tool in tools.TOOLS}


def test_one_more_connected_weighs_the_difference() -> None:
    memory = part({"memory of 500": {"emrload": [100.0]}, "memory of 5,000": {"emrload": [154.0]}})
    assert slope_kb(memory, "emrload") == pytest.approx(12.0)
    assert slope_kb(memory, "k6") is None
    heavy = part({"memory of 500": {"emrload": [100.0]}, "memory of 5,000": {"emrload": [190.0]}})
    assert [row.held for row in rows("memory", memory) if row.bound] == [True]
    assert "| 15 kB | 12.0 kB | holds |" in pages.bounds_table({"memory": memory})
    assert [row.held for row in rows("memory", heavy) if row.bound] == [False]


def test_the_printed_table_leaves_nobody_out() -> None:
    shown = list(rows("requests", part({"bundle": COSTS}, Gatling=None)))
    assert ("    emrload 1.0", "14.0 µs") in [(row.what, row.figure) for row in shown]
    assert ("Gatling is not installed", "sh benchmarks/peers/get.sh gatling") in [(r.what, r.figure) for r in shown]
    assert [row.figure for row in shown if not row.held] == ["1.007"]


def test_what_was_measured_last_takes_the_place_of_what_was_measured_before(tmp_path: Path) -> None:
    path = tmp_path / "results" / "latest.json"
    assert results.latest(path) == {}
    first, second = part({"bundle": {"wrk": [7.0]}}), part({"bundle": {"wrk": [6.0]}})
    results.keep("requests", first, path)
    results.keep("memory", first, path)
    results.keep("requests", second, path)
    assert results.latest(path) == {"memory": first, "requests": second}


def test_only_what_is_marked_is_written_anew() -> None:
    page = (
        "# A\n<!-- beside: table -->\nold\n<!-- beside: end -->\nkept\n<!-- beside: bounds -->\n<!-- beside: end -->\n"
    )
    written = pages.marked(page, {"table": "| new |", "bounds": "| b |"})
    assert written == page.replace("old", "| new |").replace("bounds -->\n", "bounds -->\n| b |\n")
    assert pages.marked(written, {"table": "| new |", "bounds": "| b |"}) == written


def test_a_tool_that_is_not_installed_stands_in_the_table_with_the_way_to_get_it() -> None:
    shown = pages.table({"requests": part({"bundle": COSTS}, Gatling=None)})
    assert "| **emrload** 1.0 | 14.0 µs | – | – | – | – |" in shown
    assert "| Gatling | not installed: `sh benchmarks/peers/get.sh gatling` |" in shown
    assert "*requests*: 2026-11-26, 2 cores of a core, Linux 6.1, Python 3.11, load 0.1 before; median of 3." in shown


def test_a_tool_that_came_after_what_was_measured_last_is_not_yet_measured() -> None:
    before = part({"bundle": COSTS})
    before = replace(before, versions={name: text for name, text in before.versions.items() if name != "goose"})
    assert "| goose | not yet measured |" in pages.table({"requests": before})


def test_what_nobody_measured_is_not_made_up() -> None:
    said = pages.written({})
    assert said == {"table": pages.NOT_MEASURED, "bounds": pages.NOT_MEASURED, "pictures": ""}
    only_requests = pages.written({"requests": part({"bundle": COSTS})})
    assert only_requests["pictures"].count("![") == 1


def test_the_pictures_have_a_bar_for_each_tool_and_no_date(tmp_path: Path) -> None:
    memory, arrivals = part({"memory of 5,000": COSTS}), part({"p99": {"emrload": [2.0], "k6": [4.0]}})
    texts = []
    for name in ("once.svg", "again.svg"):
        plots.draw_memory_and_lateness(memory, arrivals, tmp_path / name)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert all(f">{word}</text>" in texts[0] for word in ("emrload", "goose", "14 MB", "4.00 ms"))


def test_the_pages_show_what_was_measured_last() -> None:
    written = pages.written(results.latest())
    for page in pages.PAGES:
        text = page.read_text(encoding="utf-8")
        assert "<!-- beside: table -->" in text
        assert pages.marked(text, written) == text, f"{page.name} is stale: python -m benchmarks.peers.pages"
