"""Giving medications."""

from __future__ import annotations

from harness.clinic.charting import PATIENTS_OF_A_NURSE, active_medications
from harness.clinic.clinician import Clinician
from harness.clinic.registry import workflow
from harness.fhir import resources

DOSES_AT_ONCE = 3
"""How many medications one patient takes in one round (assumption)."""


@workflow(
    "medication-pass",
    lane="charting",
    needs=("MedicationRequest?patient&intent&status", "MedicationRequest.read", "MedicationAdministration.create"),
)
def medication_pass(nurse: Clinician) -> None:
    """Give one patient the medications that are due now.

    One pause an entry: 633–875 flowsheet entries in 12 h (PMC6371331); each dose is filed as it is given.
    """
    patient = nurse.own_patient(PATIENTS_OF_A_NURSE)
    due = active_medications(nurse, patient)
    for order in nurse.pick(due.matches, DOSES_AT_ONCE):
        nurse.think("scan wristband and drug, check the dose")
        nurse.read("MedicationRequest", order["id"])
        nurse.create(
            resources.medication_administration(
                f"Patient/{patient.id}",
                order["medicationCodeableConcept"],
                performer=nurse.practitioner,
                given=nurse.now,
                request=f"MedicationRequest/{order['id']}",
            )
        )
