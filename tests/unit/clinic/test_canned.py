"""What the virtual clock's server holds is what the workflows look for."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from harness.clinic import WORKFLOWS, Habits, Pace
from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.canned_record import example
from harness.clinic.virtual import VirtualWorld, virtual_post
from harness.fhir import requests
from harness.fhir.call import Answer, Call
from harness.fhir.checks import split_search_result
from harness.fhir.systems import SYNTHETIC

SEEDS = range(12)


def matches(answer: Answer) -> tuple[dict[str, Any], ...]:
    return split_search_result(answer.json())[0]


@pytest.fixture(scope="module")
def searched() -> dict[str, set[int]]:
    """Operation of each search of any workflow → how many matches it ever had."""
    numbers: dict[str, set[int]] = defaultdict(set)
    at_once = Pace(0.0, 0.0)
    for seed in SEEDS:
        canned = CannedAnswers(seed)

        def listening(call: Call, canned: CannedAnswers = canned) -> Answer:
            answer = canned(call)
            if ".search" in call.operation:
                numbers[call.operation].add(len(matches(answer)))
            return answer

        somebody = CannedClinician(
            virtual_post("any", seed), Habits("any", at_once, at_once, {}), 0, VirtualWorld(listening)
        )
        for workflow in WORKFLOWS.values():
            workflow.play(somebody)
    return numbers


def test_whatever_a_workflow_looks_for_is_there_at_least_sometimes(searched):
    assert len(searched) > 30
    assert {operation for operation, numbers in searched.items() if not any(numbers)} == set()


def test_lists_of_work_are_never_empty_as_a_sites_are_not_by_day(searched):
    lists = [
        "ChargeItem.search[performing-organization]",
        "Claim.search[use+status+provider]",
        "Encounter.search[status+class+service-provider]",
        "ImagingStudy.search[patient]",
        "MedicationRequest.search[status+intent]",
        "ServiceRequest.search[category+status+performer]",
        "Task.search[status+code+owner]",
    ]
    assert {operation: min(searched[operation]) > 0 for operation in lists} == dict.fromkeys(lists, True)


def test_the_visits_that_are_over_go_on_for_four_pages():
    canned = CannedAnswers(1)
    call = requests.search("Encounter", "", {"status": "finished", "date": "le2026-01-02", "_count": "100"})
    pages = 0
    while True:
        found, _, following = split_search_result(canned(call).json())
        assert {visit["status"] for visit in found} == {"finished"}
        pages += 1
        if not following:
            break
        call = requests.next_page("Encounter", following)
    assert pages == 4


@pytest.mark.parametrize(
    ("kind", "parameters", "code"),
    [("Task", {"code": "change"}, "change"), ("Task", {"code": "http://snomed.info/sct|32485007"}, "32485007")],
)
def test_each_inbox_holds_its_own_tasks(kind, parameters, code):
    found = matches(CannedAnswers(1)(requests.search(kind, "", {"status": "requested", **parameters})))
    assert {task["code"]["coding"][0]["code"] for task in found} == {code}


def test_what_is_read_has_the_id_that_was_asked_for_and_may_be_changed():
    fax = CannedAnswers(1)(requests.read("DocumentReference", "17")).json()
    assert fax["id"] == "17"
    assert fax["content"][0]["attachment"]["url"].startswith("Binary/")
    assert SYNTHETIC in {tag["code"] for tag in fax["meta"]["tag"]}
    assert example("Encounter")["subject"] == {"reference": "Patient/p1"}


def test_a_stored_paper_is_not_sent_back():
    paper = {"resourceType": "Binary", "contentType": "application/pdf", "data": "A" * 1_000_000}
    answer = CannedAnswers(1)(requests.create(paper))
    assert (answer.status, answer.json()["id"]) == (201, "new")
    assert len(answer.body) < 200


def test_an_answer_that_many_get_is_made_and_parsed_once():
    canned = CannedAnswers(1)
    call = requests.search("Condition", "p1", {"category": "problem-list-item"})
    assert canned(call) is canned(call)
    assert canned(call).json() is canned(call).json()
