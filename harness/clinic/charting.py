"""The chart: reading a patient's history, charting vital signs, closing the visit.

What one who looks into a chart asks for stands here as functions, for the other areas of care too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from harness.clinic.clinician import Clinician, Found
from harness.clinic.register import KnownPatient
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources
from harness.fhir.codes import VitalSign
from harness.fhir.systems import LOINC

Who: TypeAlias = KnownPatient | str
"""A patient, or the id of one whom a list of work named."""

PATIENTS_OF_A_NURSE = 5
"""Of 4 to 6 (PMC6371331)."""


@workflow(
    "find-history",
    lane="charting",
    steps=("visits", "vital-signs", "results"),
    needs=(
        "Patient?birthdate&name",
        "Condition?patient&category",
        "AllergyIntolerance?patient",
        "MedicationRequest?patient&intent&status",
        "DocumentReference?patient&category",
        "Encounter?patient",
        "Observation?patient&category",
        "DocumentReference.read",
    ),
)
def find_history(physician: Clinician) -> None:
    """Find a patient by birthdate and name, open the chart, read it from problems to the last note.

    A chart opens with problems, allergies, medications and the list of notes; the rest is fetched as it is turned to.
    """
    patient = physician.next_patient()
    physician.find_patient(patient, birthdate=patient.birthdate, name=patient.family)
    physician.think("is it the right one")
    problems(physician, patient)
    allergies(physician, patient)
    active_medications(physician, patient)
    notes = clinical_notes(physician, patient, at_least=1)
    physician.think("problems and allergies")
    physician.in_order(
        "find-history",
        {
            "visits": lambda: studied(physician, visits_so_far(physician, patient), "visits so far"),
            "vital-signs": lambda: studied(physician, vital_signs(physician, patient), "blood pressure over time"),
            "results": lambda: studied(physician, laboratory_results(physician, patient), "last results"),
        },
    )
    for note in physician.pick(notes.matches, 1):
        physician.read("DocumentReference", note["id"])


@workflow(
    "room-patient",
    lane="charting",
    needs=(
        "Encounter?patient&status",
        "Observation?patient&category",
        "AllergyIntolerance?patient",
        "Observation.create",
        "batch",
    ),
)
def room_patient(nurse: Clinician) -> None:
    """Bring a patient to the room, measure vital signs beside the last ones and the allergies, chart them together.

    One pause an entry: 633–875 flowsheet entries in 12 h (PMC6371331).
    """
    patient = nurse.own_patient(PATIENTS_OF_A_NURSE)
    visits = open_visits(nurse, patient)
    nurse.think("measure blood pressure")
    vital_signs(nurse, patient)
    for sign in ("pulse", "breathing", "temperature"):
        nurse.think(f"measure {sign}")
    allergies(nurse, patient)
    nurse.think("measure oxygen saturation, ask about allergies")
    nurse.batch("vital-signs", [requests.entry(sign) for sign in measured(nurse, patient, visit_of(visits))])


@workflow(
    "close-visit",
    lane="charting",
    needs=("Encounter?patient&status", "DocumentReference?patient&category", "Encounter.update"),
)
def close_visit(physician: Clinician) -> None:
    """See that the note is signed and finish an open visit of a patient; who has none open needs nothing more."""
    patient = physician.next_patient()
    visits = open_visits(physician, patient)
    physician.think("what is left to do for this visit")
    clinical_notes(physician, patient)
    for visit in physician.pick(visits.ours, 1):
        physician.revise(visit, lambda seen: finished(seen, physician))


def studied(clinician: Clinician, found: Found, what: str) -> Found:
    """What was found, once she has thought about it."""
    clinician.think(what)
    return found


def visits_now(clinician: Clinician, class_: str) -> Found:
    """Whoever is at the site now in a visit of this class (`EMER`, `IMP`), the newest first."""
    return clinician.search(
        "Encounter",
        status="in-progress",
        class_=class_,
        service_provider=clinician.organization,
        _sort="-date",
        _count="50",
    )


def problems(clinician: Clinician, patient: Who) -> Found:
    """The problem list; everybody has one."""
    return clinician.search("Condition", patient=patient, at_least=1, category="problem-list-item", _count="50")


def allergies(clinician: Clinician, patient: Who) -> Found:
    return clinician.search("AllergyIntolerance", patient=patient, _count="50")


def active_medications(clinician: Clinician, patient: Who) -> Found:
    """What is taken now; everybody takes something."""
    return clinician.search(
        "MedicationRequest", patient=patient, at_least=1, intent="order", status="active", _count="20"
    )


def clinical_notes(clinician: Clinician, patient: Who, *, at_least: int = 0) -> Found:
    return clinician.search(
        "DocumentReference", patient=patient, at_least=at_least, category="clinical-note", _count="10"
    )


def vital_signs(clinician: Clinician, patient: Who) -> Found:
    """The newest first."""
    return clinician.search("Observation", patient=patient, category="vital-signs", _sort="-date", _count="20")


def laboratory_results(clinician: Clinician, patient: Who, *, at_least: int = 0) -> Found:
    """The newest first."""
    return clinician.search(
        "Observation", patient=patient, at_least=at_least, category="laboratory", _sort="-date", _count="50"
    )


def latest_potassium(clinician: Clinician, patient: Who, *, at_least: int = 0) -> Found:
    code = f"{LOINC}|{codes.POTASSIUM.coding.code}"
    return clinician.search("Observation", patient=patient, at_least=at_least, code=code, _sort="-date", _count="1")


def visits_so_far(clinician: Clinician, patient: Who) -> Found:
    """The newest first."""
    return clinician.search("Encounter", patient=patient, _sort="-date", _count="20")


def open_visits(clinician: Clinician, patient: Who) -> Found:
    return clinician.search("Encounter", patient=patient, status="in-progress", _count="10")


def visit_of(visits: Found) -> str:
    """A reference to the first of these visits; "" where there is none."""
    return next((f"Encounter/{visit['id']}" for visit in visits.matches), "")


def patient_of(about: Mapping[str, Any]) -> str:
    """The id of the patient whom a visit, an order or a note is about."""
    return str(about["subject"]["reference"]).rpartition("/")[2]


def reference_to(patient: Who) -> str:
    return f"Patient/{patient if isinstance(patient, str) else patient.id}"


def finished(visit: dict[str, Any], physician: Clinician) -> dict[str, Any]:
    """The visit as it stands once it is over: now, or when it was to begin where that is still to come."""
    period = visit.get("period", {})
    begun = datetime.fromisoformat(period["start"]) if "start" in period else physician.now
    return {**visit, "status": "finished", "period": {**period, "end": max(begun, physician.now).isoformat()}}


def measured(nurse: Clinician, patient: Who, visit: str) -> list[dict[str, Any]]:
    """A set of vital signs as Observations, five of them, within `visit` (a reference) where there is one."""

    def reading(sign: VitalSign) -> float:
        return nurse.reading(sign.low, sign.high)

    return resources.vital_signs(
        reference_to(patient),
        at=nurse.now,
        performer=nurse.practitioner,
        encounter=visit,
        systolic=reading(codes.SYSTOLIC),
        diastolic=reading(codes.DIASTOLIC),
        heart_rate=reading(codes.HEART_RATE),
        respiratory_rate=reading(codes.RESPIRATORY_RATE),
        temperature_c=reading(codes.BODY_TEMPERATURE),
        oxygen_saturation=min(100.0, reading(codes.OXYGEN_SATURATION)),
    )
