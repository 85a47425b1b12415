from __future__ import annotations

from dataclasses import replace

import pytest

from harness.clinic import WORKFLOWS, SlotOver, registry, workflow
from harness.clinic.canned import CannedAnswers
from harness.clinic.virtual import VirtualWorld, traces_of
from harness.errors import RunError
from harness.fhir import requests
from harness.fhir.call import Call


def test_a_trace_tells_each_request_and_the_pauses_before_it():
    (trace, times), *others = traces_of("find-history", "primary-care-physician", few=4, most=9, seed=1).items()
    assert (times, others) == (4, [])
    assert len(trace.calls) == 9
    assert trace.pauses == 5
    assert trace.calls[0] == (0, "Patient.search[birthdate+name]")
    assert [before for before, _ in trace.calls] == sorted(before for before, _ in trace.calls)


def test_a_workflow_that_goes_several_ways_is_played_more_often():
    found = traces_of("close-visit", "primary-care-physician", few=20, most=2000, seed=1)
    assert sum(found.values()) == 2000
    # a visit is open in three of four patients, so closing takes eleven calls in four runs
    calls = sum(len(trace.calls) * times for trace, times in found.items()) / 2000
    assert calls == pytest.approx(2.75, abs=0.04)


def test_tracing_twice_gives_the_same():
    first, second = (traces_of("medication-pass", "nurse", few=6, most=30, seed=1) for _ in range(2))
    assert first == second


def test_a_workflow_that_canned_answers_cannot_satisfy_is_named(monkeypatch):
    def lost(somebody) -> None:
        somebody.search("Immunization", at_least=1)

    known = {"lost": replace(WORKFLOWS["worklist"], name="lost", play=lost)}
    monkeypatch.setattr("harness.clinic.virtual.WORKFLOWS", known)
    with pytest.raises(RunError, match="workflow 'lost' fails on canned answers") as error:
        traces_of("lost", "nurse", few=1, most=1, seed=1)
    assert "harness.clinic.canned" in error.value.hint


def test_time_passes_by_waiting_and_answers_only_and_the_slot_ends_it():
    world = VirtualWorld(CannedAnswers(1), end_s=10.0, response_s=3.0)
    world.wait(4.0)
    assert world.perform(requests.read("Patient", "p1"), lambda _: "").status == 200
    assert world.now_s == 7.0
    with pytest.raises(SlotOver):
        world.wait(50.0)
    assert world.now_s == 10.0
    with pytest.raises(SlotOver):
        world.perform(requests.read("Patient", "p1"), lambda _: "")


def test_a_check_that_finds_something_wrong_makes_the_answer_wrong():
    answer = VirtualWorld(CannedAnswers(1)).perform(requests.read("Patient", "p1"), lambda _: "not her")
    assert (answer.status, answer.outcome, answer.detail) == (200, "content", "not her")


def test_what_is_written_comes_back_as_stored():
    answers = CannedAnswers(1)
    created = answers(requests.create({"resourceType": "Encounter", "meta": {"tag": []}}))
    assert created.status == 201
    assert created.json() == {"resourceType": "Encounter", "id": "new", "meta": {"tag": [], "versionId": "1"}}
    updated = answers(requests.update({"resourceType": "Encounter", "id": "e7"}))
    assert (updated.status, updated.json()["id"]) == (200, "e7")


def test_nothing_is_found_of_a_kind_that_the_chart_does_not_hold():
    assert CannedAnswers(1)(requests.search("Immunization", "p1", {})).json()["entry"] == []


def test_a_method_that_no_workflow_uses_has_no_answer():
    with pytest.raises(ValueError, match=r"no canned answer to DELETE Patient\.delete"):
        CannedAnswers(1)(Call("DELETE", "Patient/1", "Patient.delete"))


def test_a_workflow_is_registered_once_and_in_a_lane_that_there_is(monkeypatch):
    monkeypatch.setattr("harness.clinic.registry.WORKFLOWS", {})

    @workflow("tidy-up", lane="charting", needs=())
    def tidy_up(_) -> None:
        """Put things where they belong."""

    assert registry.WORKFLOWS["tidy-up"].story == "Put things where they belong."
    with pytest.raises(ValueError, match="there is a workflow 'tidy-up' already"):
        workflow("tidy-up", lane="charting", needs=())
    with pytest.raises(ValueError, match=r"unknown lane 'charts' of workflow 'x'; known: scheduling, charting"):
        workflow("x", lane="charts", needs=())
