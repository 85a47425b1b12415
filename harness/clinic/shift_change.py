"""The change of shift: logging in, and taking over every patient from whoever goes home.

Whoever comes reads all of her patients one after the other: two cohorts are then at the record at once.
"""

from __future__ import annotations

from harness.clinic.charting import (
    PATIENTS_OF_A_NURSE,
    active_medications,
    clinical_notes,
    laboratory_results,
    patient_of,
    problems,
    vital_signs,
)
from harness.clinic.clinician import Clinician
from harness.clinic.emergency import BOARD_NEEDS, track_board
from harness.clinic.registry import workflow
from harness.clinic.rounds import PATIENTS_OF_A_HOSPITALIST

EMERGENCIES_TAKEN_OVER = 6
"""Patients on the board that one physician of the emergency department takes over (assumption)."""


@workflow(
    "sign-on",
    lane="identity",
    needs=("Practitioner.read", "Organization.read", "Encounter?status&service-provider"),
)
def sign_on(clinician: Clinician) -> None:
    """Log in: her own name and the site's appear, then the list of whoever is there now."""
    clinician.look_up(clinician.practitioner)
    clinician.look_up(clinician.organization)
    clinician.think("is it the right department")
    clinician.search(
        "Encounter", status="in-progress", service_provider=clinician.organization, _sort="-date", _count="50"
    )


@workflow(
    "handover",
    lane="charting",
    needs=(
        "Condition?patient&category",
        "MedicationRequest?patient&intent&status",
        "Observation?patient&category",
        "DocumentReference?patient&category",
        "DocumentReference.read",
    ),
)
def take_over_patients(nurse: Clinician) -> None:
    """Take over each of her patients at the bedside: problems, medications, vital signs, results, the last note.

    4 to 6 patients a nurse (PMC6371331).
    """
    for patient in nurse.own_patients(PATIENTS_OF_A_NURSE):
        problems(nurse, patient)
        active_medications(nurse, patient)
        nurse.think("why she is here, what is due next")
        vital_signs(nurse, patient)
        laboratory_results(nurse, patient)
        notes = clinical_notes(nurse, patient)
        for note in notes.matches[:1]:
            nurse.read("DocumentReference", note["id"])
        nurse.think("what to watch, what is still open")


@workflow(
    "ward-sign-out",
    lane="charting",
    needs=(
        "DocumentReference?patient&category",
        "DocumentReference.read",
        "Observation?patient&category",
        "MedicationRequest?patient&intent&status",
    ),
)
def take_over_ward(physician: Clinician) -> None:
    """Take over each of her own patients on the wards: the last note, newest results, medications."""
    for patient in physician.own_patients(PATIENTS_OF_A_HOSPITALIST):
        notes = clinical_notes(physician, patient)
        for note in notes.matches[:1]:
            physician.read("DocumentReference", note["id"])
        physician.think("how ill she is, what was done")
        laboratory_results(physician, patient)
        active_medications(physician, patient)
        physician.think("what to do if")


@workflow(
    "emergency-sign-out",
    lane="charting",
    needs=(BOARD_NEEDS, "Patient.read", "Observation?patient&category"),
)
def take_over_board(physician: Clinician) -> None:
    """Take over the patients on the board from whoever goes: who each is, what has come back, how she is."""
    board = track_board(physician)
    physician.think("who stays with whom")
    for visit in physician.own_share(board.ours)[:EMERGENCIES_TAKEN_OVER]:
        patient = patient_of(visit)
        physician.read("Patient", patient)
        physician.think("why she came, what was done")
        laboratory_results(physician, patient)
        vital_signs(physician, patient)
        physician.think("what she waits for")
