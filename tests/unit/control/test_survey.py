"""A health system of several servers before the load: each is looked at for its own sites, all end in one register."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.program import run_program
from harness.clinic.register import read_register
from harness.control import (
    ControlClient,
    Row,
    Survey,
    clean_up,
    destinations_of,
    parse_target,
    read_capabilities,
    seed_sites,
    survey,
)
from harness.errors import NoPatients, TargetError
from harness.fhir import requests
from harness.fhir.capabilities import Capabilities
from harness.rundir import create_run_dir
from harness.scenario import TARGET, read_patients_file
from harness.scenario.model import RunSpec

Output = pytest.CaptureFixture[str]


def client_of(url: str) -> ControlClient:
    return ControlClient(parse_target(url), sleep=lambda _seconds: None)


@pytest.fixture
def east(other_sandbox: str) -> str:
    """The second server with nothing of ours in it."""
    with client_of(other_sandbox) as client:
        assert clean_up(client, read_capabilities(client)).complete
    return other_sandbox


@pytest.fixture
def mixed(spec: RunSpec, east: str) -> RunSpec:
    """The river goes to a server of its own."""
    river, lake = spec.sites
    own = {"endpoint": east, "identifier_system": "urn:oid:2.16.840.1.113883.19.5"}
    return spec.model_copy(update={"sites": (river.model_copy(update=own), lake)})


def seed(spec: RunSpec, url: str) -> None:
    for place in destinations_of(spec, parse_target(url)).places():
        with ControlClient(place.target) as client:
            seed_sites(client, read_capabilities(client), place.spec)


def looked(spec: RunSpec, url: str, **options: Any) -> Survey:
    return survey(destinations_of(spec, parse_target(url)), **options)


def test_each_sites_people_are_found_on_its_own_server(
    empty_sandbox: str, east: str, mixed: RunSpec, tmp_path: Path
) -> None:
    seed(mixed, empty_sandbox)
    found = looked(mixed, empty_sandbox)
    assert list(found.register) == ["river", "lake"]
    for url, site in ((east, "river"), (empty_sandbox, "lake")):
        with client_of(url) as client:
            assert client.count("Patient") == 6
            known = found.register[site].patients[0]
            held = client.json(requests.read("Patient", known.id))
            system = "urn:oid:2.16.840.1.113883.19.5" if site == "river" else "urn:emr-load-harness:mrn:lake"
            assert (system, known.mrn) in [(one["system"], one["value"]) for one in held["identifier"]]
    assert {row.endpoint for row in found.rows} == {empty_sandbox, east}
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    found.write(run_dir)
    assert read_register(run_dir.register) == found.register
    declared = json.loads(run_dir.capabilities.read_bytes())
    assert {name: Capabilities.from_json(one) for name, one in declared.items()} == found.capabilities
    assert set(declared) == {TARGET, east}
    facts = found.manifest_facts()
    assert (facts["target"]["url"], facts["target"]["sites"]) == (empty_sandbox, ["lake"])
    assert [(one["url"], one["sites"]) for one in facts["target"]["endpoints"]] == [(east, ["river"])]
    assert found.to_json()["sites"].keys() == {"river", "lake"}


def test_with_one_server_no_row_names_it(empty_sandbox: str, spec: RunSpec) -> None:
    seed(spec, empty_sandbox)
    found = looked(spec, empty_sandbox)
    assert {row.endpoint for row in found.rows} == {""}
    assert found.to_json()["endpoints"] == []
    assert "unsupported_by_site" not in found.manifest_facts()


def test_people_missing_on_one_server_are_named_with_that_server(empty_sandbox: str, mixed: RunSpec, east: str) -> None:
    with client_of(empty_sandbox) as client:
        lake = mixed.model_copy(update={"sites": mixed.sites[1:]})
        seed_sites(client, read_capabilities(client), lake)
    rows: list[Row] = []
    with pytest.raises(NoPatients, match=f"{east}: the patients of this run are not there"):
        looked(mixed, empty_sandbox, on_row=rows.append)
    assert [row.outcome for row in rows if row.check.startswith("people")] == ["ok", "fail"]


def test_a_server_that_cannot_do_all_is_worked_with_as_far_as_it_can(relay: Any, mixed: RunSpec, east: str) -> None:
    def without_appointments(method: str, path: str, body: bytes, answer: Any) -> Any:
        status, headers, content = answer
        if path.endswith("/metadata"):
            statement = json.loads(content)
            for rest in statement["rest"]:
                rest["resource"] = [each for each in rest["resource"] if each["type"] != "Appointment"]
            content = json.dumps(statement).encode()
        return status, headers, content

    seed(mixed, relay.url)
    relay.tamper = without_appointments
    facts = looked(mixed, relay.url).manifest_facts()
    assert facts["unsupported"]
    assert facts["unsupported_by_site"] == {"river": {}, "lake": facts["unsupported"]}


# ---- patients of a file


@pytest.fixture
def own_patients(empty_sandbox: str, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Patients that the harness did not write, and a file that names them; gone again afterwards."""
    made: list[str] = []

    def make(*columns: str, more: str = "") -> Path:
        with client_of(empty_sandbox) as client:
            for number in range(4):
                identifier = [{"system": "urn:theirs", "value": f"T{number}"}]
                name = [{"family": f"Theirs{number}", "given": ["Ann"]}]
                body = {"resourceType": "Patient", "identifier": identifier, "name": name, "birthDate": "1980-02-29"}
                made.append(client.json(requests.create(body))["id"])
        values = {"id": made, "identifier": [f"urn:theirs|T{number}" for number in range(4)]}
        lines = [",".join(columns), *(",".join(row) for row in zip(*(values[one] for one in columns), strict=True))]
        path = tmp_path / "mine.csv"
        path.write_text("\n".join(lines) + "\n" + more)
        return path

    yield make
    with client_of(empty_sandbox) as client:
        for one in made:
            client.require(requests.delete("Patient", one))


