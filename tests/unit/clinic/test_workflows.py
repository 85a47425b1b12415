from __future__ import annotations

import ast
import inspect
from base64 import b64decode
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from harness.clinic import WORKFLOWS
from harness.clinic.charting import finished
from harness.clinic.documents import PASSAGES
from harness.clinic.labs import panel_of
from harness.clinic.scheduling import expected_patients
from harness.fhir.call import Answer, Call

OF_ONE_PATIENT = (
    "find-history",
    "room-patient",
    "close-visit",
    "medication-pass",
    "place-orders",
    "review-results",
    "write-note",
    "check-in",
    "ward-round",
    "progress-note",
    "ward-orders",
    "handover",
    "ward-sign-out",
    "walk-in-visit",
    "kiosk-booking",
)

OF_SOMEBODY_LOOKED_FOR = (
    "find-history",
    "find-patient",
    "check-in",
    "emergency-arrival",
    "walk-in-visit",
    "kiosk-booking",
)


def written(call: Call) -> list[tuple[str, dict]]:
    """(need, resource) of all that a call writes."""
    body = orjson.loads(call.body)
    if body["resourceType"] != "Bundle":
        verb = "update" if call.method == "PUT" else "create"
        return [(f"{body['resourceType']}.{verb}{'.conditional' if 'conditional' in call.operation else ''}", body)]
    return [
        (
            f"{one['resource']['resourceType']}.{'update' if one['request']['method'] == 'PUT' else 'create'}"
            f"{'.conditional' if 'ifNoneExist' in one['request'] else ''}",
            one["resource"],
        )
        for one in body["entry"]
    ]


def needs_of(call: Call) -> Iterator[str]:
    """What a server must declare for `call`; parameters sorted."""
    kind = call.operation.partition(".")[0]
    if call.operation.endswith(".search.next"):
        return
    if call.method == "GET" and ".search" in call.operation:
        names = sorted({name for name, _ in parse_qsl(urlsplit(call.path).query) if not name.startswith("_")})
        yield f"{kind}?{'&'.join(names)}"
    elif call.method == "GET":
        yield f"{kind}.read"
    else:
        if not call.path:
            yield call.operation.partition("[")[0]
        yield from (need for need, _ in written(call))


def references_to(kind: str, node: object) -> Iterator[str]:
    """Every reference to a `kind` in a resource."""
    if isinstance(node, dict):
        if str(node.get("reference", "")).startswith(f"{kind}/"):
            yield node["reference"]
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from references_to(kind, one)


def in_order(need: str) -> str:
    kind, mark, parameters = need.partition("?")
    return kind + mark + "&".join(sorted(parameters.split("&")))


def test_every_workflow_of_every_persona_ends_well_however_the_chart_looks(clinic, any_workflow):
    for seed in range(12):
        assert (clinic.play(any_workflow, seed=seed).outcome) == "ok"


def test_a_workflow_needs_of_a_server_what_it_calls_and_no_more(clinic, any_workflow):
    calls = [call for seed in range(12) for call in clinic.play(any_workflow, seed=seed).calls]
    called = {need for call in calls for need in needs_of(call)}
    assert called == {in_order(need) for need in WORKFLOWS[any_workflow].needs}


def test_every_workflow_belongs_to_a_shipped_persona(clinic, any_workflow):
    assert clinic.persona_of(any_workflow)


def test_everything_written_says_that_it_is_synthetic_and_which_run_created_it(clinic, any_workflow):
    """What is only updated keeps the tag of whoever created it: cleaning up the run must not delete seeded data."""
    made_here = set()
    for call in clinic.play(any_workflow).calls:
        for need, resource in written(call) if call.body else ():
            tags = {tag["code"] for tag in resource["meta"]["tag"] if tag["system"] == "urn:emr-load-harness:tag"}
            if "create" in need:
                made_here.add(resource["resourceType"])
            created_here = resource["resourceType"] in made_here
            assert tags == {"synthetic", "run-00000000" if created_here else "run-canned"}


