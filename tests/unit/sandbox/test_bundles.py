"""Batches and transactions."""

from __future__ import annotations

import copy

import pytest


def statuses(answer):
    return [entry["response"]["status"] for entry in answer.json()["entry"]]


def test_a_transaction_creates_everything_and_resolves_its_references(bench, fixture_resource):
    answer = bench.post("", fixture_resource("transaction"))
    assert answer.status_code == 200
    assert answer.json()["type"] == "transaction-response"
    assert statuses(answer) == ["201 Created"] * 3
    patient, order, task = (entry["response"]["location"].split("/")[1] for entry in answer.json()["entry"])
    assert bench.get(f"ServiceRequest/{order}").json()["subject"] == {"reference": f"Patient/{patient}"}
    stored_task = bench.get(f"Task/{task}").json()
    assert stored_task["focus"] == {"reference": f"ServiceRequest/{order}"}
    assert stored_task["for"] == {"reference": f"Patient/{patient}"}
    assert bench.found(f"Task?patient={patient}") == [task]


def test_the_same_transaction_again_finds_its_patient_and_points_at_him(bench, fixture_resource):
    bench.post("", fixture_resource("transaction"))
    again = bench.post("", fixture_resource("transaction"))
    assert statuses(again) == ["200 OK", "201 Created", "201 Created"]
    assert len(bench.found("Patient")) == 1
    patient = bench.found("Patient")[0]
    assert len(bench.found(f"ServiceRequest?subject=Patient/{patient}")) == 2


def test_resources_come_back_when_asked_for(bench, fixture_resource):
    bare = bench.post("", fixture_resource("transaction")).json()["entry"][1]
    whole = bench.post("", fixture_resource("transaction"), Prefer="return=representation").json()["entry"][1]
    assert "resource" not in bare
    assert whole["resource"]["meta"]["versionId"] == "1"


def test_one_bad_entry_leaves_nothing_of_a_transaction(bench, fixture_resource, diagnostics):
    bundle = fixture_resource("transaction")
    del bundle["entry"][2]["resource"]["status"]
    answer = bench.post("", bundle)
    assert answer.status_code == 422
    assert diagnostics(answer).startswith("Bundle.entry[2]: Task lacks status")
    assert bench.found("Patient") == bench.found("ServiceRequest") == []


def test_an_entry_that_fails_while_writing_takes_the_others_back(bench, fixture_resource):
    bundle = fixture_resource("transaction")
    patient = {"resourceType": "Patient", "id": "river-1"}
    bench.put("Patient/river-1", patient)
    stale = {"resource": patient, "request": {"method": "PUT", "url": "Patient/river-1", "ifMatch": 'W/"7"'}}
    bundle["entry"].append(stale)
    assert bench.post("", bundle).status_code == 412
    assert bench.found("ServiceRequest") == []
    assert bench.found("Patient") == ["river-1"]


def test_a_transaction_updates_reads_and_deletes_in_the_order_of_the_standard(bench, observation):
    doomed = bench.create(observation(patient="p9"))
    bench.put("Patient/p9", {"resourceType": "Patient", "id": "p9"})
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"request": {"method": "GET", "url": "Observation?patient=p9"}},
            {"request": {"method": "GET", "url": "Patient/p9"}},
            {
                "resource": {"resourceType": "Patient", "id": "p9", "active": True},
                "request": {"method": "PUT", "url": "Patient/p9", "ifMatch": 'W/"1"'},
            },
            {"resource": observation(patient="p9"), "request": {"method": "POST", "url": "Observation"}},
            {"request": {"method": "DELETE", "url": f"Observation/{doomed}"}},
        ],
    }
    answer = bench.post("", bundle)
    assert answer.status_code == 200, answer.text
    entries = answer.json()["entry"]
    assert statuses(answer) == ["200 OK", "200 OK", "200 OK", "201 Created", "204 No Content"]
    new = entries[3]["response"]["location"].split("/")[1]
    assert [entry["resource"]["id"] for entry in entries[0]["resource"]["entry"]] == [new]
    assert entries[1]["resource"]["active"] is True


