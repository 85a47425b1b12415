"""The day's appointments, and the desk where those who have one check in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources


@workflow(
    "review-schedule",
    lane="scheduling",
    needs=("Appointment?practitioner&date", "Patient.read", "Condition?patient&category"),
)
def review_schedule(physician: Clinician) -> None:
    """See who comes today, one patient's demographics and problems. An empty schedule ends it."""
    today = physician.now.date().isoformat()
    schedule = physician.search("Appointment", practitioner=physician.practitioner, date=today, _count="50")
    physician.think("who comes when")
    for patient_id in physician.pick(expected_patients(schedule.matches), 1):
        physician.read("Patient", patient_id)
        physician.think("age, language, where from")
        physician.search("Condition", patient=patient_id, category="problem-list-item", _count="50")


@workflow(
    "check-in",
    lane="scheduling",
    needs=("Patient?identifier", "Appointment?patient", "Coverage?patient", "Encounter.create"),
)
def check_in(clerk: Clinician) -> None:
    """Scan the card of who stands at the desk, check appointment and insurance, open the visit."""
    patient = clerk.next_patient()
    clerk.find_patient(patient, identifier=clerk.mrn(patient.mrn))
    clerk.think("greet, confirm name, address and phone")
    clerk.search("Appointment", patient=patient, _sort="date", _count="20")
    clerk.think("confirm time and reason of the visit")
    clerk.search("Coverage", patient=patient, at_least=1, _count="10")
    clerk.think("compare with the insurance card")
    clerk.create(
        resources.encounter(
            f"Patient/{patient.id}", status="in-progress", start=clerk.now, organization=clerk.organization
        )
    )
    clerk.think("show the way")


def expected_patients(appointments: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of the patients who take part in the appointments."""
    actors = (
        participant.get("actor", {}).get("reference", "")
        for appointment in appointments
        for participant in appointment.get("participant", ())
    )
    return [actor.rpartition("/")[2] for actor in actors if actor.rpartition("/")[0].endswith("Patient")]