def test_no_search_can_grow_without_bound(clinic, any_workflow):
    """People are few; of all else a run writes more and more, so a page must have a size."""
    for call in clinic.play(any_workflow).calls:
        one_person = call.operation in ("Patient.search[birthdate+name]", "Patient.search[identifier]")
        if ".search[" in call.operation and not one_person:
            assert "_count=" in call.path, call.path


def test_a_workflow_reads_like_clinic_work_and_not_like_a_program(any_workflow):
    tree = ast.parse(inspect.getsource(inspect.getmodule(WORKFLOWS[any_workflow].play)))
    imported = {
        name.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    } | {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"__future__", "collections", "datetime", "harness", "typing"}
    assert not any(isinstance(node, ast.Try) for node in ast.walk(tree))
    assert WORKFLOWS[any_workflow].story


@pytest.mark.parametrize("workflow", OF_ONE_PATIENT)
def test_another_patients_chart_in_a_200_answer_fails_the_workflow(clinic, workflow):
    def mixed_up(call: Call, answer: Answer) -> Answer:
        return Answer(answer.status, answer.body.replace(b"Patient/p1", b"Patient/p2"))

    played = clinic.play(workflow, mixed_up)
    assert played.outcome == "failed"
    assert "of another patient" in played.detail
    assert "p2" not in played.detail


@pytest.mark.parametrize("workflow", OF_ONE_PATIENT)
def test_one_wrong_page_among_right_ones_is_enough_to_fail(clinic, workflow):
    """Each search that found something is in turn the one that gives another patient's data."""
    found = []

    def listening(call: Call, answer: Answer) -> Answer:
        if "?patient=" in call.path and b"Patient/p1" in answer.body:
            found.append(call.path)
        return answer

    assert clinic.play(workflow, listening).outcome == "ok"
    assert found
    for wrong in found:

        def mixed_up(call: Call, answer: Answer, wrong: str = wrong) -> Answer:
            return Answer(200, answer.body.replace(b"Patient/p1", b"Patient/p2")) if call.path == wrong else answer

        assert clinic.play(workflow, mixed_up).outcome == "failed"


@pytest.mark.parametrize("workflow", OF_SOMEBODY_LOOKED_FOR)
def test_a_patient_who_is_not_found_fails_the_workflow(clinic, workflow):
    def nobody(call: Call, answer: Answer) -> Answer:
        empty = Answer(200, b'{"resourceType":"Bundle","type":"searchset","total":0}')
        return empty if call.operation.startswith("Patient.search") else answer

    played = clinic.play(workflow, nobody)
    assert played.outcome == "failed"
    assert "at least 1" in played.detail


@pytest.mark.parametrize("workflow", OF_SOMEBODY_LOOKED_FOR)
def test_a_namesake_alone_is_not_the_patient(clinic, workflow):
    def namesake(call: Call, answer: Answer) -> Answer:
        if not call.operation.startswith("Patient.search"):
            return answer
        return Answer(200, answer.body.replace(b'"id":"p1"', b'"id":"p9"'))

    played = clinic.play(workflow, namesake)
    assert played.outcome == "failed"
    assert "not among those found" in played.detail


@pytest.mark.parametrize(
    "workflow",
    ["find-history", "review-results", "write-note", "place-orders", "medication-pass", "ward-round", "ward-orders"],
)
def test_a_chart_that_has_lost_what_was_in_it_fails_the_workflow(clinic, workflow):
    def lost(call: Call, answer: Answer) -> Answer:
        empty = Answer(200, b'{"resourceType":"Bundle","type":"searchset","total":0}')
        return empty if "?patient=" in call.path else answer

    assert clinic.play(workflow, lost).outcome == "failed"


