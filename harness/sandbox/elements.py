"""What a resource must hold to be stored: the elements with minimum cardinality 1 in FHIR R4, nothing finer.

The server is no validator; it refuses what a real one could not file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.sandbox.outcome import FhirError

__all__ = ["check_elements"]

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Encounter": ("status", "class"),
    "Condition": ("subject",),
    "AllergyIntolerance": ("patient",),
    "Observation": ("status", "code"),
    "MedicationRequest": ("status", "intent", "medication[x]", "subject"),
    "MedicationAdministration": ("status", "medication[x]", "subject", "effective[x]"),
    "MedicationDispense": ("status", "medication[x]"),
    "ServiceRequest": ("status", "intent", "subject"),
    "DiagnosticReport": ("status", "code"),
    "DocumentReference": ("status", "content"),
    "Coverage": ("status", "beneficiary", "payor"),
    "Appointment": ("status", "participant"),
    "Slot": ("schedule", "status", "start", "end"),
    "Schedule": ("actor",),
    "Task": ("status", "intent"),
    "Immunization": ("status", "vaccineCode", "patient", "occurrence[x]"),
    "Procedure": ("status", "subject"),
    "Account": ("status",),
    "ChargeItem": ("status", "code", "subject"),
    "Claim": ("status", "type", "use", "patient", "created", "provider", "priority", "insurance"),
    "ClaimResponse": ("status", "type", "use", "patient", "created", "insurer", "outcome"),
    "CoverageEligibilityRequest": ("status", "purpose", "patient", "created", "insurer"),
    "CoverageEligibilityResponse": ("status", "purpose", "patient", "created", "request", "outcome", "insurer"),
    "ExplanationOfBenefit": (
        "status",
        "type",
        "use",
        "patient",
        "created",
        "insurer",
        "provider",
        "outcome",
        "insurance",
    ),
    "Binary": ("contentType",),
    "Communication": ("status",),
    "CommunicationRequest": ("status",),
    "ImagingStudy": ("status", "subject"),
}


def check_elements(kind: str, resource: Mapping[str, Any]) -> None:
    """Raises FhirError 422 naming what is missing."""
    missing = [element for element in REQUIRED.get(kind, ()) if not _has(resource, element)]
    if missing:
        raise FhirError(422, "required", f"{kind} lacks {', '.join(missing)}, which FHIR R4 requires")


def _has(resource: Mapping[str, Any], element: str) -> bool:
    if element.endswith("[x]"):
        stem = element[:-3]
        return any(name.startswith(stem) and value for name, value in resource.items())
    return resource.get(element) not in (None, "", [], {})
