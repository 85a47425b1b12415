"""Codes of what surrounds the visit: imaging examinations, procedures, papers from outside, charges.

Which entries stand in a list is our choice (assumption: what a hospital meets often); codes and displays are those of
LOINC, SNOMED CT, DICOM (NEMA) and HCPCS Level II (U.S. CMS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.fhir.codes import Coding
from harness.fhir.systems import LOINC, SNOMED_CT

__all__ = [
    "CLINIC_VISIT",
    "DIAGNOSTIC_IMAGING",
    "DICOM",
    "FAX_TYPES",
    "HCPCS",
    "IMAGING_EXAMS",
    "OBSERVATION_HOUR",
    "PAPER_TO_FILE",
    "PAPER_TO_SIGN",
    "PROCEDURES",
    "SCAN_TYPES",
    "ImagingExam",
]

DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
HCPCS: Final = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


@dataclass(frozen=True, slots=True)
class ImagingExam:
    """An imaging examination, the modality that does it, and the DICOM storage class of its images."""

    coding: Coding
    modality: Coding
    sop_class: str


_X_RAY: Final = Coding(DICOM, "DX", "Digital Radiography")
_CT: Final = Coding(DICOM, "CT", "Computed Tomography")
# source: DICOM PS3.6, storage SOP classes of digital X-ray (for presentation) and of CT
_X_RAY_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.1.1"
_CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"

# source: assumption (examinations that a hospital does often; codes and displays from LOINC 2.x)
IMAGING_EXAMS: Final = (
    ImagingExam(Coding(LOINC, "36643-5", "XR Chest 2 Views"), _X_RAY, _X_RAY_IMAGE),
    ImagingExam(Coding(LOINC, "24725-4", "CT Head"), _CT, _CT_IMAGE),
    ImagingExam(Coding(LOINC, "24627-2", "CT Chest"), _CT, _CT_IMAGE),
)
DIAGNOSTIC_IMAGING: Final = Coding(LOINC, "18748-4", "Diagnostic imaging study")
"""The type of a DocumentReference that leads to a study's images."""

# source: assumption (procedures that are done often; codes and displays from SNOMED CT)
PROCEDURES: Final = (
    Coding(SNOMED_CT, "29303009", "Electrocardiographic procedure"),
    Coding(SNOMED_CT, "73761001", "Colonoscopy"),
    Coding(SNOMED_CT, "399208008", "Plain chest X-ray"),
)

# source: assumption (what other houses fax, and what people bring on paper; codes and displays from LOINC 2.x)
FAX_TYPES: Final = (
    Coding(LOINC, "57133-1", "Referral note"),
    Coding(LOINC, "11488-4", "Consult note"),
    Coding(LOINC, "18842-5", "Discharge summary"),
)
SCAN_TYPES: Final = (Coding(LOINC, "51851-4", "Administrative note"), *FAX_TYPES)

CLINIC_VISIT: Final = Coding(
    HCPCS, "G0463", "Hospital outpatient clinic visit for assessment and management of a patient"
)
OBSERVATION_HOUR: Final = Coding(HCPCS, "G0378", "Hospital observation service, per hour")

# source: HL7 FHIR R4, task-code
_TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
PAPER_TO_FILE: Final = Coding(_TASK_CODE, "change", "Change the focal resource")
"""A paper has come: whoever finds out whom it is about writes that into its DocumentReference."""
PAPER_TO_SIGN: Final = Coding(_TASK_CODE, "approve", "Activate/approve the focal resource")
"""A paper is filed: a clinician must look at it and sign."""