@pytest.mark.parametrize(
    "workflow", ["room-patient", "place-orders", "result-batch", "emergency-orders", "ward-orders", "emergency-arrival"]
)
def test_a_failed_entry_in_a_200_bundle_fails_the_workflow(clinic, workflow):
    def one_failed(call: Call, answer: Answer) -> Answer:
        if call.path:
            return answer
        return Answer(200, answer.body.replace(b"201 Created", b"422 Unprocessable", 1))

    played = clinic.play(workflow, one_failed)
    assert played.outcome == "failed"
    assert "422" in played.detail


def test_a_server_error_at_any_step_fails_the_workflow_there(clinic, any_workflow):
    whole = clinic.play(any_workflow)
    for step in range(len(whole.calls)):
        count = iter(range(1000))

        def broken(call: Call, answer: Answer, step: int = step, count: Iterator[int] = count) -> Answer:
            return Answer(500, outcome="http_error") if next(count) == step else answer

        played = clinic.play(any_workflow, broken)
        assert played.outcome == "failed"
        assert len(played.calls) == step + 1
        assert played.detail == f"{whole.calls[step].operation}: http_error 500"


@pytest.mark.parametrize(
    ("workflow", "looked"),
    [
        ("review-schedule", 1),
        ("close-visit", 2),
        ("result-batch", 1),
        ("worklist", 1),
        ("track-board", 1),
        ("assess-emergency", 1),
        ("emergency-orders", 1),
        ("emergency-note", 1),
        ("disposition", 1),
        ("emergency-sign-out", 1),
        ("rounding-list", 1),
        ("discharge", 1),
        ("place-patient", 2),
        ("free-bed", 2),
        ("transport", 1),
    ],
)
def test_nothing_to_do_is_a_quiet_end_and_no_failure(clinic, workflow, looked):
    def nothing(call: Call, answer: Answer) -> Answer:
        return Answer(200, b'{"resourceType":"Bundle","type":"searchset","total":0}')

    played = clinic.play(workflow, nothing)
    assert played.outcome == "ok"
    assert len(played.calls) == looked


def test_a_results_transaction_holds_the_report_its_values_and_the_order_as_completed(clinic):
    played = clinic.play("result-batch")
    batches = [orjson.loads(call.body)["entry"] for call in played.calls if call.operation == "transaction[results]"]
    assert len(batches) == 3
    for entries in batches:
        (report,) = (one["resource"] for one in entries if one["resource"]["resourceType"] == "DiagnosticReport")
        values = {one["fullUrl"] for one in entries if one["resource"]["resourceType"] == "Observation"}
        (order,) = (one for one in entries if one["resource"]["resourceType"] == "ServiceRequest")
        assert {result["reference"] for result in report["result"]} == values
        assert order["resource"]["status"] == "completed"
        assert order["request"]["ifMatch"] == 'W/"1"'
        assert report["basedOn"] == [{"reference": order["request"]["url"]}]
    assert len({one["fullUrl"] for entries in batches for one in entries if "fullUrl" in one}) == sum(
        "fullUrl" in one for entries in batches for one in entries
    )


def test_an_order_that_a_colleague_resulted_meanwhile_is_left_to_her(clinic):
    count = iter(range(100))

    def second_is_late(call: Call, answer: Answer) -> Answer:
        late = not call.path and next(count) == 1
        return Answer(412, outcome="expected_refusal") if late else answer

    played = clinic.play("result-batch", second_is_late)
    assert played.outcome == "ok"
    assert sum(call.operation == "transaction[results]" for call in played.calls) == 3


def test_only_orders_that_the_harness_wrote_and_the_laboratory_does_are_resulted(clinic):
    def foreign(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b'"code":"synthetic"', b'"code":"real"'))

    assert len(clinic.play("result-batch", foreign).calls) == 1
    assert panel_of({"code": {"coding": [{"code": "1-8"}, {"code": "24321-2"}]}}) == "24321-2"
    assert panel_of({"code": {"coding": [{"code": "1-8"}]}}) == ""
    assert panel_of({}) == ""