def with_file(spec: RunSpec, url: str, path: Path) -> Survey:
    return looked(spec, url, patients=read_patients_file(path, [site.name for site in spec.sites]))


@pytest.mark.parametrize("column", ["id", "identifier"])
def test_patients_that_are_there_are_worked_with_as_they_are(
    column: str, empty_sandbox: str, spec: RunSpec, own_patients: Callable[..., Path]
) -> None:
    found = with_file(spec, empty_sandbox, own_patients(column))
    assert {site: [known.mrn for known in register.patients] for site, register in found.register.items()} == {
        "river": ["T0", "T2"],
        "lake": ["T1", "T3"],
    }
    known = found.register["lake"].patients[0]
    assert (known.family, known.given, known.birthdate) == ("Theirs1", "Ann", "1980-02-29")
    assert [site.identifier_system for site in found.spec.sites] == ["urn:theirs", "urn:theirs"]
    assert found.register["river"].organization == ""
    assert not any(found.register["river"].practitioners.values())
    notes = [row.detail for row in found.rows if row.check == "people"]
    assert len(notes) == 3
    assert "no Practitioner is named in what is written" in notes[0]


def test_staff_that_is_there_is_named_in_what_is_written(
    empty_sandbox: str, spec: RunSpec, own_patients: Callable[..., Path]
) -> None:
    with client_of(empty_sandbox) as client:
        made = [client.json(requests.create({"resourceType": "Practitioner"}))["id"] for _ in range(2)]
        try:
            found = with_file(spec, empty_sandbox, own_patients("id"))
        finally:
            for one in made:
                client.require(requests.delete("Practitioner", one))
    used = {one for ids in found.register["river"].practitioners.values() for one in ids}
    assert used == set(made)


def test_a_patient_who_is_not_there_is_told_by_her_line(
    empty_sandbox: str, spec: RunSpec, own_patients: Callable[..., Path]
) -> None:
    with pytest.raises(NoPatients) as wrong:
        with_file(spec, empty_sandbox, own_patients("id", more="nobody\n"))
    assert "1 of the 5 patients of" in str(wrong.value)
    assert str(wrong.value).endswith("\n    line 6: there is no such Patient")


def test_a_server_that_refuses_to_tell_is_another_error(
    relay: Any, spec: RunSpec, own_patients: Callable[..., Path]
) -> None:
    path = own_patients("id")
    relay.tamper = lambda method, path, body, answer: (403, {}, b"") if "/Patient/" in path else answer
    with pytest.raises(TargetError, match=r"Patient\.read: HTTP 403"):
        with_file(spec, relay.url, path)


def test_a_server_that_has_no_staff_to_tell_is_no_reason_to_stop(
    relay: Any, spec: RunSpec, own_patients: Callable[..., Path]
) -> None:
    path = own_patients("id")
    relay.tamper = lambda method, path, body, answer: (403, {}, b"") if "/Practitioner?" in path else answer
    found = with_file(spec, relay.url, path)
    assert "HTTP 403" in next(row.detail for row in found.rows if row.check == "people")


# ---- as a person types it


def rush(folder: Path, *endpoints: str) -> list[str]:
    """Arguments for a scenario of two small sites that go to these servers, "" for the target."""
    rows = "".join(f"{name},clinic,{url},6\n" for name, url in zip(("river", "lake"), endpoints, strict=True))
    (folder / "sites.csv").write_text("name,template,endpoint,patients\n" + rows)
    return ["morning-rush", "--sites-file", str(folder / "sites.csv"), "--set", "templates.clinic.peak=8"]


