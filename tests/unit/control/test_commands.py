"""`check`, `seed` and `cleanup` as a person types them, against the sandbox."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.cli.cleanup import CleanupView
from harness.cli.program import run_program
from harness.cli.seed import SeedView
from harness.control import CleanupProgress, ControlClient, SeedProgress, clean_up, parse_target, read_capabilities
from harness.fhir import requests
from harness.rundir import create_run_dir

SMALL = ("--set", "templates.clinic.peak=8", "--set", "templates.clinic.patients=6")
Output = pytest.CaptureFixture[str]


def test_check_seed_check_cleanup(empty_sandbox: str, capsys: Output) -> None:
    rush = ("morning-rush", "--sites", "2", "--seed", "7", *SMALL, "--target", empty_sandbox)

    assert run_program(["check", *rush]) == 2
    printed = capsys.readouterr()
    assert "people of river     0 of 6 patients, 0 of 8 staff" in printed.out
    to_type = printed.err.partition("Type: emrload ")[2].strip()
    assert to_type == (
        f"seed morning-rush --sites 2 --seed 7 --target {empty_sandbox} "
        "--set templates.clinic.peak=8 --set templates.clinic.patients=6"
    )

    assert run_program(to_type.split()) == 0
    out = capsys.readouterr().out
    assert "Created 12 patients and 16 staff at 2 sites" in out
    assert "next     emrload run morning-rush --sites 2 --seed 7" in out

    assert run_program(["seed", *rush]) == 0
    assert "Skipped 12 patients and 16 staff: there already." in capsys.readouterr().out

    assert run_program(["check", *rush]) == 0
    out = capsys.readouterr().out
    assert "people of lake      6 of 6 patients, 8 of 8 staff" in out
    assert "index lag" in out

    assert run_program(["cleanup", "--target", empty_sandbox]) == 0
    out = capsys.readouterr().out
    assert "A fresh search finds nothing more." in out
    assert run_program(["cleanup", "--target", empty_sandbox]) == 0
    assert "Nothing that carries the harness's tag was there to delete" in capsys.readouterr().out


def test_the_same_for_programs(empty_sandbox: str, capsys: Output) -> None:
    rush = ("morning-rush", "--sites", "1", *SMALL, "--target", empty_sandbox, "--json")
    assert run_program(["seed", *rush]) == 0
    seeded = json.loads(capsys.readouterr().out)
    assert (seeded["patients_created"], seeded["sites"]) == (6, {"river": {"patients": 6, "staff": 8}})
    assert run_program(["check", *rush]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["rows"][0]["check"] == "scenario"
    assert checked["fhir_version"] == "4.0.1"
    assert run_program(["cleanup", "--target", empty_sandbox, "--json"]) == 0
    cleaned = json.loads(capsys.readouterr().out)
    assert cleaned["complete"] is True
    assert sum(cleaned["deleted"].values()) == seeded["resources_created"]


def test_a_scenario_alone_is_checked_without_a_target(capsys: Output) -> None:
    assert run_program(["check", "morning-rush", "--sites", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("ok       scenario            morning-rush: 2 sites, ")
    assert "next     emrload run morning-rush --sites 2 --target sandbox" in out


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "--sites", "2"], ["cleanup"], ["cleanup", "x", "--target", "y"]]
)
def test_too_little_or_too_much_is_said(arguments: list[str], capsys: Output) -> None:
    assert run_program(arguments) == 2
    assert "give" in capsys.readouterr().err


def test_a_run_is_cleaned_by_its_folder(empty_sandbox: str, tmp_path: Path, capsys: Output) -> None:
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    run_dir.write_manifest({"run_id": "00c0ffee", "target": {"url": empty_sandbox, "sandbox": False}})
    with ControlClient(parse_target(empty_sandbox)) as client:
        for tag in ("run-00c0ffee", "run-0badf00d"):
            client.require(requests.create(requests.tagged({"resourceType": "Patient"}, tag)))
    assert run_program(["cleanup", str(run_dir.path)]) == 0
    assert "Deleted 1 resource at" in capsys.readouterr().out
    assert run_program(["cleanup", "--target", empty_sandbox]) == 0
    assert "Deleted 1 resource at" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        (
            {"run_id": "00c0ffee", "target": {"url": "http://127.0.0.1:1/fhir", "sandbox": True}},
            0,
            "its data went with it",
        ),
        ({"run_id": "00c0ffee"}, 2, "names no target"),
        ({"run_id": "*", "target": {"url": "http://127.0.0.1:1/fhir"}}, 2, "holds no run id"),
    ],
)
def test_a_folder_that_says_nothing_to_delete(
    manifest: dict[str, Any], code: int, said: str, tmp_path: Path, capsys: Output
) -> None:
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    run_dir.write_manifest(manifest)
    assert run_program(["cleanup", str(run_dir.path)]) == code
    printed = capsys.readouterr()
    assert said.replace("its data", "whose data") in printed.out + printed.err


def test_what_is_left_is_listed_and_the_exit_code_says_so(relay: Any, capsys: Output) -> None:
    forward = relay.respond

    def refuse(method: str, path: str, body: bytes) -> Any:
        return (409, {}, b"") if method == "DELETE" or b"DELETE" in body else forward(method, path, body)

    with ControlClient(parse_target(relay.url)) as client:
        for _ in range(12):
            client.require(requests.create(requests.tagged({"resourceType": "Patient"}, "run-a")))
    relay.respond = refuse
    assert run_program(["cleanup", "--target", relay.url]) == 2
    out = capsys.readouterr().out
    assert "Could not be deleted: Patient/" in out
    assert "and 2 more" in out
    assert "NOT everything is gone." in out


@pytest.mark.parametrize("name", ["check", "seed", "cleanup"])
def test_the_help_has_two_worked_examples(name: str, capsys: Output) -> None:
    assert run_program([name, "--help"]) == 0
    assert capsys.readouterr().out.count(f"emrload {name} ") >= 3


def test_in_a_terminal_there_is_a_table_and_progress(
    empty_sandbox: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    monkeypatch.setenv("COLUMNS", "80")
    rush = ("morning-rush", "--sites", "1", *SMALL, "--target", empty_sandbox)
    assert run_program(["seed", *rush]) == 0
    assert "seeding" in capsys.readouterr().err
    assert run_program(["check", *rush]) == 0
    printed = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out)
    assert "ok  people of river  6 of 6 patients, 8 of 8 staff" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 80
    assert run_program(["cleanup", "--target", empty_sandbox]) == 0
    assert "deleted" in capsys.readouterr().err


def test_what_takes_long_says_how_far_it_is(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cli.seed.PLAIN_LINE_EVERY_S", 0.0)
    monkeypatch.setattr("harness.cli.cleanup.PLAIN_LINE_EVERY_S", 0.0)
    deletion = CleanupView()
    deletion.note(CleanupProgress(deleted=1200, of=9400, kind="Patient"))
    deletion.note(CleanupProgress(deleted=1250, of=None, kind="Patient"))
    deletion.end()
    assert capsys.readouterr().err == "deleted 1,200 of 9,400, now Patient\ndeleted 1,250 so far, now Patient\n"
    with SeedView() as view:
        view.update(SeedProgress(patients=7, of=320, resources=99))
    assert capsys.readouterr().err == "seeding: 7 of 320 patients\n"


def test_the_sandbox_has_no_address_until_it_is_started(capsys: Output) -> None:
    assert run_program(["check", "--target", "sandbox"]) == 2
    assert "start one with `emrload sandbox`" in capsys.readouterr().err


def test_what_was_left_on_purpose_is_said(relay: Any, capsys: Output) -> None:
    """What a run only changed, and what a server gives although it was not asked for."""
    create = requests.tagged({"resourceType": "Patient"}, "population-0123456789ab")
    with ControlClient(parse_target(relay.url)) as client:
        client.require(requests.create(requests.tagged(create, "run-a")))
        changed = clean_up(client, read_capabilities(client), "a")
        stranger = client.json(requests.create({"resourceType": "Patient"}))["id"]
        forward = relay.respond
        relay.respond = lambda method, path, body: forward(method, re.sub(r"_tag=[^&]*&?", "", path), body)
        assert run_program(["cleanup", "--target", relay.url]) == 0
        client.require(requests.delete("Patient", stranger))
    assert changed.kept == {"Patient": 1}
    assert "Left: 1 Patient. The search gave them, but they do not carry our tag." in capsys.readouterr().out


def test_a_kind_that_cannot_be_searched_is_said(relay: Any, capsys: Output) -> None:
    relay.tamper = lambda method, path, body, answer: (400, {}, b"") if "Coverage?" in path else answer
    assert run_program(["cleanup", "--target", relay.url]) == 2
    assert "Could not be searched by tag: Coverage" in capsys.readouterr().out
