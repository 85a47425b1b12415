"""The pharmacy: orders are verified in the order in which they came or were last changed, and handed over."""

from __future__ import annotations

from typing import Any

from harness.clinic.charting import allergies, patient_of
from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import codes, resources
from harness.fhir.systems import LOINC

VERIFIED = "Verified by the pharmacy: dose, allergies and kidney function checked."


@workflow(
    "verify-order",
    lane="orders",
    needs=(
        "MedicationRequest?status&intent",
        "AllergyIntolerance?patient",
        "Observation?patient&code",
        "MedicationRequest.update",
        "MedicationDispense.create",
    ),
)
def verify_order(pharmacist: Clinician) -> None:
    """Take an order off the queue, hold it against allergies and creatinine, verify it, hand the drug over.

    The queue is that of the network's active orders, the longest untouched first; what is verified goes to its end.
    An order that somebody changed meanwhile is left on it. An empty queue ends it.
    """
    queue = pharmacist.search("MedicationRequest", status="active", intent="order", _sort="_lastUpdated", _count="50")
    for order in pharmacist.pick(pharmacist.own_share(queue.ours), 1):
        patient = patient_of(order)
        pharmacist.think("drug, dose, route and frequency")
        allergies(pharmacist, patient)
        pharmacist.think("does an allergy speak against it")
        creatinine = f"{LOINC}|{codes.CREATININE.coding.code}"
        pharmacist.search("Observation", patient=patient, code=creatinine, _sort="-date", _count="1")
        pharmacist.think("is the dose right for the kidneys")
        if pharmacist.claim(order, lambda seen: verified(seen, pharmacist)):
            pharmacist.create(handed_over(order, pharmacist))


def verified(order: dict[str, Any], pharmacist: Clinician) -> dict[str, Any]:
    """The order with the pharmacy's note, once, however often it is verified."""
    others = [note for note in order.get("note", ()) if note.get("text") != VERIFIED]
    return {**order, "note": [*others, {"time": pharmacist.now.isoformat(), "text": VERIFIED}]}


def handed_over(order: dict[str, Any], pharmacist: Clinician) -> dict[str, Any]:
    """The drug of an order as it leaves the pharmacy."""
    return resources.medication_dispense(
        order["subject"]["reference"],
        order["medicationCodeableConcept"],
        performer=pharmacist.practitioner,
        handed_over=pharmacist.now,
        request=f"MedicationRequest/{order['id']}",
        dosage=order.get("dosageInstruction", ()),
        encounter=order.get("encounter", {}).get("reference", ""),
    )
