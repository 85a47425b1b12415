from __future__ import annotations

import math
from dataclasses import replace
from statistics import mean

import pytest

from harness.clinic import Pace
from harness.clinic.shift import first_wait_s, residual_wait_s, visit, work_shift
from harness.clinic.virtual import RESPONSE_S
from harness.clinic.world import GaveUp
from harness.fhir.call import Answer, Call
from harness.plan import costs_of
from harness.population.stream import Stream


def test_what_is_left_of_a_pause_is_what_renewal_theory_says():
    """Mean E[X²] / 2E[X] = mean · e^{σ²} / 2 for a lognormal (Cox 1962); a fresh pause would take 13 s."""
    draws = Stream("residual")
    left = [residual_wait_s(draws, Pace(13.0, 0.6)) for _ in range(20_000)]
    assert mean(left) == pytest.approx(13.0 * math.exp(0.36) / 2, rel=0.03)
    assert min(left) >= 0


def test_the_density_of_what_is_left_at_zero_is_one_over_the_mean():
    """So those on duty at the opening act at the steady rate from the first second on: no burst, no silence."""
    draws = Stream("density")
    left = [residual_wait_s(draws, Pace(10.0, 0.5)) for _ in range(40_000)]
    assert sum(wait < 1.0 for wait in left) / len(left) == pytest.approx(0.1, rel=0.06)


def test_nothing_is_left_of_a_pause_that_takes_no_time():
    assert residual_wait_s(Stream("none"), Pace(0.0, 0.6)) == 0.0


BIN_S = 10.0
LOW_AT_FIRST = {"primary-care-physician": 0.65, "nurse": 0.5, "registration-clerk": 0.35, "lab-technician": 0.35}
"""The share of the steady rate that the first ten seconds have at least. The longer a persona's requests lie apart and
the more of her time is pause, the longer it takes until her workflows overlap as they do in the steady state."""


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("persona", LOW_AT_FIRST)
def test_the_opening_is_no_burst_and_no_silence(clinic, persona):
    """Some thousand clinicians who are there at the opening, requests over the first cycle against the steady rate."""
    habits = clinic.habits[persona]
    costs = {name: cost for name, cost in costs_of(habits).items() if name in habits.weights}
    total = sum(habits.weights.values())
    run_s, requests = (
        sum(habits.weights[name] * figure(cost) for name, cost in costs.items()) / total
        for figure in (lambda cost: cost.length_s(habits.think.mean_s), lambda cost: cost.calls)
    )
    cycle_s = habits.between.mean_s + run_s
    clinicians = int(1400 / BIN_S * cycle_s / requests)  # so many that a bin's count is good to 3%
    sent = [0] * int(cycle_s / BIN_S)

    def noted(call: Call, answer: Answer) -> Answer:
        sent[int((who.world.now_s - RESPONSE_S) / BIN_S)] += 1
        return answer

    for ordinal in range(clinicians):
        who = clinic.clinician(persona, noted, end_s=len(sent) * BIN_S, seed=ordinal)
        work_shift(who, first_wait_s(who.draws, habits, opening=True, run_s=run_s), lambda _: habits.weights, ())
    rates = [count / (clinicians * BIN_S * requests / cycle_s) for count in sent]
    assert max(rates) < 1.25
    assert min(rates) == pytest.approx(rates[0], rel=0.1)
    assert rates[0] > LOW_AT_FIRST[persona]
    assert mean(rates) == pytest.approx(0.93, abs=0.05)


def test_who_comes_later_begins_after_one_thought(clinic):
    habits, draws = clinic.habits["nurse"], Stream("later")
    waits = [first_wait_s(draws, habits, opening=False, run_s=150.0) for _ in range(20_000)]
    assert mean(waits) == pytest.approx(habits.think.mean_s, rel=0.03)


def test_who_never_pauses_begins_within_half_a_workflow(clinic):
    hurried = replace(clinic.habits["nurse"], think=Pace(0.0, 0.0), between=Pace(0.0, 0.0))
    waits = [first_wait_s(Stream("hurried", n), hurried, opening=True, run_s=1.0) for n in range(200)]
    assert 0.0 == min(waits) < max(waits) <= 0.5


def test_a_shift_ends_at_its_slots_end_and_the_workflow_at_hand_is_cut(clinic):
    nurse = clinic.clinician("nurse", end_s=600.0)
    work_shift(nurse, 30.0, lambda _: {"room-patient": 1.0}, ())
    *done, last = nurse.world.played
    assert {run.outcome for run in done} == {"ok"}
    assert last.outcome in ("ok", "cut")
    assert nurse.world.now_s == pytest.approx(600.0, abs=0.2)


def test_a_workflow_in_which_the_slot_ends_is_cut_and_not_failed(clinic):
    nurse = clinic.clinician("nurse", end_s=100.0)
    work_shift(nurse, 0.0, lambda _: {"room-patient": 1.0}, ())  # takes some 225 s
    (only,) = nurse.world.played
    assert only.outcome == "cut"


def test_a_shift_that_is_over_before_the_first_wait_is_does_nothing(clinic):
    nurse = clinic.clinician("nurse", end_s=5.0)
    work_shift(nurse, 30.0, lambda _: {"room-patient": 1.0}, ())
    assert nurse.world.played == []


