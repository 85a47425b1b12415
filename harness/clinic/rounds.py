"""The ward physician's day: the list, rounds on her own patients, progress notes, orders, discharges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.clinic.charting import (
    Who,
    active_medications,
    clinical_notes,
    finished,
    laboratory_results,
    latest_potassium,
    open_visits,
    patient_of,
    problems,
    reference_to,
    studied,
    visit_of,
    visits_now,
    vital_signs,
)
from harness.clinic.clinician import Clinician, Found
from harness.clinic.documents import compose
from harness.clinic.orders import ORDER_NEEDS, order_for
from harness.clinic.registry import workflow
from harness.fhir import resources, ward_codes
from harness.fhir.resources import changes

PATIENTS_OF_A_HOSPITALIST = 17
"""A day (PMC7329072)."""
LIST_NEEDS = "Encounter?status&class&service-provider"

PASSAGES = {
    "Overnight": "No events overnight. Slept, ate half of breakfast. Pain well controlled. No fever, no shortness of "
    "breath, no new complaints.",
    "Examination": "Vital signs as charted, stable. Heart regular, lungs clear, abdomen soft, no oedema. Lines and "
    "skin without findings.",
    "Results": "This morning's laboratory results reviewed, potassium and kidney function followed. Nothing that would "
    "change the treatment.",
    "Assessment and plan": "Improving under the present treatment. Continue medications, laboratory tests tomorrow "
    "morning, mobilise. Discharge planned with the family and the ward.",
}
"""What a synthetic progress note says. About nobody."""
PULLED_IN: Mapping[str, Callable[[Clinician, Who], Found]] = {
    "Overnight": clinical_notes,
    "Examination": vital_signs,
    "Results": laboratory_results,
    "Assessment and plan": problems,
}
SUMMARY = (
    "Course in hospital, results, treatment and medications at discharge as in the chart. Condition at discharge: "
    "good. To be seen by the primary-care physician within a week, earlier if symptoms come back."
)
"""What a synthetic discharge summary says. About nobody."""


@workflow("rounding-list", lane="scheduling", needs=(LIST_NEEDS, "Patient.read", "Condition?patient&category"))
def look_at_list(physician: Clinician) -> None:
    """See who lies on the wards, and who a new one is with her problems. An empty list ends it."""
    stays = inpatients(physician)
    physician.think("who is new, who may go")
    for stay in physician.pick(physician.own_share(stays.ours), 1):
        physician.read("Patient", patient_of(stay))
        physician.think("age, language, where from")
        studied(physician, problems(physician, patient_of(stay)), "what she is here for")


@workflow(
    "ward-round",
    lane="charting",
    steps=("vital-signs", "results", "medications"),
    needs=(
        "Observation?patient&category",
        "Observation?patient&code",
        "MedicationRequest?patient&intent&status",
        "DocumentReference?patient&category",
        "DocumentReference.read",
    ),
)
def round_on_patient(physician: Clinician) -> None:
    """See one of her own patients: vital signs, results with the latest potassium, medications, the last note."""
    patient = physician.own_patient(PATIENTS_OF_A_HOSPITALIST)
    physician.in_order(
        "ward-round",
        {
            "vital-signs": lambda: studied(physician, vital_signs(physician, patient), "fever, pressure, breathing"),
            "results": lambda: results(physician, patient),
            "medications": lambda: studied(physician, active_medications(physician, patient), "what can be stopped"),
        },
    )
    notes = studied(physician, clinical_notes(physician, patient, at_least=1), "who has written since yesterday")
    for note in physician.pick(notes.matches, 1):
        physician.read("DocumentReference", note["id"])
        physician.think("what was planned")


@workflow(
    "progress-note",
    lane="documents",
    needs=(
        "Encounter?patient&status",
        "DocumentReference?patient&category",
        "Observation?patient&category",
        "Condition?patient&category",
        "DocumentReference.create",
        "DocumentReference.update",
    ),
)
def write_progress_note(physician: Clinician) -> None:
    """Write the day's note of one of her own patients by passages, saved with each, and sign it."""
    patient = physician.own_patient(PATIENTS_OF_A_HOSPITALIST)
    stay = visit_of(studied(physician, open_visits(physician, patient), "which day of the stay it is"))
    compose(physician, patient, ward_codes.PROGRESS_NOTE, stay, PASSAGES, PULLED_IN)


@workflow("ward-orders", lane="orders", needs=ORDER_NEEDS)
def order_on_ward(physician: Clinician) -> None:
    """Order a panel and a drug for one of her own patients, each with what speaks against it in sight."""
    order_for(physician, physician.own_patient(PATIENTS_OF_A_HOSPITALIST), "inpatient")


@workflow(
    "discharge",
    lane="scheduling",
    needs=(
        LIST_NEEDS,
        "MedicationRequest?patient&intent&status",
        "Observation?patient&category",
        "DocumentReference.create",
        "Encounter.update",
    ),
)
def discharge(physician: Clinician) -> None:
    """Send one of the inpatients home: medications and results once more, the summary, the stay finished."""
    stays = inpatients(physician)
    physician.think("who may go today")
    for stay in physician.pick(physician.own_share(stays.ours), 1):
        patient = patient_of(stay)
        studied(physician, active_medications(physician, patient), "what she goes on taking at home")
        studied(physician, laboratory_results(physician, patient), "nothing left to follow up")
        physician.think("write the summary")
        physician.create(summary(physician, stay))
        physician.think("tell her, the family and the ward")
        go_home(physician, stay)


def inpatients(clinician: Clinician) -> Found:
    """Whoever lies on the site's wards now, the newest first."""
    return visits_now(clinician, "IMP")


def results(physician: Clinician, patient: Who) -> Found:
    """The newest results, and among them the latest potassium."""
    found = studied(physician, laboratory_results(physician, patient, at_least=1), "what is out of range")
    studied(physician, latest_potassium(physician, patient, at_least=1), "is it a drug")
    return found


def summary(physician: Clinician, stay: dict[str, Any]) -> dict[str, Any]:
    return resources.document_reference(
        reference_to(patient_of(stay)),
        ward_codes.DISCHARGE_SUMMARY,
        SUMMARY,
        author=physician.practitioner,
        at=physician.now,
        custodian=physician.organization,
        encounter=f"Encounter/{stay['id']}",
    )


def go_home(physician: Clinician, stay: dict[str, Any]) -> None:
    physician.revise(stay, lambda seen: changes.discharged_home(finished(seen, physician)))
