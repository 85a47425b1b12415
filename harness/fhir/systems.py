"""The URIs that name a code system, an identifier system or a tag: ours and everybody's."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACT_CODE",
    "ICD_10_CM",
    "ID_SYSTEM",
    "LOINC",
    "NPI_SYSTEM",
    "RXNORM",
    "SNOMED_CT",
    "SYNTHETIC",
    "TAG_SYSTEM",
    "UCUM",
    "mrn_system",
]

LOINC: Final = "http://loinc.org"
SNOMED_CT: Final = "http://snomed.info/sct"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM: Final = "http://unitsofmeasure.org"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NPI_SYSTEM: Final = "http://hl7.org/fhir/sid/us-npi"

TAG_SYSTEM: Final = "urn:emr-load-harness:tag"
SYNTHETIC: Final = "synthetic"
"""The tag code on everything that the harness ever writes; an origin tag stands beside it."""
ID_SYSTEM: Final = "urn:emr-load-harness:id"


def mrn_system(site: str) -> str:
    """The identifier system of a site's medical record numbers."""
    return f"urn:emr-load-harness:mrn:{site}"
