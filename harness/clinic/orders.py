"""Placing orders: laboratory tests and medications, signed together."""

from __future__ import annotations

from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources


@workflow(
    "place-orders",
    lane="orders",
    needs=(
        "AllergyIntolerance?patient",
        "MedicationRequest?patient&intent&status",
        "transaction",
        "ServiceRequest.create",
        "MedicationRequest.create",
    ),
)
def place_orders(physician: Clinician) -> None:
    """Check allergies and medications, choose a laboratory panel and a drug, sign both: all or nothing."""
    patient = physician.next_patient()
    physician.search("AllergyIntolerance", patient=patient, _count="50")
    physician.search("MedicationRequest", patient=patient, at_least=1, intent="order", status="active", _count="20")
    for step in ("allergies and interactions", "choose the panel", "choose the drug", "choose the dose"):
        physician.think(step)
    (panel,) = physician.pick(codes.LAB_PANELS, 1)
    (drug,) = physician.pick(codes.MEDICATIONS, 1)
    who, now, by = f"Patient/{patient.id}", physician.now, physician.practitioner
    tests = resources.service_request(who, panel, requester=by, performer=physician.organization, authored=now)
    prescription = resources.medication_request(who, drug, requester=by, authored=now)
    physician.think("read again and sign")
    physician.transaction("orders", [requests.entry(tests), requests.entry(prescription)])
