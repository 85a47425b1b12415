"""The chart: reading a patient's history, charting vital signs, closing the visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.clinic.clinician import Clinician, Found
from harness.clinic.register import KnownPatient
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources
from harness.fhir.codes import VitalSign

PATIENTS_OF_A_NURSE = 5
"""Of 4 to 6 (PMC6371331)."""


@workflow(
    "find-history",
    lane="charting",
    needs=(
        "Patient?birthdate&name",
        "Condition?patient&category",
        "AllergyIntolerance?patient",
        "MedicationRequest?patient&intent&status",
        "DocumentReference?patient&category",
    ),
)
def find_history(physician: Clinician) -> None:
    """Find a patient by birthdate and name, open the chart with problems, allergies, medications and notes, read it."""
    patient = physician.next_patient()
    physician.find_patient(patient, birthdate=patient.birthdate, name=patient.family)
    physician.think("is it the right one")
    physician.search("Condition", patient=patient, at_least=1, category="problem-list-item", _count="50")
    physician.search("AllergyIntolerance", patient=patient, _count="50")
    physician.search("MedicationRequest", patient=patient, at_least=1, intent="order", status="active", _count="20")
    physician.search("DocumentReference", patient=patient, at_least=1, category="clinical-note", _count="10")
    for part in ("problems", "allergies", "medications", "last notes"):
        physician.think(f"read the {part}")


@workflow(
    "room-patient",
    lane="charting",
    needs=("Encounter?patient&status", "Observation?patient&category", "Observation.create", "batch"),
)
def room_patient(nurse: Clinician) -> None:
    """Bring a patient to the room, see the last vital signs, measure new ones, chart them together.

    One pause an entry: 633–875 flowsheet entries in 12 h (PMC6371331).
    """
    patient = nurse.own_patient(PATIENTS_OF_A_NURSE)
    visits = open_visits(nurse, patient)
    nurse.search("Observation", patient=patient, category="vital-signs", _sort="-date", _count="20")
    for sign in ("blood pressure", "pulse", "breathing", "temperature", "oxygen saturation"):
        nurse.think(f"measure {sign}")
    nurse.batch("vital-signs", [requests.entry(sign) for sign in measured(nurse, patient, visits)])


@workflow("close-visit", lane="charting", needs=("Encounter?patient&status", "Encounter.update"))
def close_visit(physician: Clinician) -> None:
    """Finish an open visit of a patient; who has none open needs nothing more."""
    visits = open_visits(physician, physician.next_patient())
    physician.think("note signed, orders placed")
    for visit in physician.pick(visits.ours, 1):
        physician.revise(visit, lambda seen: finished(seen, physician))


def open_visits(clinician: Clinician, patient: KnownPatient) -> Found:
    return clinician.search("Encounter", patient=patient, status="in-progress", _count="10")


def finished(visit: dict[str, Any], physician: Clinician) -> dict[str, Any]:
    """The visit as it stands once it is over: now, or when it was to begin where that is still to come."""
    period = visit.get("period", {})
    begun = datetime.fromisoformat(period["start"]) if "start" in period else physician.now
    return {**visit, "status": "finished", "period": {**period, "end": max(begun, physician.now).isoformat()}}


def measured(nurse: Clinician, patient: KnownPatient, visits: Found) -> list[dict[str, Any]]:
    """A set of vital signs as Observations, five of them, within the open visit where there is one."""

    def reading(sign: VitalSign) -> float:
        return nurse.reading(sign.low, sign.high)

    return resources.vital_signs(
        f"Patient/{patient.id}",
        at=nurse.now,
        performer=nurse.practitioner,
        encounter=next((f"Encounter/{visit['id']}" for visit in visits.matches), ""),
        systolic=reading(codes.SYSTOLIC),
        diastolic=reading(codes.DIASTOLIC),
        heart_rate=reading(codes.HEART_RATE),
        respiratory_rate=reading(codes.RESPIRATORY_RATE),
        temperature_c=reading(codes.BODY_TEMPERATURE),
        oxygen_saturation=min(100.0, reading(codes.OXYGEN_SATURATION)),
    )
