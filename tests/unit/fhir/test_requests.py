"""Calls as a FHIR server should get them, under names that stay few."""

from __future__ import annotations

import orjson
import pytest

from harness.fhir import requests

PATIENT = {
    "resourceType": "Patient",
    "id": "12",
    "meta": {"versionId": "3", "lastUpdated": "2026-03-02T08:00:00Z", "tag": [{"system": "s", "code": "theirs"}]},
}


def test_a_read_names_its_kind_and_not_its_id():
    call = requests.read("Patient", "12")
    assert (call.method, call.path, call.operation) == ("GET", "Patient/12", "Patient.read")
    assert call.repeatable


def test_an_id_cannot_leave_its_place_in_the_path():
    assert requests.read("Patient", "../metadata?x").path == "Patient/..%2Fmetadata%3Fx"


def test_a_search_begins_with_the_patient_and_keeps_the_order():
    call = requests.search("Observation", "12", {"category": "laboratory", "_sort": "-date", "_count": "50"})
    assert call.path == "Observation?patient=12&category=laboratory&_sort=-date&_count=50"
    assert call.operation == "Observation.search[patient+category]"


def test_a_search_asks_for_a_fresh_answer():
    assert ("Cache-Control", "no-cache") in requests.search("Patient", "", {"name": "Ng"}).headers


def test_a_search_without_anything_has_no_question_mark():
    call = requests.search("Patient", "", {})
    assert (call.path, call.operation) == ("Patient", "Patient.search")


def test_names_are_written_with_hyphens_and_lists_repeat_them():
    call = requests.search("Condition", "", {"clinical_status": ("active", "recurrence")})
    assert call.path == "Condition?clinical-status=active&clinical-status=recurrence"
    assert call.operation == "Condition.search[clinical-status]"


def test_a_parameter_that_is_a_keyword_of_python_is_written_with_a_trailing_underscore():
    call = requests.search("Encounter", "", {"class_": "EMER", "service_provider": "Organization/1"})
    assert call.path == "Encounter?class=EMER&service-provider=Organization/1"
    assert call.operation == "Encounter.search[class+service-provider]"


def test_a_tag_or_an_id_belongs_to_the_operation_and_a_page_size_does_not():
    call = requests.search("Patient", "", {"_tag": "s|c", "_id": "1,2", "_count": "3", "_total": "accurate"})
    assert call.operation == "Patient.search[_tag+_id]"
    assert call.path == "Patient?_tag=s%7Cc&_id=1,2&_count=3&_total=accurate"


def test_a_next_link_is_followed_as_it_was_given():
    link = "http://else.where/fhir?_getpages=a-b&_getpagesoffset=10"
    call = requests.next_page("Observation", link)
    assert (call.path, call.operation) == (link, "Observation.search.next")


def test_a_plain_create_must_not_be_sent_twice_and_a_conditional_one_may():
    plain = requests.create(PATIENT)
    conditional = requests.create(PATIENT, "identifier=s|1")
    assert (plain.operation, plain.repeatable) == ("Patient.create", False)
    assert (conditional.operation, conditional.repeatable) == ("Patient.create.conditional", True)
    assert ("If-None-Exist", "identifier=s|1") in conditional.headers
    assert conditional.expected == {409}


def test_a_condition_cannot_break_out_of_its_header():
    headers = dict(requests.create(PATIENT, "identifier=s|a\r\nX-Evil: ö").headers)
    assert headers["If-None-Exist"] == "identifier=s|a%0D%0AX-Evil:%20%C3%B6"


def test_writes_ask_for_what_was_stored():
    for call in (requests.create(PATIENT), requests.update(PATIENT)):
        assert ("Prefer", "return=representation") in call.headers
        assert ("Content-Type", "application/fhir+json") in call.headers


def test_an_update_replaces_only_the_version_that_was_read():
    call = requests.update(PATIENT)
    assert (call.method, call.path, call.operation) == ("PUT", "Patient/12", "Patient.update")
    assert ("If-Match", 'W/"3"') in call.headers
    assert call.expected == {409, 412}
    assert orjson.loads(call.body)["meta"] == {"tag": [{"system": "s", "code": "theirs"}]}
    assert PATIENT["meta"]["versionId"] == "3", "the resource that was read stays as it is"


def test_an_update_on_a_server_without_versions_is_unconditional():
    call = requests.update({"resourceType": "Patient", "id": "12", "meta": {"lastUpdated": "2026-03-02T08:00:00Z"}})
    assert "If-Match" not in dict(call.headers)
    assert call.expected == frozenset()
    assert "meta" not in orjson.loads(call.body)


def test_a_bundle_goes_to_the_base_under_its_own_name():
    call = requests.bundle("batch", "vital-signs", [requests.entry({"resourceType": "Observation"})])
    assert (call.method, call.path, call.operation) == ("POST", "", "batch[vital-signs]")
    sent = orjson.loads(call.body)
    assert (sent["resourceType"], sent["type"]) == ("Bundle", "batch")
    assert sent["entry"][0]["request"] == {"method": "POST", "url": "Observation"}


def test_a_bundle_may_be_repeated_only_where_every_entry_may():
    create = requests.entry(PATIENT)
    conditional = requests.entry(PATIENT, if_none_exist="identifier=s|1")
    update = requests.entry(PATIENT, update=True)
    assert not requests.bundle("transaction", "x", [create, update]).repeatable
    assert requests.bundle("transaction", "x", [conditional, update]).repeatable


def test_a_transaction_may_meet_a_conflict_only_where_it_asks_for_a_version():
    create, update = requests.entry(PATIENT), requests.entry(PATIENT, update=True)
    assert requests.bundle("transaction", "x", [create, update]).expected == {409, 412}
    assert requests.bundle("transaction", "x", [create]).expected == frozenset()
    assert requests.bundle("batch", "x", [update]).expected == frozenset(), "a batch answers 200 for the whole"


def test_there_is_no_third_kind_of_bundle_to_send():
    with pytest.raises(ValueError, match="batch or transaction"):
        requests.bundle("collection", "x", [])


def test_an_entry_that_updates_carries_its_version_in_the_request_only():
    made = requests.entry(PATIENT, full_url="urn:uuid:1", update=True)
    assert made["request"] == {"method": "PUT", "url": "Patient/12", "ifMatch": 'W/"3"'}
    assert "versionId" not in made["resource"]["meta"]
    assert made["fullUrl"] == "urn:uuid:1"


def test_an_entry_on_a_server_without_versions_updates_unconditionally():
    made = requests.entry({"resourceType": "Patient", "id": "12"}, update=True)
    assert made["request"] == {"method": "PUT", "url": "Patient/12"}


def test_tags_are_added_once_and_nothing_that_was_there_is_lost():
    once = requests.tagged(PATIENT, "run-0a1b")
    assert requests.tagged(once, "run-0a1b") == once
    assert [tag["code"] for tag in once["meta"]["tag"]] == ["theirs", "synthetic", "run-0a1b"]
    assert once["meta"]["versionId"] == "3"
    assert len(PATIENT["meta"]["tag"]) == 1, "the argument stays as it is"


def test_deleting_twice_is_deleting_once():
    call = requests.delete("Patient", "12")
    assert (call.method, call.path, call.operation, call.repeatable) == ("DELETE", "Patient/12", "Patient.delete", True)


def test_capabilities_are_read_once_at_metadata():
    call = requests.capabilities()
    assert (call.method, call.path, call.operation) == ("GET", "metadata", "metadata.read")
