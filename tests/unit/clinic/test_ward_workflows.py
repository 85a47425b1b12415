"""The way of a patient through the house: emergency department, a bed, the ward, home; and who watches over it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from harness.clinic import WORKFLOWS
from harness.clinic.emergency import PASSAGES
from harness.clinic.rounds import PATIENTS_OF_A_HOSPITALIST
from harness.fhir.call import Answer, Call

EMPTY = Answer(200, b'{"resourceType":"Bundle","type":"searchset","total":0}')


def sent(calls: Iterable[Call], operation: str) -> list[dict[str, Any]]:
    return [orjson.loads(call.body) for call in calls if call.operation == operation]


def operations(calls: Iterable[Call]) -> list[str]:
    return [call.operation for call in calls]


def plays(clinic, workflow: str, seeds: int = 24) -> list:
    return [clinic.play(workflow, seed=seed) for seed in range(seeds)]


@pytest.mark.parametrize(
    "workflow", ["track-board", "assess-emergency", "emergency-orders", "emergency-note", "disposition"]
)
def test_the_emergency_department_works_off_its_own_board(clinic, workflow):
    board = clinic.play(workflow).calls[0]
    asked = "Encounter?status=in-progress&class=EMER&service-provider=Organization/o1&_sort=-date&_count=50"
    assert board.path == asked


@pytest.mark.parametrize("workflow", ["track-board", "emergency-orders", "emergency-note", "disposition", "discharge"])
def test_nothing_is_done_for_somebody_whom_the_harness_did_not_write(clinic, workflow):
    def foreign(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b'"code":"synthetic"', b'"code":"real"'))

    played = clinic.play(workflow, foreign)
    assert (played.outcome, len(played.calls)) == ("ok", 1)


def test_orders_and_the_note_of_an_emergency_belong_to_the_visit_on_the_board(clinic):
    (bundle,) = sent(clinic.play("emergency-orders").calls, "transaction[orders]")
    for entry in bundle["entry"]:
        assert entry["resource"]["encounter"]["reference"].startswith("Encounter/")
        assert entry["resource"]["subject"] == {"reference": "Patient/p1"}
    draft, *_ = sent(clinic.play("emergency-note").calls, "DocumentReference.create")
    assert draft["context"]["encounter"][0]["reference"].startswith("Encounter/")
    assert draft["type"]["coding"][0]["code"] == "34111-5"
    assert len(sent(clinic.play("emergency-note").calls, "DocumentReference.update")) == len(PASSAGES)


def test_a_quarter_of_those_seen_stay_and_a_bed_is_asked_for_each_of_them(clinic):
    admitted = sent_home = 0
    for played in plays(clinic, "disposition", 200):
        (visit,) = sent(played.calls, "Encounter.update")
        requests = sent(played.calls, "Task.create")
        if visit["status"] == "finished":
            sent_home += 1
            assert requests == []
            assert visit["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "home"
        else:
            admitted += 1
            (request,) = requests
            assert visit["class"]["code"] == "IMP"
            assert request["status"] == "requested"
            assert request["focus"] == {"reference": f"Encounter/{visit['id']}"}
            assert request["for"] == visit["subject"]
            assert request["owner"] == {"reference": "Organization/o1"}
    assert admitted / (admitted + sent_home) == pytest.approx(0.25, abs=0.08)


def test_what_is_asked_for_is_what_the_bed_coordinator_looks_for(clinic):
    played = next(one for one in plays(clinic, "disposition") if sent(one.calls, "Task.create"))
    (request,) = sent(played.calls, "Task.create")
    code = request["code"]["coding"][0]
    (waiting,) = (call for call in clinic.play("bed-board").calls if call.operation.startswith("Task.search"))
    assert f"code={code['system']}%7C{code['code']}" in waiting.path
    assert "owner=Organization/o1" in waiting.path
    assert "status=requested" in waiting.path


def test_a_request_for_a_bed_lives_through_all_its_states_each_step_under_if_match(clinic):
    calls = clinic.play("place-patient").calls
    assert operations(calls)[2:] == [
        "Task.update",
        "Encounter.read",
        "Condition.search[patient+category]",
        "Task.update",
        "Location.update",
        "Encounter.update",
        "ServiceRequest.create",
        "Task.update",
    ]
    assert [task["status"] for task in sent(calls, "Task.update")] == ["accepted", "in-progress", "completed"]
    assert all('W/"1"' in dict(call.headers).values() for call in calls if call.operation.endswith(".update"))


def test_who_is_placed_lies_in_the_bed_that_is_then_occupied_and_is_brought_there(clinic):
    calls = clinic.play("place-patient").calls
    (bed,) = sent(calls, "Location.update")
    (stay,) = sent(calls, "Encounter.update")
    (way,) = sent(calls, "ServiceRequest.create")
    assert bed["operationalStatus"]["code"] == "O"
    assert stay["location"][-1]["location"] == way["locationReference"][0] == {"reference": f"Location/{bed['id']}"}
    assert way["subject"] == stay["subject"]
    assert way["status"] == "active"


def test_a_request_that_a_colleague_accepted_meanwhile_is_left_to_her(clinic):
    def late(call: Call, answer: Answer) -> Answer:
        return Answer(412, outcome="expected_refusal") if call.operation == "Task.update" else answer

    played = clinic.play("place-patient", late)
    assert played.outcome == "ok"
    assert operations(played.calls)[-1] == "Task.update"
    assert len(played.calls) == 3


def test_without_a_free_bed_nobody_is_promised_one(clinic):
    def full(call: Call, answer: Answer) -> Answer:
        return EMPTY if call.operation.startswith("Location.search") else answer

    assert not [call for call in clinic.play("place-patient", full).calls if call.body]


def test_a_bed_is_free_again_once_its_patient_has_left_and_it_is_made(clinic):
    states = set()
    for played in plays(clinic, "free-bed"):
        inside = next(call for call in played.calls if call.operation == "Encounter.search[location+status]")
        assert inside.path.startswith("Encounter?location=Location/")
        states |= {bed["operationalStatus"]["code"] for bed in sent(played.calls, "Location.update")}
    assert states == {"H", "U"}


def test_a_bed_in_which_somebody_lies_stays_occupied(clinic):
    visit = {"resourceType": "Encounter", "id": "9", "status": "in-progress"}
    somebody = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": visit}]}

    def inside(call: Call, answer: Answer) -> Answer:
        return Answer(200, orjson.dumps(somebody)) if call.operation.startswith("Encounter.search") else answer

    for seed in range(12):
        beds = sent(clinic.play("free-bed", inside, seed=seed).calls, "Location.update")
        assert {bed["operationalStatus"]["code"] for bed in beds} <= {"U"}


def test_an_order_to_bring_a_patient_is_closed_when_she_is_there(clinic):
    (order,) = sent(clinic.play("transport").calls, "ServiceRequest.update")
    assert order["status"] == "completed"


def test_who_is_sent_home_has_a_summary_and_a_stay_that_is_over(clinic):
    calls = clinic.play("discharge").calls
    (summary,) = sent(calls, "DocumentReference.create")
    (stay,) = sent(calls, "Encounter.update")
    assert summary["type"]["coding"][0]["code"] == "18842-5"
    assert summary["context"]["encounter"] == [{"reference": f"Encounter/{stay['id']}"}]
    assert stay["status"] == "finished"
    assert "class=IMP" in calls[0].path


def test_rounds_look_at_the_latest_potassium(clinic):
    paths = [call.path for call in clinic.play("ward-round").calls]
    assert any("code=http://loinc.org%7C2823-3&_sort=-date&_count=1" in path for path in paths)


def test_a_ward_note_is_of_one_of_her_own_patients(clinic):
    (draft,) = sent(clinic.play("progress-note").calls, "DocumentReference.create")
    assert draft["subject"] == {"reference": "Patient/p1"}
    assert draft["type"]["coding"][0]["code"] == "11506-3"


def test_whoever_comes_logs_in_and_is_shown_who_she_is(clinic):
    who, where, who_is_there = clinic.play("sign-on").calls
    assert (who.path, where.path) == ("Practitioner/c1", "Organization/o1")
    assert who_is_there.path.startswith("Encounter?status=in-progress&service-provider=Organization/o1")


def test_at_a_shift_change_every_patient_is_read(clinic):
    per_patient = ["Condition", "MedicationRequest", "Observation", "Observation", "DocumentReference"]
    handover = [operation.partition(".")[0] for operation in operations(clinic.play("handover").calls)]
    assert handover == [*per_patient, "DocumentReference"] * 5
    notes = [call for call in clinic.play("ward-sign-out").calls if call.operation == "DocumentReference.read"]
    assert len(notes) == PATIENTS_OF_A_HOSPITALIST


def test_everybody_on_a_shift_signs_on_first(clinic):
    open_arrivals = {name for name, habits in clinic.habits.items() if not habits.on_arrival}
    assert {"ed-arrival", "walk-in"} <= open_arrivals
    for name in clinic.habits.keys() - open_arrivals:
        assert clinic.habits[name].on_arrival[0] == "sign-on", name


def test_an_emergency_is_registered_as_one_and_measured_within_the_visit(clinic):
    for workflow in ("emergency-arrival", "unknown-arrival"):
        calls = clinic.play(workflow).calls
        (visit,) = sent(calls, "Encounter.create")
        assert visit["class"]["code"] == "EMER"
        signs = [entry["resource"] for entry in sent(calls, "batch[triage]")[0]["entry"]]
        assert {sign["encounter"]["reference"] for sign in signs} == {"Encounter/new"}
        assert {sign["subject"]["reference"] for sign in signs} == {visit["subject"]["reference"]}


def test_who_cannot_say_who_she_is_gets_a_record_of_her_own_under_an_alias(clinic):
    create = clinic.play("unknown-arrival").calls[0]
    record = orjson.loads(create.body)
    (number,) = record["identifier"]
    assert dict(create.headers)["If-None-Exist"] == f"identifier={number['system']}|{number['value']}"
    assert record["name"] == [{"use": "temp", "family": "Unknown", "given": [number["value"]]}]
    assert "birthDate" not in record
    assert "gender" not in record


def test_who_books_at_a_kiosk_comes_another_day(clinic):
    (booked,) = sent(clinic.play("kiosk-booking").calls, "Appointment.create")
    assert booked["start"].startswith("2026-01-06")
    assert booked["participant"][0]["actor"] == {"reference": "Patient/p1"}
    assert len(booked["participant"]) == 1


ORDERED = sorted(name for name, workflow in WORKFLOWS.items() if workflow.steps)


@pytest.mark.parametrize("workflow", ORDERED)
def test_a_site_may_have_its_own_order_of_the_steps_that_a_workflow_names(clinic, workflow):
    steps = WORKFLOWS[workflow].steps

    def paths(order: tuple[str, ...]) -> list[str]:
        clinician = clinic.clinician(clinic.persona_of(workflow))
        clinician.post = replace(clinician.post, order={workflow: order})
        clinician.world.workflow_begins(workflow, "")
        WORKFLOWS[workflow].play(clinician)
        clinician.world.workflow_ends("ok", "")
        return [call.path for call in clinician.world.played[0].calls]

    usual, turned = paths(()), paths(tuple(reversed(steps)))
    assert paths(steps) == usual
    assert turned != usual
    assert sorted(turned) == sorted(usual)


@pytest.mark.parametrize("workflow", ORDERED)
def test_the_steps_that_a_workflow_names_are_those_that_it_takes(workflow):
    tree = ast.parse(inspect.getsource(inspect.getmodule(WORKFLOWS[workflow].play)))
    ordered = [
        [key.value for key in call.args[1].keys]
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "in_order"
        and call.args[0].value == workflow
    ]
    assert ordered == [list(WORKFLOWS[workflow].steps)]


def test_three_workflows_at_least_may_be_ordered_by_habit():
    assert {"find-history", "assess-emergency", "ward-round"} <= set(ORDERED)