def test_work_goes_on_after_a_failed_workflow(clinic):
    physician = clinic.clinician("primary-care-physician", lambda *_: Answer(500, outcome="http_error"), end_s=600.0)
    work_shift(physician, 0.0, lambda _: {"review-results": 1.0}, ())
    assert len(physician.world.played) > 10
    assert {run.outcome for run in physician.world.played[:-1]} == {"failed"}


def test_what_the_target_cannot_do_is_skipped_and_seen_to_be(clinic):
    physician = clinic.clinician("primary-care-physician", end_s=3600.0)
    work_shift(physician, 0.0, lambda _: {"review-schedule": 1.0, "review-results": 1.0}, {"review-schedule"})
    outcomes = {(run.workflow, run.outcome) for run in physician.world.played[:-1]}
    assert outcomes == {("review-schedule", "skipped"), ("review-results", "ok")}
    assert all(not run.calls for run in physician.world.played if run.outcome == "skipped")


def test_who_can_do_nothing_at_all_says_so_once_and_idles(clinic):
    clerk = clinic.clinician("registration-clerk", end_s=3600.0)
    clerk.habits = replace(clerk.habits, between=Pace(0.0, 0.0))
    work_shift(clerk, 0.0, lambda _: {"check-in": 1.0, "find-patient": 0.0}, {"check-in"})
    assert [(run.workflow, run.outcome) for run in clerk.world.played] == [("check-in", "skipped")]
    assert clerk.world.now_s == 3600.0


def test_the_weights_of_the_moment_decide_what_is_done(clinic):
    physician = clinic.clinician("primary-care-physician", end_s=3600.0)
    begun = []

    def weights_at(run_s: float) -> dict[str, float]:
        name = "review-results" if run_s < 1800 else "review-schedule"
        begun.append(name)
        return {name: 1.0}

    work_shift(physician, 0.0, weights_at, ())
    assert [run.workflow for run in physician.world.played] == begun[: len(physician.world.played)]
    assert set(begun) == {"review-results", "review-schedule"}


def test_whoever_begins_a_shift_does_first_what_is_done_on_arrival(clinic):
    nurse = clinic.clinician("nurse", end_s=3600.0)
    work_shift(nurse, 10.0, lambda _: {"room-patient": 1.0}, (), arrives=True)
    assert [run.workflow for run in nurse.world.played][:3] == ["sign-on", "handover", "room-patient"]


def test_whoever_is_there_already_has_done_it_before(clinic):
    nurse = clinic.clinician("nurse", end_s=3600.0)
    work_shift(nurse, 10.0, lambda _: {"room-patient": 1.0}, ())
    assert {run.workflow for run in nurse.world.played} == {"room-patient"}


def lost_at(from_s: float, to_s: float, clinician) -> None:
    """Nobody answers in between; the clinician's patience ends after 20 s each time."""
    perform = clinician.world.perform

    def impatient(call, check):
        if from_s <= clinician.world.now_s < to_s:
            clinician.world.wait(20.0)
            raise GaveUp("no whole answer within 20 s: gave up")
        return perform(call, check)

    clinician.world.perform = impatient


def test_what_was_given_up_and_writes_is_done_again_later(clinic):
    nurse = clinic.clinician("nurse", end_s=7200.0)
    nurse.habits = replace(nurse.habits, back_entry_s=1800.0)
    lost_at(0.0, 10.0, nurse)
    work_shift(nurse, 0.0, lambda now_s: {"room-patient" if now_s < 15 else "find-history": 1.0}, ())
    first, *later = nurse.world.played
    assert (first.workflow, first.outcome) == ("room-patient", "abandoned")
    again = [index for index, run in enumerate(later) if run.workflow == "room-patient"]
    assert len(again) == 1
    assert later[again[0]].outcome == "ok"
    assert sum(run.think_s + run.waited_s for run in later[: again[0]]) > 1000


@pytest.mark.parametrize(("workflow", "back_entry_s"), [("find-history", 600.0), ("room-patient", None)])
def test_reading_is_not_made_up_for_nor_is_anything_by_who_never_does(clinic, workflow, back_entry_s):
    nurse = clinic.clinician("nurse", end_s=7200.0)
    nurse.habits = replace(nurse.habits, back_entry_s=back_entry_s)
    lost_at(0.0, 10.0, nurse)
    work_shift(nurse, 0.0, lambda now_s: {workflow if now_s < 15 else "handover": 1.0}, ())
    assert [run.workflow for run in nurse.world.played].count(workflow) == 1


def test_a_visitor_does_one_thing_and_leaves(clinic):
    patient = clinic.clinician("portal-patient")
    visit(patient, patient.habits.weights, ())
    (only,) = patient.world.played
    assert only.outcome == "ok"


def test_a_visitor_who_can_do_nothing_leaves_at_once(clinic):
    patient = clinic.clinician("portal-patient")
    visit(patient, patient.habits.weights, set(patient.habits.weights))
    assert {run.outcome for run in patient.world.played} == {"skipped"}
    assert patient.world.now_s == 0.0
