"""Pharmacy, radiology, billing, papers, the portal and the interfaces, on the virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import orjson
import pytest

from harness.clinic.billing import due, during, icd_10, services
from harness.clinic.clinician import Found
from harness.clinic.document_inbox import id_in
from harness.clinic.imaging import IMAGES_A_STUDY, images_of, report_on
from harness.clinic.pharmacy import VERIFIED, verified
from harness.fhir import codes, resources
from harness.fhir.ancillary_codes import CLINIC_VISIT, PAPER_TO_FILE, PAPER_TO_SIGN, PROCEDURES
from harness.fhir.call import Answer, Call

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
REFUSED = Answer(412, outcome="expected_refusal")
NOTHING = Answer(200, b'{"resourceType":"Bundle","type":"searchset","total":0}')


def found(*matches: dict) -> Found:
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": match} for match in matches]}
    return Found(Answer(200, orjson.dumps(bundle)))


def bodies(calls: tuple[Call, ...], operation: str) -> list[dict]:
    return [orjson.loads(call.body) for call in calls if call.operation == operation]


def runs_of(clinic, workflow: str, seeds: int = 12) -> Iterator[tuple[Call, ...]]:
    for seed in range(seeds):
        yield clinic.play(workflow, seed=seed).calls


@pytest.mark.parametrize(
    ("workflow", "looked"),
    [
        ("verify-order", 1),
        ("read-study", 1),
        ("code-outpatient-visit", 1),
        ("code-inpatient-stay", 1),
        ("submit-claims", 1),
        ("review-unbilled", 1),
        ("request-authorization", 1),
        ("follow-up-authorizations", 1),
        ("file-fax", 1),
    ],
)
def test_an_empty_list_of_work_is_a_quiet_end_and_no_failure(clinic, workflow, looked):
    played = clinic.play(workflow, lambda call, answer: NOTHING)
    assert (played.outcome, len(played.calls)) == ("ok", looked)


@pytest.mark.parametrize(
    "workflow", ["verify-order", "read-study", "code-inpatient-stay", "submit-claims", "request-authorization"]
)
def test_nothing_is_written_about_what_the_harness_did_not_write(clinic, workflow):
    def foreign(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b'"code":"synthetic"', b'"code":"real"'))

    played = clinic.play(workflow, foreign)
    assert (played.outcome, [call for call in played.calls if call.body]) == ("ok", [])


def test_an_order_is_verified_in_the_version_that_was_seen_and_then_handed_over(clinic):
    calls = clinic.play("verify-order").calls
    queue, *looks, verifying, handing_over = calls
    assert "status=active" in queue.path
    assert "_sort=_lastUpdated" in queue.path
    assert [call.operation for call in looks] == [
        "AllergyIntolerance.search[patient]",
        "Observation.search[patient+code]",
    ]
    assert "2160-0" in looks[1].path
    assert dict(verifying.headers)["If-Match"] == 'W/"1"'
    order, dispensed = orjson.loads(verifying.body), orjson.loads(handing_over.body)
    assert [note["text"] for note in order["note"]] == [VERIFIED]
    assert dispensed["authorizingPrescription"] == [{"reference": f"MedicationRequest/{order['id']}"}]
    assert dispensed["medicationCodeableConcept"] == order["medicationCodeableConcept"]
    assert dispensed["subject"] == order["subject"]


def test_an_order_that_somebody_changed_meanwhile_is_not_handed_over(clinic):
    played = clinic.play("verify-order", lambda call, answer: REFUSED if call.method == "PUT" else answer)
    assert played.outcome == "ok"
    assert played.calls[-1].operation == "MedicationRequest.update"


def test_an_order_carries_the_pharmacys_note_once_and_keeps_the_others(clinic):
    pharmacist = clinic.clinician("pharmacist")
    order = {"resourceType": "MedicationRequest", "note": [{"text": "Take with food."}]}
    twice = verified(verified(order, pharmacist), pharmacist)
    assert [note["text"] for note in twice["note"]] == ["Take with food.", VERIFIED]
    assert order["note"] == [{"text": "Take with food."}]


def test_a_radiologist_fetches_each_image_as_it_comes_into_view_and_reports_once(clinic):
    played = clinic.play("read-study")
    views = [call.path for call in played.calls if call.operation == "Binary.read"]
    assert len(views) == IMAGES_A_STUDY
    assert all(one != other for one, other in pairwise(views))
    (report,) = bodies(played.calls, "DiagnosticReport.create")
    assert report["category"][0]["coding"][0]["code"] == "RAD"
    assert report["imagingStudy"][0]["reference"].startswith("ImagingStudy/")
    assert report["subject"] == {"reference": "Patient/p1"}
    assert played.calls[-1].operation == "DiagnosticReport.create"


def test_only_images_on_the_server_are_fetched():
    urls = ["Binary/1", "https://host/fhir/Binary/2/_history/1", "https://pacs/image/3", "NotBinary/4"]
    index = {"content": [{"attachment": {"url": url}} for url in urls] + [{"attachment": {"title": "none"}}]}
    assert images_of(index) == ["1", "2"]
    assert images_of({}) == []


@pytest.mark.parametrize("reference", ["Task/7", "https://host/fhir/Task/7", "Task/7/_history/2"])
def test_a_reference_says_its_id_however_it_is_written(reference):
    assert id_in(reference) == "7"


def test_a_study_that_does_not_say_what_was_examined_is_reported_by_its_description(clinic):
    study = {"id": "s", "subject": {"reference": "Patient/p1"}, "description": "Old film"}
    assert report_on(study, clinic.clinician("radiologist"))["code"] == {"text": "Old film"}


def test_a_bill_is_held_three_days_and_looked_for_a_month(clinic):
    assert due(date(2026, 3, 2)) == ("ge2026-01-31", "le2026-02-27")
    for workflow in ("review-unbilled", "code-outpatient-visit", "code-inpatient-stay"):
        searched = clinic.play(workflow).calls[0].path
        assert "status=finished&date=ge2025-12-06&date=le2026-01-02&service-provider=Organization/o1" in searched
    assert "class=IMP" in searched


def test_unbilled_visits_are_paged_through_by_the_hundred(clinic):
    calls = clinic.play("review-unbilled").calls
    assert "_count=100" in calls[0].path
    assert sum(call.operation == "Encounter.search.next" for call in calls) >= 3
    assert calls[-1].operation == "Encounter.read"


def test_procedures_are_looked_for_on_the_days_of_the_visit():
    assert during({"period": {"start": "2026-03-02T08:00:00-05:00", "end": "2026-03-05T10:00:00-05:00"}}) == (
        "ge2026-03-02",
        "le2026-03-05",
    )
    assert during({"period": {"start": "2026-03-02"}}) == ("ge2026-03-02", "le2026-03-02")


def test_procedures_are_charged_and_a_visit_without_one_is_charged_for_itself():
    def done(number: int) -> dict:
        return {**resources.procedure("P/1", PROCEDURES[0], performed=NOW), "id": str(number)}

    charged = services(found(*(done(number) for number in range(5))), CLINIC_VISIT)
    assert [procedure for _, procedure in charged] == ["Procedure/0", "Procedure/1", "Procedure/2"]
    ((service, procedure),) = services(found({"resourceType": "Procedure", "id": "uncoded"}), CLINIC_VISIT)
    assert (service["coding"][0]["code"], procedure) == ("G0463", "")


def test_a_diagnosis_is_billed_as_billing_has_it_or_not_at_all():
    problem = resources.condition("P/1", codes.PROBLEMS[0], recorded=date(2020, 1, 1))
    uncoded = {"resourceType": "Condition", "code": {"text": "not feeling well"}}
    (billed,) = icd_10(found(uncoded, problem))
    assert [coding["code"] for coding in billed["coding"]] == ["I10"]


def test_a_charge_says_for_which_visit_why_and_who_entered_it(clinic):
    for calls in runs_of(clinic, "code-outpatient-visit"):
        charges = bodies(calls, "ChargeItem.create")
        assert 1 <= len(charges) <= 3
        for charge in charges:
            assert charge["status"] == "billable"
            assert charge["context"]["reference"].startswith("Encounter/")
            assert charge["enterer"] == {"reference": "Practitioner/c1"}
            assert charge["performingOrganization"] == {"reference": "Organization/o1"}
            assert charge["reason"][0]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10-cm"


def test_each_claim_goes_with_the_charge_that_it_bills(clinic):
    (bundle,) = bodies(clinic.play("submit-claims").calls, "transaction[claims]")
    claims = [entry["resource"] for entry in bundle["entry"] if entry["request"]["method"] == "POST"]
    charges = [entry for entry in bundle["entry"] if entry["request"]["method"] == "PUT"]
    assert len(claims) == len(charges) == 5
    assert {claim["use"] for claim in claims} == {"claim"}
    assert {charge["resource"]["status"] for charge in charges} == {"billed"}
    assert {charge["request"]["ifMatch"] for charge in charges} == {'W/"1"'}


def test_what_is_billed_already_is_not_billed_again(clinic):
    def billed(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b'"status":"billable"', b'"status":"billed"'))

    played = clinic.play("submit-claims", billed)
    assert (played.outcome, len(played.calls)) == ("ok", 1)


def test_who_has_no_plan_is_not_billed_and_needs_no_authorization(clinic):
    def uninsured(call: Call, answer: Answer) -> Answer:
        return NOTHING if call.operation.startswith("Coverage") else answer

    for workflow in ("submit-claims", "request-authorization"):
        played = clinic.play(workflow, uninsured)
        assert played.outcome == "ok"
        assert not any(call.body for call in played.calls)


def test_claims_that_a_colleague_sends_at_the_same_moment_are_left_to_her(clinic):
    played = clinic.play("submit-claims", lambda call, answer: answer if call.path else REFUSED)
    assert played.outcome == "ok"


def test_an_authorization_is_asked_with_the_note_that_supports_it_and_looked_up_later(clinic):
    (asked,) = bodies(clinic.play("request-authorization").calls, "Claim.create")
    assert asked["use"] == "preauthorization"
    assert asked["supportingInfo"][0]["valueReference"]["reference"].startswith("DocumentReference/")
    assert asked["insurance"][0]["coverage"]["reference"].startswith("Coverage/")
    looked_up = clinic.play("follow-up-authorizations").calls
    assert "use=preauthorization" in looked_up[0].path
    assert [call.operation for call in looked_up[1:]] == ["Claim.read"] * 3


def test_a_fax_comes_in_as_image_document_and_task_and_is_about_nobody_yet(clinic):
    image, document, task = clinic.play("receive-fax").calls
    filed, waiting = orjson.loads(document.body), orjson.loads(task.body)
    assert "subject" not in filed
    assert filed["content"][0]["attachment"]["url"] == "Binary/new"
    assert waiting["status"] == "requested"
    assert waiting["focus"] == {"reference": "DocumentReference/new"}
    assert waiting["owner"] == {"reference": "Organization/o1"}
    assert waiting["code"]["coding"][0]["code"] == PAPER_TO_FILE.code
    assert 133_000 < len(image.body) < 6_700_000


def test_a_clerk_takes_a_fax_files_it_under_the_patient_and_ticks_it_off(clinic):
    played = clinic.play("file-fax")
    inbox = played.calls[0].path
    assert f"code={PAPER_TO_FILE.code}&status=requested&owner=Organization/o1" in inbox
    (filed,) = bodies(played.calls, "DocumentReference.update")
    assert filed["subject"] == {"reference": "Patient/p1"}
    taken, done = bodies(played.calls, "Task.update")
    assert (taken["status"], done["status"]) == ("in-progress", "completed")
    assert done["for"] == {"reference": "Patient/p1"}
    assert played.calls[-1].operation == "Task.update"


def test_a_fax_that_a_colleague_took_is_hers(clinic):
    played = clinic.play("file-fax", lambda call, answer: REFUSED if call.method == "PUT" else answer)
    assert (played.outcome, len(played.calls)) == ("ok", 2)


def test_a_scanned_paper_is_in_the_chart_and_waits_to_be_signed(clinic):
    calls = clinic.play("scan-paper").calls
    (filed,), (task,) = bodies(calls, "DocumentReference.create"), bodies(calls, "Task.create")
    assert filed["subject"] == task["for"] == {"reference": "Patient/p1"}
    assert task["code"]["coding"][0]["code"] == PAPER_TO_SIGN.code


def test_people_on_the_portal_see_their_own_record_and_write_as_themselves(clinic):
    for workflow in ("portal-results", "portal-notes", "portal-message"):
        first, *others = clinic.play(workflow).calls
        assert first.path == "Patient/p1"
        assert all("patient=p1" in call.path for call in others if ".search" in call.operation)
    answered = set()
    for calls in runs_of(clinic, "portal-message"):
        (message,) = bodies(calls, "Communication.create")
        assert message["sender"] == message["subject"] == {"reference": "Patient/p1"}
        assert message["recipient"] == [{"reference": "Organization/o1"}]
        answered.add("inResponseTo" in message)
    assert answered == {True, False}


def test_a_visit_message_that_comes_twice_makes_one_patient_and_one_visit(clinic):
    (call,) = clinic.play("register-visit-message").calls
    patient, visit = orjson.loads(call.body)["entry"]
    assert patient["request"]["ifNoneExist"] == "identifier=urn:emr-load-harness:mrn:virtual|100000001"
    number = visit["resource"]["identifier"][0]["value"]
    assert visit["request"]["ifNoneExist"] == f"identifier=urn:emr-load-harness:id|{number}"
    assert visit["resource"]["subject"] == {"reference": patient["fullUrl"]}


def test_an_interface_changes_no_record_that_others_wrote(clinic):
    def foreign(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b'"code":"synthetic"', b'"code":"real"'))

    assert [call.operation for call in clinic.play("update-record-message", foreign).calls] == [
        "Patient.search[identifier]"
    ]
    (corrected,) = bodies(clinic.play("update-record-message").calls, "Patient.update")
    assert corrected["telecom"][0]["value"].startswith("555-01")


def test_a_results_message_brings_a_report_with_all_its_values(clinic):
    for calls in runs_of(clinic, "results-message", 4):
        (bundle,) = bodies(calls, "transaction[oru]")
        *values, report = bundle["entry"]
        assert [result["reference"] for result in report["resource"]["result"]] == [one["fullUrl"] for one in values]
        assert {one["resource"]["subject"]["reference"] for one in bundle["entry"]} == {"Patient/p1"}


def test_machines_do_not_think(clinic):
    for workflow in ("receive-fax", "register-visit-message", "update-record-message", "results-message"):
        assert clinic.play(workflow).think_s == 0.0
