"""The emergency department: the track board, the patient in front of one, her orders, her note, and where she goes.

Whoever works there takes a patient off the board; colleagues share the board out among themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.clinic.charting import (
    Who,
    allergies,
    finished,
    laboratory_results,
    patient_of,
    studied,
    visits_now,
    visits_so_far,
    vital_signs,
)
from harness.clinic.clinician import Clinician, Found
from harness.clinic.documents import compose
from harness.clinic.orders import sign
from harness.clinic.registry import workflow
from harness.fhir import codes, resources, ward_codes
from harness.fhir.resources import changes

ADMITTED = 0.25
"""Share of those seen who stay in hospital (assumption)."""
BOARD_NEEDS = "Encounter?status&class&service-provider"

PASSAGES = {
    "Complaint": "Comes with complaints since this morning, which have not changed since. No fever, no injury.",
    "History": "Known conditions and medications as in the chart. No recent stay in hospital, no recent travel.",
    "Examination": "Alert, in no acute distress. Vital signs as charted at triage. Heart and lungs without findings, "
    "abdomen soft, no focal neurological signs.",
    "Results": "Laboratory results reviewed as they came, compared with earlier ones. Nothing that would need an "
    "operation.",
    "Course": "Treated as ordered, re-examined after one hour: better, vital signs stable.",
    "Decision": "Findings and their meaning explained, questions answered. Goes home or to a ward as ordered; told "
    "when to come back at once.",
}
"""What a synthetic note of the emergency department says. About nobody."""
PULLED_IN: Mapping[str, Callable[[Clinician, Who], Found]] = {
    "Complaint": visits_so_far,
    "History": allergies,
    "Examination": vital_signs,
    "Results": laboratory_results,
    "Course": vital_signs,
    "Decision": laboratory_results,
}
"""What of the chart each passage takes up."""


@workflow("track-board", lane="scheduling", needs=(BOARD_NEEDS, "Patient.read"))
def look_at_track_board(physician: Clinician) -> None:
    """See who is in the department, who is new and who waits longest; open one of them. An empty board ends it."""
    board = track_board(physician)
    physician.think("who is new, who waits longest")
    for visit in physician.pick(board.ours, 1):
        physician.read("Patient", patient_of(visit))
        physician.think("age, language, where from")


@workflow(
    "assess-emergency",
    lane="charting",
    steps=("allergies", "results", "vital-signs"),
    needs=(BOARD_NEEDS, "Patient.read", "AllergyIntolerance?patient", "Observation?patient&category"),
)
def assess(physician: Clinician) -> None:
    """Take one of her patients off the board and read what is known: allergies, newest results, vital signs."""
    for visit in one_of_hers(physician):
        read_chart(physician, patient_of(visit))
        physician.think("what it may be")


@workflow(
    "emergency-orders",
    lane="orders",
    needs=(
        BOARD_NEEDS,
        "AllergyIntolerance?patient",
        "Observation?patient&category",
        "transaction",
        "ServiceRequest.create",
        "MedicationRequest.create",
    ),
)
def order(physician: Clinician) -> None:
    """Order a panel and a drug for one of her patients by allergies and what has come back; sign both or none."""
    for visit in one_of_hers(physician):
        patient = patient_of(visit)
        studied(physician, allergies(physician, patient), "what she must not be given")
        (drug,) = physician.pick(codes.MEDICATIONS, 1)
        physician.think("enter drug and dose")
        studied(physician, laboratory_results(physician, patient), "what is still missing")
        (panel,) = physician.pick(codes.LAB_PANELS, 1)
        physician.think("enter the panel and why")
        physician.think("read again and sign")
        sign(physician, patient, panel, drug, f"Encounter/{visit['id']}", "inpatient")


@workflow(
    "emergency-note",
    lane="documents",
    needs=(
        BOARD_NEEDS,
        "Encounter?patient",
        "AllergyIntolerance?patient",
        "Observation?patient&category",
        "DocumentReference.create",
        "DocumentReference.update",
    ),
)
def document(physician: Clinician) -> None:
    """Write the note of one of her patients by passages, saved with each, and sign it."""
    for visit in one_of_hers(physician):
        in_visit = f"Encounter/{visit['id']}"
        compose(physician, patient_of(visit), ward_codes.EMERGENCY_NOTE, in_visit, PASSAGES, PULLED_IN)


@workflow(
    "disposition",
    lane="scheduling",
    needs=(BOARD_NEEDS, "Observation?patient&category", "Encounter.update", "Task.create"),
)
def decide(physician: Clinician) -> None:
    """See one of her patients' results and vital signs once more, then end the visit: home, or ask for a bed."""
    for visit in one_of_hers(physician):
        patient = patient_of(visit)
        studied(physician, laboratory_results(physician, patient), "what the results say")
        studied(physician, vital_signs(physician, patient), "well enough to go")
        if physician.happens(ADMITTED):
            admit(physician, visit)
        else:
            send_home(physician, visit)


def track_board(clinician: Clinician) -> Found:
    """Whoever is in the site's emergency department now, the newest first."""
    return visits_now(clinician, "EMER")


def one_of_hers(physician: Clinician) -> tuple[dict[str, Any], ...]:
    """The visit of one of her patients on the board; none where nobody is there."""
    board = track_board(physician)
    physician.think("whose turn it is")
    return physician.pick(physician.own_share(board.ours), 1)


def read_chart(physician: Clinician, patient: str) -> None:
    physician.read("Patient", patient)
    physician.think("age, language, where from")
    physician.in_order(
        "assess-emergency",
        {
            "allergies": lambda: studied(physician, allergies(physician, patient), "what she must not be given"),
            "results": lambda: studied(physician, laboratory_results(physician, patient), "what is out of range"),
            "vital-signs": lambda: studied(
                physician, vital_signs(physician, patient), "better or worse than at triage"
            ),
        },
    )


def admit(physician: Clinician, visit: dict[str, Any]) -> None:
    """From now on an inpatient, and whoever places patients is asked for a bed."""
    physician.think("which ward, which diagnosis")
    stay = physician.revise(visit, lambda seen: changes.admitted(seen, physician.now))
    physician.think("what the ward must know")
    physician.create(
        resources.bed_request(
            stay["subject"]["reference"],
            f"Encounter/{stay['id']}",
            authored=physician.now,
            requester=physician.practitioner,
            owner=physician.organization,
        )
    )


def send_home(physician: Clinician, visit: dict[str, Any]) -> None:
    physician.think("write what to do at home")
    physician.think("when to come back")
    physician.revise(visit, lambda seen: changes.discharged_home(finished(seen, physician)))
