"""What a FHIR client may rely on when it reads, writes and deletes single resources."""

from __future__ import annotations

import re

import pytest


def test_a_created_resource_can_be_read_back_as_it_was_sent(bench, fixture_resource):
    sent = fixture_resource("observation-lab")
    created = bench.post("Observation", sent)
    assert created.status_code == 201
    assert created.headers["ETag"] == 'W/"1"'
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", created.headers["Last-Modified"])
    resource_id = created.json()["id"]
    assert created.headers["Location"] == f"http://testserver:8080/fhir/Observation/{resource_id}/_history/1"
    read = bench.get(f"Observation/{resource_id}")
    assert read.status_code == 200
    assert read.headers["Content-Type"].startswith("application/fhir+json")
    stored = read.json()
    assert stored["meta"]["versionId"] == "1"
    assert stored["meta"]["tag"] == sent["meta"]["tag"]
    assert {k: v for k, v in stored.items() if k not in ("id", "meta")} == {
        k: v for k, v in sent.items() if k != "meta"
    }


@pytest.mark.parametrize(
    "name", ["patient", "observation-lab", "observation-vital-signs", "encounter", "medication-request", "appointment"]
)
def test_every_hand_written_example_is_accepted(bench, fixture_resource, name):
    resource = fixture_resource(name)
    assert bench.post(resource["resourceType"], resource).status_code == 201


def test_the_id_that_a_created_resource_brings_is_not_used(bench, fixture_resource):
    assert bench.create(fixture_resource("encounter")) != "river-visit-1"


@pytest.mark.parametrize(
    ("prefer", "kind"), [("return=representation", "Patient"), ("return=OperationOutcome", "OperationOutcome")]
)
def test_the_client_chooses_what_comes_back(bench, fixture_resource, prefer, kind):
    answer = bench.post("Patient", fixture_resource("patient"), Prefer=prefer)
    assert (answer.status_code, answer.json()["resourceType"]) == (201, kind)


def test_a_client_that_wants_little_gets_headers_only(bench, fixture_resource):
    answer = bench.post("Patient", fixture_resource("patient"), Prefer="handling=strict, return=minimal")
    assert (answer.status_code, answer.content) == (201, b"")
    assert "Location" in answer.headers


def test_a_conditional_create_makes_one_then_finds_it_then_refuses_to_choose(bench, fixture_resource):
    patient = fixture_resource("patient")
    condition = "identifier=urn:emr-load-harness:mrn:river|R-000417"
    first = bench.post("Patient", patient, If_None_Exist=condition)
    again = bench.post("Patient", patient, If_None_Exist=condition)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    bench.create(patient)
    several = bench.post("Patient", patient, If_None_Exist=condition)
    assert several.status_code == 412
    assert len(bench.found("Patient")) == 2


def test_a_condition_without_a_criterion_is_refused(bench, fixture_resource, diagnostics):
    answer = bench.post("Patient", fixture_resource("patient"), If_None_Exist="_count=1")
    assert answer.status_code == 400
    assert "criterion" in diagnostics(answer)


def test_an_update_needs_the_current_version_when_it_names_one(bench, fixture_resource):
    patient = fixture_resource("patient")
    resource_id = bench.create(patient)
    changed = {**patient, "id": resource_id, "active": False}
    first = bench.put(f"Patient/{resource_id}", changed, If_Match='W/"1"')
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"2"')
    stale = bench.put(f"Patient/{resource_id}", {**changed, "active": True}, If_Match='W/"1"')
    assert stale.status_code == 412
    assert bench.get(f"Patient/{resource_id}").json()["active"] is False


def test_if_match_on_something_that_never_was_is_refused(bench, fixture_resource):
    patient = {**fixture_resource("patient"), "id": "never-was"}
    assert bench.put("Patient/never-was", patient, If_Match='W/"1"').status_code == 412


def test_an_update_may_create_under_an_id_of_the_clients(bench, fixture_resource):
    patient = {**fixture_resource("patient"), "id": "river-417"}
    assert bench.put("Patient/river-417", patient).status_code == 201
    assert bench.put("Patient/river-417", patient).status_code == 200
    assert bench.get("Patient/river-417").json()["meta"]["versionId"] == "2"


@pytest.mark.parametrize(
    ("path_id", "body_id", "reason"),
    [("a", "b", "not the same"), ("a", None, "not the same"), ("17", "17", "digits"), ("a_b", "a_b", "1 to 64")],
)
def test_an_update_with_a_wrong_id_is_refused(bench, fixture_resource, diagnostics, path_id, body_id, reason):
    patient = fixture_resource("patient") | ({"id": body_id} if body_id else {})
    answer = bench.put(f"Patient/{path_id}", patient)
    assert answer.status_code == 400
    assert reason in diagnostics(answer)


def test_deleting_twice_is_no_error_and_reading_afterwards_says_gone(bench, fixture_resource):
    resource_id = bench.create(fixture_resource("patient"))
    assert [bench.delete(f"Patient/{resource_id}").status_code for _ in range(2)] == [204, 204]
    assert bench.delete("Patient/never-was").status_code == 204
    assert bench.get(f"Patient/{resource_id}").status_code == 410
    assert bench.found("Patient") == []


