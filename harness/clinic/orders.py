"""Placing orders: laboratory tests and medications, signed together."""

from __future__ import annotations

from typing import Literal, TypeAlias

from harness.clinic.charting import (
    Who,
    active_medications,
    allergies,
    open_visits,
    problems,
    reference_to,
    visit_of,
)
from harness.clinic.clinician import Clinician
from harness.clinic.register import KnownPatient
from harness.clinic.registry import workflow
from harness.fhir import codes, requests, resources
from harness.fhir.codes import LabPanel, Medication
from harness.fhir.systems import LOINC

Setting: TypeAlias = Literal["outpatient", "inpatient"]
ORDER_NEEDS = (
    "AllergyIntolerance?patient",
    "MedicationRequest?patient&intent&status",
    "Condition?patient&category",
    "ServiceRequest?patient&category&status",
    "Observation?patient&code",
    "Encounter?patient&status",
    "transaction",
    "ServiceRequest.create",
    "MedicationRequest.create",
)
"""What `order_for` asks of a server."""


@workflow("place-orders", lane="orders", needs=ORDER_NEEDS)
def place_orders(physician: Clinician) -> None:
    """Choose a laboratory panel and a drug, look up before each choice what speaks against it, sign both or none."""
    order_for(physician, physician.next_patient())


def order_for(physician: Clinician, patient: KnownPatient, setting: Setting = "outpatient") -> None:
    """A panel and a drug for this patient, each chosen with what speaks against it in sight."""
    allergies(physician, patient)
    active_medications(physician, patient)
    physician.think("allergies and interactions")
    ordered = codes.LABORATORY_PROCEDURE.code
    physician.search("ServiceRequest", patient=patient, category=ordered, status="active", _count="20")
    physician.think("choose a panel that is not ordered yet")
    (panel,) = physician.pick(codes.LAB_PANELS, 1)
    problems(physician, patient)
    physician.think("choose a drug for the problem")
    (drug,) = physician.pick(codes.MEDICATIONS, 1)
    creatinine = f"{LOINC}|{codes.CREATININE.coding.code}"
    physician.search("Observation", patient=patient, code=creatinine, _sort="-date", _count="1")
    physician.think("choose the dose by the kidney's function")
    visit = visit_of(open_visits(physician, patient))
    physician.think("read again and sign")
    sign(physician, patient, panel, drug, visit, setting)


def sign(
    physician: Clinician, patient: Who, panel: LabPanel, drug: Medication, visit: str, setting: Setting = "outpatient"
) -> None:
    """Send both orders off together, within `visit` (a reference) where there is one."""
    who, now, by = reference_to(patient), physician.now, physician.practitioner
    tests = resources.service_request(
        who, panel, requester=by, performer=physician.organization, authored=now, encounter=visit
    )
    prescription = resources.medication_request(who, drug, requester=by, authored=now, encounter=visit, setting=setting)
    physician.transaction("orders", [requests.entry(tests), requests.entry(prescription)])