def test_a_batch_answers_each_entry_for_itself(bench, fixture_resource):
    bench.create(fixture_resource("patient"))
    answer = bench.post("", fixture_resource("batch"))
    assert answer.status_code == 200
    assert answer.json()["type"] == "batch-response"
    assert statuses(answer) == ["200 OK", "404 Not Found", "201 Created", "422 Unprocessable Entity"]
    entries = answer.json()["entry"]
    assert entries[0]["resource"]["total"] == 1
    assert entries[3]["response"]["outcome"]["issue"][0]["diagnostics"].startswith("Observation lacks code")
    assert len(bench.found("Observation")) == 1


def test_a_batch_of_reads_sees_history_and_old_versions(bench, fixture_resource):
    patient = fixture_resource("patient")
    resource_id = bench.create(patient)
    bench.put(f"Patient/{resource_id}", {**patient, "id": resource_id})
    urls = [
        f"Patient/{resource_id}",
        f"Patient/{resource_id}/_history/1",
        f"Patient/{resource_id}/_history",
        "metadata",
    ]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = bench.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert statuses(answer) == ["200 OK", "200 OK", "200 OK", "400 Bad Request"]
    assert [entry["resource"]["meta"]["versionId"] for entry in answer.json()["entry"][:2]] == ["2", "1"]


def test_a_batch_creates_conditionally_and_does_not_resolve_references_between_entries(bench, fixture_resource):
    entries = fixture_resource("transaction")["entry"]
    entries.append(copy.deepcopy(entries[0]))
    answer = bench.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert statuses(answer) == ["201 Created", "400 Bad Request", "400 Bad Request", "200 OK"]


@pytest.mark.parametrize(
    ("bundle", "reason"),
    [
        (b"{", "no JSON"),
        ({"resourceType": "Bundle", "type": "collection"}, "type transaction or batch"),
        ({"resourceType": "Patient"}, "type transaction or batch"),
        ({"resourceType": "Bundle", "type": "batch", "entry": {}}, "no list"),
    ],
)
def test_what_is_no_batch_and_no_transaction_is_refused(bench, diagnostics, bundle, reason):
    answer = bench.post("", bundle)
    assert answer.status_code == 400
    assert reason in diagnostics(answer)


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_an_empty_bundle_is_answered_with_an_empty_one(bench, kind):
    answer = bench.post("", {"resourceType": "Bundle", "type": kind})
    assert answer.json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({}, "needs a request"),
        ({"request": {"method": "POST", "url": "Unicorn"}}, "not served"),
        ({"request": {"method": "POST", "url": ""}}, "not possible inside a bundle"),
        ({"request": {"method": "POST", "url": "Patient"}}, "no FHIR resource"),
        ({"request": {"method": "DELETE", "url": "Patient?name=x"}}, "only GET, HEAD, POST"),
        (
            {
                "request": {"method": "PUT", "url": "Patient/a?active=true"},
                "resource": {"resourceType": "Patient", "id": "a"},
            },
            "conditional",
        ),
        (
            {
                "request": {"method": "POST", "url": "Encounter"},
                "resource": {
                    "resourceType": "Encounter",
                    "status": "planned",
                    "class": {"code": "AMB"},
                    "subject": {"reference": "urn:uuid:00000000-0000-0000-0000-000000000000"},
                },
            },
            "leads to no entry",
        ),
        (
            {
                "request": {"method": "POST", "url": "Condition"},
                "resource": {"resourceType": "Condition", "subject": {"reference": "Patient?identifier=a"}},
            },
            "conditional references",
        ),
    ],
)
def test_a_transaction_with_a_broken_entry_says_which(bench, diagnostics, entry, reason):
    good = {"request": {"method": "GET", "url": "Patient"}}
    answer = bench.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [good, entry]})
    assert answer.status_code in (400, 404, 405)
    assert diagnostics(answer).startswith("Bundle.entry[1]: ")
    assert reason in diagnostics(answer)


def test_a_transaction_may_not_change_one_resource_twice_nor_use_a_name_twice(bench, fixture_resource, diagnostics):
    update = {"resource": {"resourceType": "Patient", "id": "a"}, "request": {"method": "PUT", "url": "Patient/a"}}
    twice = bench.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [update, update]})
    assert (twice.status_code, "twice" in diagnostics(twice)) == (400, True)
    entry = fixture_resource("transaction")["entry"][0]
    named = bench.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry, entry]})
    assert (named.status_code, "fullUrl" in diagnostics(named)) == (400, True)
