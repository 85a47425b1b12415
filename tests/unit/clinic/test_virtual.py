from __future__ import annotations

from dataclasses import replace

import pytest

from harness.clinic import WORKFLOWS, Pace, SlotOver, registry, workflow
from harness.clinic.canned import CannedAnswers
from harness.clinic.virtual import RESPONSE_S, VirtualWorld, measure
from harness.errors import RunError
from harness.fhir import requests
from harness.fhir.call import Call


def test_a_workflow_costs_its_calls_by_operation_and_its_thinking(clinic):
    costs = measure(clinic.habits["primary-care-physician"], 30, seed=1)
    assert set(costs) == set(clinic.habits["primary-care-physician"].weights)
    history = costs["find-history"]
    assert history.calls == sum(history.requests.values()) == 9
    assert history.requests["Condition.search[patient+category]"] == 1
    assert history.think_s == pytest.approx(5 * 13.0)


def test_a_visit_is_open_in_three_of_four_patients_so_closing_takes_eleven_calls_in_four_runs(clinic):
    cost = measure(clinic.habits["primary-care-physician"], 2000, seed=1)["close-visit"]
    assert cost.calls == pytest.approx(2.75, abs=0.04)


def test_measuring_twice_gives_the_same(clinic):
    nurse = clinic.habits["nurse"]
    assert measure(nurse, 30, seed=1) == measure(nurse, 30, seed=1)


def test_thinking_scales_with_the_pace_and_calls_do_not(clinic):
    nurse = clinic.habits["nurse"]
    hurried = replace(nurse, think=Pace(0.45, nurse.think.sigma))
    before, after = measure(nurse, 30, seed=1), measure(hurried, 30, seed=1)
    for name in nurse.weights:
        assert after[name].requests == before[name].requests
        assert after[name].think_s == pytest.approx(before[name].think_s / 100)


def test_measured_costs_tell_what_a_shift_comes_to(clinic):
    """Renewal–reward: calls an hour from mean costs, against shifts played out."""
    habits = clinic.habits["registration-clerk"]
    costs = measure(habits, 60, seed=1)
    calls = sum(habits.weights[name] * cost.calls for name, cost in costs.items())
    seconds = sum(
        habits.weights[name] * (cost.think_s + cost.calls * RESPONSE_S + habits.between.mean_s)
        for name, cost in costs.items()
    )
    played = [run for ordinal in range(6) for run in clinic.day("registration-clerk", 20, ordinal).played]
    assert sum(len(run.calls) for run in played) / (6 * 20 * 3600) == pytest.approx(calls / seconds, rel=0.03)


def test_measuring_needs_at_least_one_run(clinic):
    with pytest.raises(ValueError, match="0 runs"):
        measure(clinic.habits["nurse"], 0, seed=1)


def test_a_workflow_that_canned_answers_cannot_satisfy_is_named(clinic, monkeypatch):
    def lost(somebody) -> None:
        somebody.search("Immunization", at_least=1)

    known = {"lost": replace(WORKFLOWS["worklist"], name="lost", play=lost)}
    monkeypatch.setattr("harness.clinic.virtual.WORKFLOWS", known)
    with pytest.raises(RunError, match="workflow 'lost' fails on canned answers") as error:
        measure(replace(clinic.habits["nurse"], weights={"lost": 1.0}), 1, seed=1)
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
