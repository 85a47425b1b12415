"""Builders give R4 resources without empty parts. (That a real server validates them is tried in tests/real.)"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.fhir import codes, resources
from harness.fhir.ancillary_codes import FAX_TYPES, IMAGING_EXAMS, PROCEDURES

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=-5)))
PATIENT, PHYSICIAN, SITE, VISIT = "Patient/1", "Practitioner/2", "Organization/3", "Encounter/4"


def one_of_each() -> list[dict[str, Any]]:
    return [
        resources.patient("river", "1", family="Ng", given="An", gender="female", birthdate=date(1980, 2, 3)),
        resources.practitioner(family="Ng", given="An", identifier="p"),
        resources.organization("River", "o"),
        resources.encounter(PATIENT, status="planned", start=NOW),
        resources.appointment(PATIENT, PHYSICIAN, start=NOW, end=NOW + timedelta(minutes=20)),
        resources.coverage(PATIENT, payer="Plan", member="m", start=date(2026, 1, 1)),
        resources.condition(PATIENT, codes.PROBLEMS[0], recorded=date(2020, 1, 1)),
        resources.allergy(PATIENT, codes.ALLERGENS[0], recorded=date(2020, 1, 1), reaction=codes.ALLERGY_REACTIONS[0]),
        *resources.vital_signs(PATIENT, at=NOW, systolic=120, diastolic=80, heart_rate=70, oxygen_saturation=98),
        resources.lab_observation(PATIENT, codes.POTASSIUM, 4.2, at=NOW),
        resources.diagnostic_report(PATIENT, codes.LAB_PANELS[0], results=["Observation/1"], at=NOW),
        resources.document_reference(PATIENT, codes.NOTE_TYPES[0], "Seen.", author=PHYSICIAN, at=NOW),
        resources.medication_request(PATIENT, codes.MEDICATIONS[0], requester=PHYSICIAN, authored=NOW),
        resources.medication_administration(PATIENT, codes.MEDICATIONS[0], performer=PHYSICIAN, given=NOW),
        resources.service_request(PATIENT, codes.LAB_PANELS[0], requester=PHYSICIAN, performer=SITE, authored=NOW),
        *of_services_around_the_visit(),
        resources.bed("Ward 3, bed 12"),
        resources.bed_request(PATIENT, VISIT, authored=NOW),
        resources.transport(PATIENT, authored=NOW),
    ]


def of_services_around_the_visit() -> list[dict[str, Any]]:
    """What pharmacy, radiology, billing, the inbox and the portal write, with as little in it as may be."""
    drug = {"text": "a drug"}
    return [
        resources.medication_dispense(PATIENT, drug, performer="", handed_over=NOW, request="MedicationRequest/5"),
        resources.imaging_study(PATIENT, IMAGING_EXAMS[0], uid="1.2.3", images=2, started=NOW),
        resources.image_index(PATIENT, ["Binary/6"], at=NOW),
        resources.imaging_report(PATIENT, {"text": "CT"}, "Nothing.", at=NOW),
        resources.procedure(PATIENT, PROCEDURES[0], performed=NOW),
        resources.charge_item(PATIENT, {"text": "visit"}, encounter=VISIT, entered=NOW),
        resources.claim(PATIENT, [drug], coverage="Coverage/7", created=NOW, provider=SITE, price=1.0),
        resources.binary(300),
        resources.filed_paper("Binary/6", FAX_TYPES[0], at=NOW),
        resources.paper_task("DocumentReference/8", authored=NOW),
        resources.communication(PATIENT, "May I?", sender=PATIENT, sent=NOW),
    ]


def parts(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("resource", one_of_each(), ids=lambda resource: resource["resourceType"])
def test_no_part_of_a_resource_is_empty(resource: dict[str, Any]):
    assert all(part not in ("", None, [], {}) for part in parts(resource))
    assert orjson.loads(orjson.dumps(resource)) == resource


def test_every_builder_that_is_exported_is_tried_in_this_folder():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert {name for name in resources.__all__ if f"resources.{name}(" not in tests} == set()


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        resources.encounter(PATIENT, status="planned", start=datetime(2026, 3, 2, 8, 30))


def test_a_time_is_written_to_the_second_with_its_zone():
    assert resources.encounter(PATIENT, status="planned", start=NOW)["period"] == {"start": "2026-03-02T08:30:00-05:00"}
    in_utc = resources.encounter(PATIENT, status="finished", start=NOW, end=NOW.astimezone(UTC))
    assert in_utc["period"]["end"] == "2026-03-02T13:30:00+00:00"


def test_a_patient_is_known_by_the_number_of_her_site():
    address = resources.Address("1 Main St", "Springfield", "", "62701", "DE")
    patient = resources.patient(
        "river",
        "100000001",
        family="Ng",
        given="An",
        gender="female",
        birthdate=date(1980, 2, 3),
        address=address,
        phone="030 1",
        managing_organization=SITE,
    )
    assert patient["identifier"][0]["system"] == "urn:emr-load-harness:mrn:river"
    assert patient["identifier"][0]["value"] == "100000001"
    assert "state" not in patient["address"][0]
    assert patient["telecom"] == [{"system": "phone", "value": "030 1", "use": "home"}]
    assert patient["managingOrganization"] == {"reference": SITE}


def test_a_practitioner_has_an_npi_only_where_there_is_one():
    here = resources.practitioner(family="Ng", given="An", identifier="p", npi="1234567893", title="Nurse")
    elsewhere = resources.practitioner(family="Ng", given="An", identifier="p")
    assert [one["system"] for one in here["identifier"]] == [
        "http://hl7.org/fhir/sid/us-npi",
        "urn:emr-load-harness:id",
    ]
    assert [one["system"] for one in elsewhere["identifier"]] == ["urn:emr-load-harness:id"]
    assert here["qualification"] == [{"code": {"text": "Nurse"}}]


@pytest.mark.parametrize(("value", "meaning"), [(3.4, "L"), (3.5, "N"), (5.1, "N"), (5.14, "N"), (5.16, "H")])
def test_a_result_means_what_its_reported_value_means(value: float, meaning: str):
    found = resources.lab_observation(PATIENT, codes.POTASSIUM, value, at=NOW, order="ServiceRequest/9")
    assert found["interpretation"][0]["coding"][0]["code"] == meaning
    assert found["valueQuantity"]["value"] == round(value, 1)
    assert found["basedOn"] == [{"reference": "ServiceRequest/9"}]


def test_vital_signs_are_a_blood_pressure_and_what_else_was_taken():
    pressure, *others = resources.vital_signs(
        PATIENT,
        at=NOW,
        systolic=121.4,
        diastolic=80,
        temperature_c=36.66,
        respiratory_rate=14,
        oxygen_saturation=98,
        identifier="v",
    )
    assert [part["valueQuantity"]["value"] for part in pressure["component"]] == [121, 80]
    assert "valueQuantity" not in pressure
    assert [one["valueQuantity"]["value"] for one in others] == [14, 36.7, 98]
    assert [one["identifier"][0]["value"] for one in (pressure, *others)] == [
        "v.85354-9",
        "v.9279-1",
        "v.8310-5",
        "v.2708-6",
    ]
    saturation = others[-1]["code"]["coding"]
    assert [code["code"] for code in saturation] == ["2708-6", "59408-5"]


def test_an_order_says_its_dose_in_words_and_numbers():
    (acetaminophen,) = (one for one in codes.MEDICATIONS if one.coding.code == "313782")
    dosage = resources.medication_request(PATIENT, acetaminophen, requester=PHYSICIAN, authored=NOW)[
        "dosageInstruction"
    ]
    assert dosage[0]["text"] == "Take 2 tablets by mouth three times a day"
    assert dosage[0]["doseAndRate"][0]["doseQuantity"]["value"] == 2
    assert dosage[0]["timing"]["repeat"] == {"frequency": 3, "period": 1, "periodUnit": "d"}


def test_a_drug_may_be_given_as_the_order_names_it():
    order = resources.medication_request(PATIENT, codes.MEDICATIONS[0], requester=PHYSICIAN, authored=NOW)
    given = resources.medication_administration(
        PATIENT, order["medicationCodeableConcept"], performer=PHYSICIAN, given=NOW, request="MedicationRequest/5"
    )
    assert given["medicationCodeableConcept"] == order["medicationCodeableConcept"]
    assert given["request"] == {"reference": "MedicationRequest/5"}
    assert "dosage" not in given


def test_a_note_holds_its_text():
    note = resources.document_reference(
        PATIENT, codes.NOTE_TYPES[0], "Größe?", author=PHYSICIAN, at=NOW, encounter=VISIT
    )
    assert base64.b64decode(note["content"][0]["attachment"]["data"]).decode() == "Größe?"
    assert note["context"] == {"encounter": [{"reference": VISIT}]}


def test_a_laboratory_order_is_found_by_its_category():
    order = resources.service_request(PATIENT, codes.LAB_PANELS[0], requester=PHYSICIAN, performer=SITE, authored=NOW)
    assert order["category"][0]["coding"][0]["code"] == "108252007"
    assert order["performer"] == [{"reference": SITE}]
