"""Pharmacy, radiology, billing, papers and messages as resources."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime, timedelta, timezone

import pytest

from harness.fhir import codes, resources
from harness.fhir.ancillary_codes import DIAGNOSTIC_IMAGING, FAX_TYPES, IMAGING_EXAMS, PAPER_TO_SIGN
from harness.fhir.resources.papers import LARGEST_SCAN_BYTES, SMALLEST_SCAN_BYTES

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=-5)))
PATIENT, PHARMACIST, SITE, VISIT = "Patient/1", "Practitioner/2", "Organization/3", "Encounter/4"
SERVICE = {"text": "a service"}


def test_a_dispense_hands_over_what_was_ordered():
    order = resources.medication_request(PATIENT, codes.MEDICATIONS[0], requester="Practitioner/9", authored=NOW)
    dispensed = resources.medication_dispense(
        PATIENT,
        order["medicationCodeableConcept"],
        performer=PHARMACIST,
        handed_over=NOW,
        request="MedicationRequest/5",
        dosage=order["dosageInstruction"],
        encounter=VISIT,
    )
    assert dispensed["medicationCodeableConcept"] == order["medicationCodeableConcept"]
    assert dispensed["dosageInstruction"] == order["dosageInstruction"]
    assert dispensed["authorizingPrescription"] == [{"reference": "MedicationRequest/5"}]
    assert dispensed["context"] == {"reference": VISIT}
    assert dispensed["performer"] == [{"actor": {"reference": PHARMACIST}}]


def test_a_study_counts_its_images_and_names_each_once():
    study = resources.imaging_study(PATIENT, IMAGING_EXAMS[1], uid="1.2.3", images=4, started=NOW, order="X/1")
    (series,) = study["series"]
    assert study["numberOfInstances"] == series["numberOfInstances"] == len(series["instance"]) == 4
    uids = [series["uid"], *(image["uid"] for image in series["instance"])]
    assert len(set(uids)) == 5
    assert all(uid.startswith("1.2.3.1") for uid in uids)
    assert study["procedureCode"][0]["text"] == "CT Head"
    assert study["basedOn"] == [{"reference": "X/1"}]


def test_the_index_of_a_study_leads_to_its_images_in_order():
    index = resources.image_index(PATIENT, ["Binary/7", "Binary/8"], at=NOW, study="ImagingStudy/6", custodian=SITE)
    assert [one["attachment"]["url"] for one in index["content"]] == ["Binary/7", "Binary/8"]
    assert index["type"]["coding"][0]["code"] == DIAGNOSTIC_IMAGING.code == "18748-4"
    assert index["context"] == {"related": [{"reference": "ImagingStudy/6"}]}


def test_a_radiology_report_belongs_to_its_study_and_not_to_the_laboratory():
    report = resources.imaging_report(PATIENT, SERVICE, "Clear.", at=NOW, study="ImagingStudy/6", interpreter="P/1")
    assert report["category"][0]["coding"][0]["code"] == "RAD"
    assert report["imagingStudy"] == [{"reference": "ImagingStudy/6"}]
    assert report["conclusion"] == "Clear."


def test_a_claim_has_its_items_priced_summed_and_tied_to_the_first_diagnosis():
    claim = resources.claim(
        PATIENT,
        [SERVICE, SERVICE],
        coverage="Coverage/7",
        created=NOW,
        provider=SITE,
        price=12.5,
        diagnoses=[{"text": "a diagnosis"}],
        encounter=VISIT,
        attachments=["DocumentReference/8"],
    )
    assert [item["sequence"] for item in claim["item"]] == [1, 2]
    assert {item["diagnosisSequence"][0] for item in claim["item"]} == {claim["diagnosis"][0]["sequence"]}
    assert claim["item"][0]["net"] == {"value": 12.5, "currency": "USD"}
    assert claim["total"]["value"] == 25.0
    assert claim["supportingInfo"][0]["valueReference"] == {"reference": "DocumentReference/8"}
    assert claim["insurance"] == [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/7"}}]


def test_a_claim_without_diagnosis_ties_its_items_to_none():
    claim = resources.claim(PATIENT, [SERVICE], coverage="C/7", created=NOW, provider=SITE, price=1.0)
    assert "diagnosis" not in claim
    assert "diagnosisSequence" not in claim["item"][0]


def test_a_claim_always_says_who_gave_the_service_as_r4_asks():
    claim = resources.claim(PATIENT, [SERVICE], coverage="C/7", created=NOW, provider="", price=1.0)
    assert claim["provider"] == {"display": "The site of the service"}


def test_a_charge_is_billable_until_it_is_billed():
    charge = resources.charge_item(
        PATIENT, SERVICE, encounter=VISIT, entered=NOW, procedure="Procedure/5", reason={"text": "why"}
    )
    assert charge["status"] == "billable"
    assert charge["context"] == {"reference": VISIT}
    assert charge["service"] == [{"reference": "Procedure/5"}]
    assert charge["reason"] == [{"text": "why"}]


@pytest.mark.parametrize("size", [3, 100_000, 123_456, LARGEST_SCAN_BYTES])
def test_a_scan_is_as_large_as_was_asked_for_give_or_take_two_bytes(size):
    scan = resources.binary(size)
    assert len(b64decode(scan["data"], validate=True)) == size // 3 * 3
    assert scan["contentType"] == "application/pdf"


@pytest.mark.parametrize("size", [0, 2, LARGEST_SCAN_BYTES + 1])
def test_a_scan_of_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match="from 3 to"):
        resources.binary(size)


def test_half_of_all_scans_are_small_and_the_mean_is_four_tenths_of_a_megabyte():
    sizes = [resources.scan_bytes(number / 10_000) for number in range(10_001)]
    assert (sizes[0], sizes[-1]) == (SMALLEST_SCAN_BYTES, LARGEST_SCAN_BYTES)
    assert sizes[5000] == pytest.approx(196_000, rel=0.01)
    assert sum(sizes) / len(sizes) == pytest.approx(399_000, rel=0.01)


def test_a_fax_is_about_nobody_until_it_is_filed():
    fax = resources.filed_paper("Binary/6", FAX_TYPES[0], at=NOW, custodian=SITE)
    assert "subject" not in fax
    assert fax["content"][0]["attachment"]["url"] == "Binary/6"
    filed = resources.filed_paper("Binary/6", FAX_TYPES[0], at=NOW, patient=PATIENT)
    assert filed["subject"] == {"reference": PATIENT}


def test_a_paper_waits_as_a_requested_task_of_the_site():
    task = resources.paper_task("DocumentReference/8", authored=NOW, owner=SITE, what=PAPER_TO_SIGN, patient=PATIENT)
    assert (task["status"], task["intent"]) == ("requested", "order")
    assert task["focus"] == {"reference": "DocumentReference/8"}
    assert task["owner"] == {"reference": SITE}
    assert task["for"] == {"reference": PATIENT}


def test_an_answer_says_to_which_message():
    message = resources.communication(
        PATIENT, "Yes.", sender=PHARMACIST, sent=NOW, recipient=PATIENT, answers="Communication/3"
    )
    assert message["inResponseTo"] == [{"reference": "Communication/3"}]
    assert message["payload"] == [{"contentString": "Yes."}]
    assert "inResponseTo" not in resources.communication(PATIENT, "May I?", sender=PATIENT, sent=NOW)