def test_seed_check_and_cleanup_go_to_every_server(
    empty_sandbox: str, east: str, tmp_path: Path, capsys: Output
) -> None:
    arguments = [*rush(tmp_path, east, ""), "--target", empty_sandbox]
    assert run_program(["check", *arguments]) == 2
    to_type = capsys.readouterr().err.partition("Type: emrload ")[2].strip()

    assert run_program(to_type.split()) == 0
    out = capsys.readouterr().out
    assert f": {empty_sandbox}\n" in out
    assert f": {east}\n" in out
    assert out.count("Created 6 patients and 8 staff at 1 site") == 2

    assert run_program(["check", *arguments]) == 0
    out = capsys.readouterr().out
    assert f"people of river     {east}: 6 of 6 patients" in out
    assert f"people of lake      {empty_sandbox}: 6 of 6 patients" in out

    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    own = [{"url": east, "i_own": ""}]
    run_dir.write_manifest({"run_id": "00c0ffee", "target": {"url": empty_sandbox, "endpoints": own}})
    for url in (empty_sandbox, east):
        with client_of(url) as client:
            client.require(requests.create(requests.tagged({"resourceType": "Patient"}, "run-00c0ffee")))
    assert run_program(["cleanup", str(run_dir.path), "--json"]) == 0
    cleaned = json.loads(capsys.readouterr().out)
    assert cleaned["complete"] is True
    assert [(one["target"], one["deleted"]) for one in cleaned["endpoints"]] == [
        (empty_sandbox, {"Patient": 1}),
        (east, {"Patient": 1}),
    ]


def test_without_a_target_only_servers_that_sites_have_of_their_own_are_seeded(
    east: str, tmp_path: Path, capsys: Output
) -> None:
    assert run_program(["seed", *rush(tmp_path, east, "")]) == 0
    out = capsys.readouterr().out
    assert "Created 6 patients and 8 staff at 1 site" in out
    assert "Not seeded: 1 site without an own endpoint" in out
    assert run_program(["check", *rush(tmp_path, east, "")]) == 0
    assert "no --target is given; not looked at: 1 site without an own endpoint" in capsys.readouterr().out


def test_what_a_run_left_at_other_servers_goes_even_where_one_is_down(
    east: str, tmp_path: Path, capsys: Output
) -> None:
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    gone = "http://127.0.0.1:9/fhir"
    run_dir.write_manifest({"run_id": "00c0ffee", "target": {"url": gone, "endpoints": [{"url": east}]}})
    with client_of(east) as client:
        client.require(requests.create(requests.tagged({"resourceType": "Patient"}, "run-00c0ffee")))
    assert run_program(["cleanup", str(run_dir.path)]) == 2
    printed = capsys.readouterr()
    assert "Deleted 1 resource at" in printed.out
    assert gone in printed.err


def test_a_sandboxs_own_data_is_gone_but_not_that_of_the_sites_servers(
    east: str, tmp_path: Path, capsys: Output
) -> None:
    run_dir = create_run_dir("morning-rush", tmp_path / "run")
    target = {"url": "http://127.0.0.1:9/fhir", "sandbox": True, "endpoints": [{"url": east}]}
    run_dir.write_manifest({"run_id": "00c0ffee", "target": target})
    assert run_program(["cleanup", str(run_dir.path)]) == 0
    assert f"Nothing of run 00c0ffee was there to delete at {east}." in capsys.readouterr().out


def test_check_says_how_many_patients_a_file_names(
    empty_sandbox: str, own_patients: Callable[..., Path], tmp_path: Path, capsys: Output
) -> None:
    arguments = [*rush(tmp_path, "", ""), "--target", empty_sandbox, "--patients", str(own_patients("id"))]
    assert run_program(["check", *arguments]) == 0
    out = capsys.readouterr().out
    assert f"patients file       {tmp_path}/mine.csv: 4 patients at 2 sites" in out
    assert f"--patients {tmp_path}/mine.csv --duration 2m" in out


def test_no_sandbox_is_started_to_which_nobody_would_come(
    east: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_program(["run", *rush(tmp_path, east, east), "--target", "sandbox"]) == 2
    assert "--target: no site goes to the sandbox: each has an endpoint of its own" in capsys.readouterr().err
    assert run_program(["run", *rush(tmp_path, east, east)]) == 2
    err = capsys.readouterr().err
    assert f"{east}: the patients of this run are not there" in err
    assert f"--target {east}" in err
    assert not (tmp_path / "reports").exists()
