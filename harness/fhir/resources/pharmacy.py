"""What the pharmacy hands over: MedicationDispense."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from harness.fhir.codes import Coding
from harness.fhir.resources.elements import Element, Resource, concept, identified, instant, reference, without_empty
from harness.fhir.systems import ACT_CODE

__all__ = ["medication_dispense"]

# source: HL7 v3 ActCode, ActPharmacySupplyType
_FIRST_FILL: Final = Coding(ACT_CODE, "FF", "First Fill")


def medication_dispense(
    patient: str,
    medication: Element,
    *,
    performer: str,
    handed_over: datetime,
    request: str,
    dosage: Sequence[Element] = (),
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A first fill of the order `request`; `medication` and `dosage` are as the order has them (R4 elements)."""
    return without_empty(
        {
            "resourceType": "MedicationDispense",
            "identifier": identified(identifier),
            "status": "completed",
            "medicationCodeableConcept": medication,
            "subject": reference(patient),
            "context": reference(encounter),
            "performer": [{"actor": reference(performer)}] if performer else [],
            "authorizingPrescription": [reference(request)],
            "type": concept(_FIRST_FILL),
            "whenHandedOver": instant(handed_over),
            "dosageInstruction": list(dosage),
        }
    )
