"""Beds, tasks, imaging, documents, pharmacy and billing: what a hospital stores, and how it is found."""

from __future__ import annotations

import base64
from pathlib import Path
from uuid import uuid4

import pytest

from harness.sandbox.parameters import PARAMETERS
from harness.sandbox.routes import LANES, lane_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json") if path.stem not in ("batch", "transaction"))


@pytest.fixture
def hospital(bench, fixture_resource):
    """Every hand-written resource, once."""
    for name in NAMES:
        resource = fixture_resource(name)
        assert bench.post(resource["resourceType"], resource).status_code == 201, name
    return bench


@pytest.mark.parametrize(
    "criteria",
    [
        "Location?operational-status=U",
        "Location?operational-status=http://terminology.hl7.org/CodeSystem/v2-0116|U&organization=river",
        "Location?partof=Location/river-ward-3&status=active&type=HU",
        "Location?name=ward",
        "Encounter?status=in-progress&class=IMP",
        "Encounter?location=Location/river-bed-3-12&patient=river-417",
        "Encounter?class=IMP&date=ge2026-11-20&_count=100",
        "Encounter?location-period=ge2026-11-22",
        "Task?status=requested&owner=Practitioner/river-document-clerk-1",
        "Task?patient=river-417&_sort=-authored-on",
        "Task?focus=DocumentReference/river-fax-1&modified=ge2026-11-22",
        "Task?requester=Organization/river&status:not=completed",
        "Procedure?patient=river-417&date=2026-11-22",
        "Procedure?encounter=river-visit-1&code=http://snomed.info/sct|29303009",
        "DocumentReference?patient=river-417&type=http://loinc.org|18748-4",
        "DocumentReference?contenttype=application/pdf",
        "ImagingStudy?patient=river-417&modality=DX&status=available",
        "ImagingStudy?started=2026-11-22&bodysite=51185008",
        "Communication?patient=river-417&status=completed",
        "Communication?recipient=Practitioner/river-physician-1&sent=ge2026-11-21&_sort=-sent",
        "Communication?sender=Patient/river-417",
        "MedicationDispense?patient=river-417&status=completed",
        "MedicationDispense?prescription=MedicationRequest/river-order-1&whenhandedover=2026-11-22",
        "MedicationRequest?status=active&_lastUpdated=gt2026-01-01&_sort=_lastUpdated",
        "Coverage?patient=river-417&status=active",
        "ChargeItem?patient=river-417&context=Encounter/river-visit-1",
        "ChargeItem?entered-date=2026-11-24&enterer=Practitioner/river-biller-1",
        "Claim?patient=river-417&use=preauthorization&status=active",
        "Claim?encounter=Encounter/river-visit-1&created=2026-11-22",
        "ClaimResponse?request=Claim/river-claim-1&outcome=queued",
        "Device?patient=river-417&location=Location/river-bed-3-12&status=active",
        "Device?device-name=bedside&organization=river",
        "Binary?_tag=urn:emr-load-harness:tag|synthetic",
    ],
)
def test_what_the_hospitals_staff_look_for_is_found(hospital, criteria):
    assert len(hospital.found(criteria)) == 1


@pytest.mark.parametrize(
    "criteria",
    [
        "Location?operational-status=O",
        "Encounter?location=Location/river-bed-3-13",
        "Encounter?location-period=lt2026-11-20",
        "Task?status=completed",
        "ClaimResponse?outcome=complete",
        "ChargeItem?patient=river-418",
        "Communication?recipient=Patient/river-417",
    ],
)
def test_what_is_not_there_is_not_found(hospital, criteria):
    assert hospital.found(criteria) == []


def test_a_document_of_ten_megabytes_comes_back_as_it_was_sent(bench):
    data = base64.b64encode(bytes(range(256)) * 29_000).decode()
    assert len(data) > 9_800_000
    sent = {
        "resourceType": "Binary",
        "contentType": "image/tiff",
        "securityContext": {"reference": "Patient/river-417"},
        "data": data,
    }
    created = bench.post("Binary", sent, Prefer="return=minimal")
    assert (created.status_code, created.content) == (201, b"")
    place = created.headers["Location"].partition("/fhir/")[2].partition("/_history")[0]
    read = bench.get(place, Accept="application/fhir+json", Accept_Encoding="gzip")
    assert read.headers["Content-Type"].startswith("application/fhir+json")
    assert "Content-Encoding" not in read.headers, "packing it would hold up everybody else for a fifth of a second"
    assert {name: value for name, value in read.json().items() if name not in ("id", "meta")} == sent


def test_a_document_in_a_transaction_leads_to_its_binary(bench, fixture_resource):
    name = f"urn:uuid:{uuid4()}"
    document = fixture_resource("document-reference")
    document["content"][0]["attachment"]["url"] = name
    entries = [
        {"resource": document, "request": {"method": "POST", "url": "DocumentReference"}},
        {
            "fullUrl": name,
            "resource": fixture_resource("binary"),
            "request": {"method": "POST", "url": "Binary"},
        },
    ]
    answer = bench.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 200, answer.text
    (found,) = bench.get("DocumentReference?type=18748-4").json()["entry"]
    url = found["resource"]["content"][0]["attachment"]["url"]
    assert bench.get(url).json()["contentType"] == "application/pdf"


def test_an_address_that_no_entry_carries_stays_as_it_is(bench, fixture_resource):
    document = fixture_resource("document-reference")
    document["content"][0]["attachment"]["url"] = elsewhere = f"urn:uuid:{uuid4()}"
    entries = [{"resource": document, "request": {"method": "POST", "url": "DocumentReference"}}]
    bench.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    (found,) = bench.get("DocumentReference").json()["entry"]
    assert found["resource"]["content"][0]["attachment"]["url"] == elsewhere


@pytest.mark.parametrize(
    ("kind", "lane"),
    [
        ("Location", "scheduling"),
        ("Task", "scheduling"),
        ("MedicationDispense", "orders"),
        ("ImagingStudy", "labs"),
        ("Binary", "documents"),
        ("Communication", "documents"),
        ("ChargeItem", "billing"),
        ("Claim", "billing"),
        ("Coverage", "billing"),
        ("Encounter", "charting"),
        ("Procedure", "charting"),
    ],
)
def test_each_kind_belongs_to_a_lane(kind, lane):
    assert lane_of(f"{kind}.search") == lane


def test_every_kind_has_one_of_the_lanes_that_there_are():
    assert {lane_of(f"{kind}.read") for kind in PARAMETERS} == set(LANES)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("ChargeItem", "status, code, subject"), ("ClaimResponse", "outcome"), ("Binary", "contentType")],
)
def test_what_lacks_a_required_element_is_refused(bench, diagnostics, kind, missing):
    answer = bench.post(kind, {"resourceType": kind})
    assert answer.status_code == 422
    assert missing in diagnostics(answer)
