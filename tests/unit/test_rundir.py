"""The folder of one run: made once, sealed, and checked against its seal."""

from __future__ import annotations

import hashlib
import json
import math
import re
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import InputError, OutputError
from harness.rundir import RunDir, create_run_dir, open_run_dir, write_json

EVIDENCE = "samples.parquet"
RENDERED = "figures/on-duty.png"


@pytest.fixture
def sealed(tmp_path) -> RunDir:
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    run_dir.samples.write_bytes(b"samples")
    run_dir.figures.mkdir()
    (run_dir.path / RENDERED).write_bytes(b"figure")
    run_dir.report.write_text("<html>")
    run_dir.seal(state="finished")
    return run_dir


def test_a_new_run_has_a_folder_of_its_own_under_reports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = create_run_dir("morning-rush"), create_run_dir("morning-rush")
    assert first.path != second.path
    assert re.fullmatch(r"reports/\d{4}-\d\d-\d\dT\d{6}Z-morning-rush-[0-9a-f]{4}", str(first.path))
    manifest = first.read_manifest()
    assert re.fullmatch(r"[0-9a-f]{8}", manifest["run_id"])
    assert first.path.name.endswith(manifest["run_id"][:4])
    assert (manifest["state"], manifest["scenario"]) == ("preparing", "morning-rush")
    assert first.logs.is_dir()
    assert first.streams.is_dir()
    assert open_run_dir(first.path).read_manifest() == manifest


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("thesis")
    with pytest.raises(OutputError, match="not empty"):
        create_run_dir("morning-rush", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_of_the_users_own_is_taken(tmp_path):
    assert create_run_dir("morning-rush", tmp_path).path == tmp_path


def test_a_run_that_is_discarded_leaves_no_folder_that_was_made_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    create_run_dir("morning-rush").discard()
    assert list(tmp_path.iterdir()) == []
    kept, gone = create_run_dir("morning-rush"), create_run_dir("morning-rush", tmp_path / "a" / "b")
    gone.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    assert kept.read_manifest()["state"] == "preparing"


def test_a_run_that_is_discarded_empties_a_folder_of_the_users_own_and_leaves_it(tmp_path):
    create_run_dir("morning-rush", tmp_path).discard()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write there") as caught:
        create_run_dir("morning-rush", tmp_path / "file" / "run")
    assert "--out DIR" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"3", b"\xff\xfe"])
def test_a_folder_without_a_readable_manifest_is_no_run(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match="no run here"):
        open_run_dir(tmp_path)


def test_what_is_added_to_a_manifest_keeps_the_rest(tmp_path):
    run_dir = create_run_dir("morning-rush", tmp_path)
    run_id = run_dir.read_manifest()["run_id"]
    assert run_dir.update_manifest(seed=7, state="running")["run_id"] == run_id
    assert run_dir.read_manifest() == {"run_id": run_id, "state": "running", "scenario": "morning-rush", "seed": 7}


def test_a_seal_covers_every_file_but_the_manifest(sealed):
    assert set(sealed.read_manifest()["sha256"]) == {EVIDENCE, RENDERED, "report.html"}
    assert sealed.read_manifest()["state"] == "finished"
    assert sealed.changed_files() == []


@pytest.mark.parametrize("name", [EVIDENCE, RENDERED, "report.html"])
def test_a_file_that_was_changed_or_is_gone_breaks_the_seal(sealed, name):
    path = sealed.path / name
    before = path.read_bytes()
    path.write_bytes(before + b"!")
    assert sealed.changed_files() == [name]
    path.write_bytes(before)
    assert sealed.changed_files() == []
    path.unlink()
    assert sealed.changed_files() == [name]


@given(changed=st.sets(st.sampled_from([EVIDENCE, RENDERED, "report.html"])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=16)
def test_rendering_again_renews_the_seal_of_what_is_rendered_and_of_nothing_else(sealed, changed):
    originals = {name: (sealed.path / name).read_bytes() for name in (EVIDENCE, RENDERED, "report.html")}
    for name in changed:
        (sealed.path / name).write_bytes(b"changed")
    sealed.seal()
    assert sealed.changed_files() == sorted(changed & {EVIDENCE})
    for name, content in originals.items():
        (sealed.path / name).write_bytes(content)
    sealed.seal()


def test_rendering_again_seals_files_that_are_new_and_forgets_figures_that_are_gone(sealed):
    (sealed.path / RENDERED).unlink()
    (sealed.path / "figures" / "latency.png").write_bytes(b"new")
    sealed.summary.write_text("{}")
    sealed.seal()
    assert set(sealed.read_manifest()["sha256"]) == {EVIDENCE, "figures/latency.png", "report.html", "summary.json"}
    assert sealed.changed_files() == []


def test_evidence_is_hashed_before_it_is_sealed_and_not_again(sealed):
    sealed.summary.write_text("{}")
    assert sealed.unsealed_evidence() == ["summary.json"]
    digests = sealed.digest(sealed.unsealed_evidence())
    sealed.seal({"summary.json": "as was told"})
    assert sealed.read_manifest()["sha256"]["summary.json"] == "as was told"
    assert sealed.changed_files() == ["summary.json"]
    assert digests["summary.json"] == hashlib.sha256(b"{}").hexdigest()


def test_json_is_written_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "facts.json"
    write_json(path, {"a": "ä"})
    with pytest.raises(ValueError):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ä"}


def test_where_json_cannot_be_written_the_old_file_stays_and_nothing_else(tmp_path):
    path = tmp_path / "manifest.json"
    write_json(path, {"a": 1})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_json(path, {"a": "x" * 100})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert json.loads(path.read_bytes()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
