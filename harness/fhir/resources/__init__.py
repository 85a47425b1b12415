"""R4 resources from plain values, shaped as US Core asks where that is easy; each function returns one new resource.

References are strings (`Patient/12`, `urn:uuid:…`); an empty one leaves its element out. Nothing is tagged here (see
`requests.tagged`). `identifier` is a value under the harness's own system, by which a resource is found again. A time
needs a zone: a builder raises ValueError without one. Imported by `clinic` and `control`.
"""

from harness.fhir.resources.billing import charge_item, claim
from harness.fhir.resources.findings import (
    allergy,
    condition,
    diagnostic_report,
    document_reference,
    lab_observation,
    vital_signs,
)
from harness.fhir.resources.flow import bed, bed_request, transport
from harness.fhir.resources.imaging import image_index, imaging_report, imaging_study
from harness.fhir.resources.messages import communication
from harness.fhir.resources.orders import medication_administration, medication_request, service_request
from harness.fhir.resources.papers import binary, filed_paper, paper_task, scan_bytes
from harness.fhir.resources.people import Address, organization, patient, practitioner
from harness.fhir.resources.pharmacy import medication_dispense
from harness.fhir.resources.procedures import procedure
from harness.fhir.resources.visits import appointment, coverage, encounter

__all__ = [
    "Address",
    "allergy",
    "appointment",
    "bed",
    "bed_request",
    "binary",
    "charge_item",
    "claim",
    "communication",
    "condition",
    "coverage",
    "diagnostic_report",
    "document_reference",
    "encounter",
    "filed_paper",
    "image_index",
    "imaging_report",
    "imaging_study",
    "lab_observation",
    "medication_administration",
    "medication_dispense",
    "medication_request",
    "organization",
    "paper_task",
    "patient",
    "practitioner",
    "procedure",
    "scan_bytes",
    "service_request",
    "transport",
    "vital_signs",
]
