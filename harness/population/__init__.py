"""Synthetic patients and staff, and the random streams that they and their doings are drawn from. No I/O, no FHIR.

Imported by every layer above it; imports `harness.errors` only. Faker is imported when the first person is asked for.
"""

from harness.population.identity import (
    PatientIdentity,
    PostalAddress,
    StaffIdentity,
    mrn,
    npi,
    patient_identity,
    staff_identity,
)
from harness.population.stream import Stream

__all__ = [
    "PatientIdentity",
    "PostalAddress",
    "StaffIdentity",
    "Stream",
    "mrn",
    "npi",
    "patient_identity",
    "staff_identity",
]
