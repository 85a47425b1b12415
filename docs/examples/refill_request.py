"""Somebody asks for more of a drug: a nurse looks whether it may be refilled, and writes back."""

from __future__ import annotations

from harness.clinic import Clinician, workflow
from harness.fhir import resources

ANSWER = "Thank you. Your request was passed on; the pharmacy will tell you when the drug is ready."


@workflow(
    "refill-request",
    lane="orders",
    needs=("MedicationRequest?patient&status", "Observation?patient&category", "Communication.create"),
)
def refill_request(nurse: Clinician) -> None:
    """Look up what the patient takes and how well the kidneys work, then answer."""
    patient = nurse.next_patient()
    orders = nurse.search("MedicationRequest", patient=patient, status="active", _count="50")
    nurse.think("which of the drugs is it")
    for _ in nurse.pick(orders.matches, 1):
        nurse.search("Observation", patient=patient, category="laboratory", _sort="-date", _count="20")
        nurse.think("does a result speak against it")
    nurse.create(
        resources.communication(
            f"Patient/{patient.id}",
            ANSWER,
            sender=nurse.practitioner or nurse.organization,
            recipient=f"Patient/{patient.id}",
            sent=nurse.now,
        )
    )