def test_a_note_is_created_once_grows_with_each_passage_and_is_signed_last(clinic):
    draft, *saved, signed = (call for call in clinic.play("write-note").calls if call.body)
    assert (draft.operation, len(saved)) == ("DocumentReference.create", 3)
    assert {dict(later.headers)["If-Match"] for later in (*saved, signed)} == {'W/"1"'}
    notes = [orjson.loads(call.body) for call in (draft, *saved, signed)]
    assert [note["docStatus"] for note in notes] == ["preliminary"] * 4 + ["final"]
    texts = [b64decode(note["content"][0]["attachment"]["data"]).decode() for note in notes]
    assert all(later.startswith(f"{earlier}\n\n") for earlier, later in pairwise(texts[:-1]))
    assert texts[-1] == texts[-2] == "\n\n".join(f"{heading}\n{words}" for heading, words in PASSAGES.items())


def test_orders_and_notes_belong_to_the_visit_that_is_open(clinic):
    for workflow, operation in (("place-orders", "transaction[orders]"), ("write-note", "DocumentReference.create")):
        visits = set()
        for seed in range(12):
            (call,) = (call for call in clinic.play(workflow, seed=seed).calls if call.operation == operation)
            visits |= {reference for _, one in written(call) for reference in references_to("Encounter", one)}
        assert visits == {"Encounter/0"}


def test_the_earlier_values_that_a_result_is_held_against_are_those_of_the_orders_patient(clinic):
    calls = clinic.play("result-batch").calls
    for looked, released in zip(calls[1::2], calls[2::2], strict=True):
        assert looked.path.startswith("Observation?patient=p1&category=laboratory")
        assert {one["subject"]["reference"] for _, one in written(released)} == {"Patient/p1"}


def test_a_visit_is_closed_when_it_is_over_and_never_before_it_begins(clinic):
    physician = clinic.clinician("primary-care-physician")
    at_desk = physician.now.isoformat()
    assert finished({"status": "in-progress"}, physician)["period"] == {"end": at_desk}
    earlier = {"period": {"start": "2026-01-05T07:00:00+00:00"}}
    assert finished(earlier, physician)["period"] == {**earlier["period"], "end": at_desk}
    later = {"period": {"start": "2026-01-05T23:00:00+00:00"}}
    assert finished(later, physician)["period"]["end"] == "2026-01-05T23:00:00+00:00"


def test_only_patients_among_an_appointments_participants_are_expected():
    actors = ["Practitioner/1", "Patient/2", "https://host/fhir/Patient/3", ""]
    appointment = {"participant": [{"actor": {"reference": actor}} for actor in actors] + [{"status": "accepted"}]}
    assert expected_patients([appointment, {}]) == ["2", "3"]


def test_an_appointment_that_names_no_patient_is_passed_over(clinic):
    def anonymous(call: Call, answer: Answer) -> Answer:
        return Answer(200, answer.body.replace(b"Patient/p1", b"Location/x"))

    played = clinic.play("review-schedule", anonymous)
    assert (played.outcome, len(played.calls)) == ("ok", 1)


def test_a_newcomer_is_registered_once_under_a_number_of_her_own(clinic):
    search, create, phone, language, insurance, read = clinic.play("register-patient").calls
    record = orjson.loads(create.body)
    completed = [orjson.loads(update.body) for update in (phone, language)]
    assert [one.keys() - record.keys() for one in completed] == [{"id", "telecom"}, {"id", "telecom", "communication"}]
    assert completed[1]["communication"][0]["language"]["coding"][0]["code"] == "en-US"
    assert read.path == "Patient/new"
    (number,) = record["identifier"]
    assert dict(create.headers)["If-None-Exist"] == f"identifier={number['system']}|{number['value']}"
    assert search.path.startswith(f"Patient?birthdate={record['birthDate']}&name={record['name'][0]['family']}")
    assert orjson.loads(insurance.body)["beneficiary"]["reference"] == "Patient/new"
