from __future__ import annotations

import json
from typing import Any

import pytest

from harness.control import (
    ControlClient,
    Row,
    parse_target,
    preflight,
    read_capabilities,
    seed_sites,
)
from harness.control.preflight import unsupported_workflows
from harness.control.probes import measure_round_trips
from harness.errors import NoPatients, TargetError
from harness.scenario.model import RunSpec


def client_of(url: str) -> ControlClient:
    return ControlClient(parse_target(url), sleep=lambda _seconds: None)


def without(statement: bytes, kind: str) -> bytes:
    """A CapabilityStatement that does not know one kind of resource."""
    content = json.loads(statement)
    for rest in content["rest"]:
        rest["resource"] = [each for each in rest["resource"] if each["type"] != kind]
    return json.dumps(content).encode()


def lacking(relay: Any, *kinds: str) -> None:
    def tamper(method: str, path: str, body: bytes, answer: Any) -> Any:
        status, headers, content = answer
        if path.endswith("/metadata"):
            for kind in kinds:
                content = without(content, kind)
        return status, headers, content

    relay.tamper = tamper


def test_a_seeded_target_is_ready(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        found = preflight(client, spec)
    assert {row.outcome for row in found.rows} == {"ok"}
    assert found.register == {people.site: people.register() for people in seeded.people}
    assert found.volumes == {"Patient": 12, "Encounter": 12}
    assert found.unsupported == {}


def test_the_probes_are_gone_afterwards_and_were_timed(empty_sandbox: str) -> None:
    with client_of(empty_sandbox) as client:
        capabilities = read_capabilities(client)
        probes = measure_round_trips(client, capabilities, rounds=3)
        assert not list(client.find("Organization", {"_tag": "urn:emr-load-harness:tag|synthetic"}))
    assert [trip.operation for trip in probes.round_trips] == [
        "Organization.create",
        "Organization.read",
        "Organization.search[identifier]",
        "Organization.delete",
    ]
    assert all(0 < trip.min_ms <= trip.median_ms and trip.rounds == 3 for trip in probes.round_trips)
    assert (probes.index_lag_ms, probes.left_behind) == (0.0, ())


def test_an_index_that_lags_is_measured(relay: Any) -> None:
    searches = 0
    empty = json.dumps({"resourceType": "Bundle", "type": "searchset"}).encode()

    def lag(method: str, path: str, body: bytes, answer: Any) -> Any:
        nonlocal searches
        if "identifier=" not in path:
            return answer
        searches += 1
        return answer if searches % 3 == 0 else (200, {}, empty)

    relay.tamper = lag
    with client_of(relay.url) as client:
        found = preflight(client, None)
    assert found.probes.index_lag_ms is not None
    assert found.probes.index_lag_ms >= 40
    assert "found by searching after up to" in next(row.detail for row in found.rows if row.check == "index lag")


def test_what_is_never_found_by_searching_is_said(relay: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.control.probes.LONGEST_LAG_S", 0.05)
    empty = json.dumps({"resourceType": "Bundle", "type": "searchset"}).encode()
    relay.tamper = lambda method, path, body, answer: (200, {}, empty) if "identifier=" in path else answer
    with client_of(relay.url) as client:
        found = preflight(client, None)
    assert found.probes.index_lag_ms is None
    assert (
        Row("index lag", "note", "a new resource can be read by its id but was not found by searching in 5 s")
        in found.rows
    )


def test_a_probe_that_cannot_be_deleted_is_named(relay: Any) -> None:
    relay.tamper = lambda method, path, body, answer: (403, {}, b"") if method == "DELETE" else answer
    with client_of(relay.url) as client:
        found = preflight(client, None)
    assert len(found.probes.left_behind) == 5
    assert "could not be deleted again: Organization/" in found.rows[-1].detail


def test_a_target_that_asked_for_patience_is_noted(relay: Any) -> None:
    refused = [(429, {"Retry-After": "1"}, b""), (503, {"Retry-After": "1"}, b"")]
    forward = relay.respond
    relay.respond = lambda method, path, body: (
        refused.pop() if "Patient?" in path and refused else forward(method, path, body)
    )
    with client_of(relay.url) as client:
        found = preflight(client, None)
    assert found.rows[-1] == Row("sent again", "note", "2 requests: the target asked for patience 2 times")


def test_where_nothing_may_be_written_nothing_is_probed(relay: Any) -> None:
    lacking(relay, "Organization", "Patient", "Observation")
    with client_of(relay.url) as client:
        found = preflight(client, None)
    assert found.probes.round_trips == ()
    assert found.rows[-1] == Row(
        "round trips",
        "skipped",
        "the target declares no create, read, delete and search of Organization, Patient, Observation",
    )
    assert {method for method, _ in relay.asked} == {"GET"}


def test_workflows_that_the_target_cannot_do_are_named_with_what_is_missing(relay: Any, spec: RunSpec) -> None:
    lacking(relay, "Appointment")
    with client_of(relay.url) as client:
        seed_sites(client, read_capabilities(client), spec)
        found = preflight(client, spec, probe=False)
        assert unsupported_workflows(spec, found.capabilities) == found.unsupported
    assert found.unsupported
    assert all(need.startswith("Appointment") for needs in found.unsupported.values() for need in needs)
    skipped = [row for row in found.rows if row.check == "capabilities" and row.outcome == "skipped"]
    assert len(skipped) == len(found.unsupported)
    assert "does not declare Appointment" in skipped[0].detail


def test_a_target_that_can_do_nothing_is_an_error(relay: Any, spec: RunSpec) -> None:
    lacking(
        relay,
        "Patient",
        "Observation",
        "Encounter",
        "Appointment",
        "ServiceRequest",
        "MedicationRequest",
        "DocumentReference",
    )
    with client_of(relay.url) as client, pytest.raises(TargetError, match="none of the scenario's workflows"):
        preflight(client, spec)
    assert {method for method, _ in relay.asked} == {"GET"}


def test_nobody_there_says_what_to_type(empty_sandbox: str, spec: RunSpec) -> None:
    rows: list[Row] = []
    with (
        client_of(empty_sandbox) as client,
        pytest.raises(NoPatients, match="the patients of this run are not there") as none,
    ):
        preflight(client, spec, how_to_seed="emrload seed morning-rush", on_row=rows.append)
    assert none.value.hint == "Only searches were sent. Type: emrload seed morning-rush"
    assert [row.outcome for row in rows] == ["ok", "ok", "ok", "fail", "fail"]


def test_one_missing_person_is_enough_to_stop(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seeded = seed_sites(client, read_capabilities(client), spec)
        nurse = seeded.people[1].register().practitioners["nurse"][0]
        client.require(_delete("Practitioner", nurse))
        with pytest.raises(NoPatients, match=r"some people of this run are not there \(1 of 2 sites, first lake\)"):
            preflight(client, spec)


def _delete(kind: str, id: str) -> Any:
    from harness.fhir import requests

    return requests.delete(kind, id)


def test_a_server_that_does_not_count_is_no_reason_to_stop(relay: Any) -> None:
    relay.tamper = lambda method, path, body, answer: (400, {}, b"") if "_summary" in path else answer
    with client_of(relay.url) as client:
        found = preflight(client, None, probe=False)
    assert found.volumes == {"Patient": None, "Encounter": None}
    assert Row("data volume", "skipped", "the target does not count what it holds") in found.rows


def test_the_findings_for_programs_name_nobody(empty_sandbox: str, spec: RunSpec) -> None:
    with client_of(empty_sandbox) as client:
        seed_sites(client, read_capabilities(client), spec)
        found = preflight(client, spec, probe=False)
    text = json.dumps(found.to_json())
    assert found.to_json()["sites"]["river"]["patients"] == 6
    for patient in found.register["river"].patients:
        assert patient.family not in text
        assert patient.mrn not in text