def test_a_stale_delete_is_refused(bench, fixture_resource):
    resource_id = bench.create(fixture_resource("patient"))
    stale = bench.delete(f"Patient/{resource_id}", If_Match='W/"9"')
    assert stale.status_code == 412
    assert bench.get(f"Patient/{resource_id}").status_code == 200


def test_a_deleted_resource_comes_back_with_an_update(bench, fixture_resource):
    patient = fixture_resource("patient")
    resource_id = bench.create(patient)
    bench.delete(f"Patient/{resource_id}")
    assert bench.put(f"Patient/{resource_id}", {**patient, "id": resource_id}).status_code == 201
    assert bench.get(f"Patient/{resource_id}").json()["meta"]["versionId"] == "3"
    assert bench.found("Patient?family=ferreira") == [resource_id]


def test_history_tells_every_version_newest_first(bench, fixture_resource):
    patient = fixture_resource("patient")
    resource_id = bench.create(patient)
    bench.put(f"Patient/{resource_id}", {**patient, "id": resource_id, "active": False})
    bench.delete(f"Patient/{resource_id}")
    history = bench.get(f"Patient/{resource_id}/_history").json()
    assert (history["type"], history["total"]) == ("history", 3)
    assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "PUT", "POST"]
    assert [entry.get("resource", {}).get("active") for entry in history["entry"]] == [None, False, True]


def test_an_old_version_can_still_be_read(bench, fixture_resource):
    patient = fixture_resource("patient")
    resource_id = bench.create(patient)
    bench.put(f"Patient/{resource_id}", {**patient, "id": resource_id, "active": False})
    assert bench.get(f"Patient/{resource_id}/_history/1").json()["active"] is True
    assert bench.get(f"Patient/{resource_id}/_history/2").json()["active"] is False
    assert bench.get(f"Patient/{resource_id}/_history/3").status_code == 404
    assert bench.get(f"Patient/{resource_id}/_history/one").status_code == 404
    assert bench.get("Patient/nobody/_history").status_code == 404


def test_a_client_that_holds_the_current_version_is_told_so(bench, fixture_resource):
    resource_id = bench.create(fixture_resource("patient"))
    unchanged = bench.get(f"Patient/{resource_id}", If_None_Match='W/"1"')
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/Unicorn/1", 404),
        ("GET", "/fhir/Patient/nobody", 404),
        ("GET", "/fhir/Patient/1/_history/1/2", 404),
        ("GET", "/fhir/Patient/$everything", 404),
        ("PATCH", "/fhir/Patient/1", 405),
        ("GET", "/fhir", 405),
        ("DELETE", "/fhir/Patient", 405),
        ("GET", "/elsewhere", 404),
    ],
)
def test_what_is_not_served_is_refused_with_an_outcome(bench, diagnostics, method, path, status):
    answer = bench.client.request(method, path)
    assert answer.status_code == status
    assert diagnostics(answer)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"{", 400, "no JSON"),
        (b"[1]", 400, "no FHIR resource"),
        (b'{"resourceType": 3}', 400, "no FHIR resource"),
        (b'{"resourceType": "Patient"}', 400, "was expected"),
        (b'{"resourceType": "Observation", "status": "final"}', 422, "lacks code"),
        (
            b'{"resourceType": "Observation", "status": "final", "code": {"coding": 3}}',
            400,
            "is not what FHIR R4 expects",
        ),
        (
            b'{"resourceType": "Observation", "status": "final", "code": {}, "effectiveDateTime": "yesterday"}',
            422,
            "lacks code",
        ),
        (
            b'{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "effectiveDateTime": "x"}',
            400,
            "Observation.effectiveDateTime",
        ),
        (
            b'{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "component": ["a"]}',
            400,
            "no object",
        ),
    ],
)
def test_a_body_that_cannot_be_filed_is_refused(bench, diagnostics, body, status, reason):
    answer = bench.post("Observation", body)
    assert answer.status_code == status
    assert reason in diagnostics(answer)
    assert bench.found("Observation") == []


def test_a_body_of_another_content_type_is_refused(bench):
    assert bench.post("Patient", b"{}", Content_Type="text/plain").status_code == 415
    assert bench.post("", b"{}", Content_Type="text/plain").status_code == 415
    assert bench.post("Patient/_search", b"name=x", Content_Type="text/plain").status_code == 415


def test_a_medication_may_be_a_code_or_a_reference(bench, fixture_resource):
    order = fixture_resource("medication-request")
    del order["medicationCodeableConcept"]
    assert bench.post("MedicationRequest", order).status_code == 422
    assert (
        bench.post("MedicationRequest", {**order, "medicationReference": {"reference": "Medication/1"}}).status_code
        == 201
    )


def test_long_answers_are_compressed_for_clients_that_ask(bench, fixture_resource):
    for _ in range(3):
        bench.create(fixture_resource("patient"))
    plain = bench.get("Patient", Accept_Encoding="identity")
    packed = bench.get("Patient", Accept_Encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == plain.json()
