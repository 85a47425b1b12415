"""A status of 200 is not yet a right answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from harness.fhir import checks
from harness.fhir.call import Answer


def answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(content))


def searchset(*resources: dict[str, Any], mode: str = "match", **more: Any) -> dict[str, Any]:
    entries = [{"resource": resource, "search": {"mode": mode}} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def observation(subject: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o", "subject": {"reference": subject}}


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Mrs Secret was not found"}]}


def test_the_resource_that_was_asked_for_is_right():
    assert checks.is_resource(answer({"resourceType": "Patient", "id": "1"}), "Patient", "1") == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"resourceType": "Patient", "id": "2"}, "another Patient"),
        ({"resourceType": "Observation", "id": "1"}, "Observation where Patient must be"),
        (OUTCOME, "OperationOutcome where Patient must be"),
        ([], "something without a resourceType"),
        ({"resourceType": "<script>"}, "something without a resourceType"),
    ],
)
def test_another_resource_is_wrong(content: Any, says: str):
    assert says in checks.is_resource(answer(content), "Patient", "1")


def test_a_page_of_html_is_wrong_for_every_check():
    page = Answer(200, b"<html>Mrs Secret, please log in</html>")
    for wrong in (
        checks.is_resource(page, "Patient", "1"),
        checks.is_stored(page, "Patient"),
        checks.is_search_result(page, "Patient", None, 0),
        checks.holds_patient(page, "1"),
        checks.is_bundle_response(page, "batch", 1),
        checks.is_capability_statement(page),
    ):
        assert wrong == "the body is not JSON"


@pytest.mark.parametrize(
    "reference",
    ["Patient/12", "https://host/fhir/Patient/12", "Patient/12/_history/3", "http://h/Patient/12/_history/3"],
)
def test_a_match_about_the_patient_is_right_however_the_reference_is_written(reference: str):
    assert checks.is_search_result(answer(searchset(observation(reference))), "Observation", "12", 1) == ""


@pytest.mark.parametrize("reference", ["Patient/13", "https://host/fhir/Patient/1", "Patient/120", "SomePatient/12"])
def test_another_patients_result_is_caught(reference: str):
    content = searchset(observation("Patient/12"), observation(reference))
    assert checks.is_search_result(answer(content), "Observation", "12", 1) != ""


def test_the_patient_is_found_wherever_a_kind_names_her():
    about = {"reference": "Patient/12"}
    matches = [
        {"resourceType": "AllergyIntolerance", "patient": about},
        {"resourceType": "Coverage", "beneficiary": about},
        {"resourceType": "Appointment", "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": about}]},
        {"resourceType": "Patient", "id": "12"},
    ]
    for match in matches:
        kind = match["resourceType"]
        assert checks.is_search_result(answer(searchset(match)), kind, "12", 1) == ""
        assert "another patient" in checks.is_search_result(answer(searchset(match)), kind, "13", 1)


def test_a_match_that_says_nothing_about_whom_it_is_is_wrong():
    content = searchset({"resourceType": "Observation", "id": "o"})
    assert "does not say whom" in checks.is_search_result(answer(content), "Observation", "12", 0)


def test_without_a_patient_anybodys_result_is_right():
    content = searchset(observation("Patient/1"), observation("Patient/2"))
    assert checks.is_search_result(answer(content), "Observation", None, 2) == ""


def test_too_few_matches_are_wrong_and_included_resources_do_not_count():
    content = searchset(observation("Patient/12"))
    content["entry"] += searchset({"resourceType": "Patient", "id": "12"}, mode="include")["entry"]
    assert checks.is_search_result(answer(content), "Observation", "12", 1) == ""
    assert "1 matches of Observation where at least 2" in checks.is_search_result(
        answer(content), "Observation", "12", 2
    )


def test_an_outcome_in_a_searchset_is_legal_and_no_match():
    content = searchset(observation("Patient/12"))
    content["entry"] += searchset(OUTCOME, mode="outcome")["entry"]
    assert checks.is_search_result(answer(content), "Observation", "12", 1) == ""
    assert "0 matches" in checks.is_search_result(answer(searchset(OUTCOME, mode="outcome")), "Observation", "12", 1)


def test_a_search_that_matches_another_kind_is_wrong():
    content = searchset({"resourceType": "Condition", "subject": {"reference": "Patient/12"}})
    assert "(Condition)" in checks.is_search_result(answer(content), "Observation", "12", 0)


def test_a_history_is_no_search_result():
    content = {**searchset(), "type": "history"}
    assert "searchset" in checks.is_search_result(answer(content), "Observation", None, 0)


def test_nobody_found_and_somebody_else_found_are_both_wrong():
    somebody = {"resourceType": "Patient", "id": "13"}
    assert checks.holds_patient(answer(searchset({"resourceType": "Patient", "id": "12"}, somebody)), "12") == ""
    assert "not among those found" in checks.holds_patient(answer(searchset(somebody)), "12")
    assert "0 matches" in checks.holds_patient(answer(searchset()), "12")


def test_what_was_stored_comes_back_with_its_id():
    assert checks.is_stored(answer({"resourceType": "Encounter", "id": "7"}, 201), "Encounter") == ""
    assert checks.is_stored(answer({"resourceType": "Encounter", "id": "7"}), "Encounter", "7") == ""
    assert "another Encounter" in checks.is_stored(answer({"resourceType": "Encounter", "id": "8"}), "Encounter", "7")
    assert "without an id" in checks.is_stored(answer({"resourceType": "Encounter"}), "Encounter")
    assert "not sent back" in checks.is_stored(Answer(201), "Encounter")
    assert "OperationOutcome" in checks.is_stored(answer(OUTCOME, 201), "Encounter")


def bundle_response(*statuses: str) -> Answer:
    entries = [{"response": {"status": status}} for status in statuses]
    return answer({"resourceType": "Bundle", "type": "batch-response", "entry": entries})


def test_a_failed_entry_in_a_200_bundle_is_caught():
    assert checks.is_bundle_response(bundle_response("201 Created", "200"), "batch", 2) == ""
    wrong = checks.is_bundle_response(bundle_response("201 Created", "422 Unprocessable"), "batch", 2)
    assert wrong == "entry 2 of 2 in a batch was answered 422"


def test_an_entry_that_was_not_answered_is_caught():
    assert "1 answers to the 2 entries" in checks.is_bundle_response(bundle_response("201"), "batch", 2)
    assert "without a status" in checks.is_bundle_response(bundle_response(""), "batch", 1)
    assert "transaction-response" in checks.is_bundle_response(bundle_response("201"), "transaction", 1)


def test_a_capability_statement_says_its_version():
    assert checks.is_capability_statement(answer({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})) == ""
    assert "fhirVersion" in checks.is_capability_statement(answer({"resourceType": "CapabilityStatement"}))
    assert "Bundle" in checks.is_capability_statement(answer(searchset()))


@pytest.mark.parametrize(
    "content",
    [
        {"resourceType": "Bundle", "type": "searchset", "entry": None},
        {"resourceType": "Bundle", "type": "searchset", "entry": [3]},
        {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": {"resourceType": "Patient", "subject": 3}}],
        },
        {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next"}]},
    ],
)
def test_any_json_is_judged_and_none_stops_the_clinician(content: Any):
    assert checks.is_search_result(answer(content), "Patient", "1", 0) == "the content is not built as FHIR has it"


def test_a_search_result_falls_into_matches_included_and_a_link():
    content = searchset(
        observation("Patient/12"), link=[{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]
    )
    content["entry"] += searchset({"resourceType": "Patient", "id": "12"}, mode="include")["entry"]
    content["entry"] += [{"fullUrl": "an entry without a resource"}]
    matches, included, link = checks.split_search_result(content)
    assert [one["resourceType"] for one in matches] == ["Observation"]
    assert [one["resourceType"] for one in included] == ["Patient"]
    assert link == "b"


def test_an_empty_result_has_no_next_page():
    assert checks.split_search_result({"resourceType": "Bundle", "type": "searchset"}) == ((), (), "")


def test_no_message_holds_what_the_server_sent():
    named = {"resourceType": "Patient", "id": "secret-1", "name": [{"family": "Secret"}]}
    said = [
        checks.is_resource(answer(named), "Patient", "2"),
        checks.is_stored(answer(named), "Patient", "2"),
        checks.holds_patient(answer(searchset(named)), "2"),
        checks.is_search_result(answer(searchset(named)), "Observation", "2", 0),
        checks.is_resource(answer(OUTCOME), "Patient", "2"),
    ]
    assert all(said)
    assert not any("ecret" in one for one in said)


def test_an_answer_is_parsed_once_for_all_who_read_it():
    one = answer({"resourceType": "Patient", "id": "1"})
    assert one.json() is one.json()
    assert one == answer({"resourceType": "Patient", "id": "1"}), "having been read makes no difference"
