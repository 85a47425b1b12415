"""What is to be done: MedicationRequest, ServiceRequest, and MedicationAdministration, the doing of the first."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from harness.fhir.codes import LABORATORY_PROCEDURE, Coding, LabPanel, Medication
from harness.fhir.resources.elements import (
    Element,
    Resource,
    concept,
    identified,
    instant,
    reference,
    terminology,
    without_empty,
)
from harness.fhir.systems import SNOMED_CT

__all__ = ["medication_administration", "medication_request", "service_request"]

# source: SNOMED CT
_BY_MOUTH: Final = Coding(SNOMED_CT, "26643006", "Oral route")
_SETTINGS: Final = {
    "outpatient": terminology("medicationrequest-category", "outpatient", "Outpatient"),
    "inpatient": terminology("medicationrequest-category", "inpatient", "Inpatient"),
}
_TIMES: Final = {1: "once", 2: "twice", 3: "three times", 4: "four times"}
_FORMS: Final = {"TAB": "tablet", "CAP": "capsule"}
_FORM_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm"


def medication_request(
    patient: str,
    medication: Medication,
    *,
    requester: str,
    authored: datetime,
    status: Literal["active", "completed", "stopped"] = "active",
    setting: Literal["outpatient", "inpatient"] = "outpatient",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """An order of `medication` in its usual dose."""
    daily = {"repeat": {"frequency": medication.times_a_day, "period": 1, "periodUnit": "d"}}
    return without_empty(
        {
            "resourceType": "MedicationRequest",
            "identifier": identified(identifier),
            "status": status,
            "intent": "order",
            "category": [concept(_SETTINGS[setting])],
            "reportedBoolean": False,
            "medicationCodeableConcept": concept(medication.coding),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "authoredOn": instant(authored),
            "requester": reference(requester),
            "dosageInstruction": [
                {
                    "text": _sentence(medication),
                    "timing": daily,
                    "route": concept(_BY_MOUTH),
                    "doseAndRate": [{"doseQuantity": _dose(medication)}],
                }
            ],
        }
    )


def medication_administration(
    patient: str,
    medication: Medication | Element,
    *,
    performer: str,
    given: datetime,
    request: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """One dose given by `performer`; `medication` is one of the list, or the CodeableConcept of the order."""
    if isinstance(medication, Medication):
        dosage = {"route": concept(_BY_MOUTH), "dose": _dose(medication)}
        medication = concept(medication.coding)
    else:
        dosage = {}
    return without_empty(
        {
            "resourceType": "MedicationAdministration",
            "identifier": identified(identifier),
            "status": "completed",
            "medicationCodeableConcept": medication,
            "subject": reference(patient),
            "context": reference(encounter),
            "effectiveDateTime": instant(given),
            "performer": [{"actor": {"reference": performer}}] if performer else [],
            "request": reference(request),
            "dosage": dosage,
        }
    )


def service_request(
    patient: str,
    panel: LabPanel,
    *,
    requester: str,
    performer: str,
    authored: datetime,
    status: Literal["active", "completed", "revoked"] = "active",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """An order of a laboratory panel, to be done by `performer` (a site's Organization)."""
    return without_empty(
        {
            "resourceType": "ServiceRequest",
            "identifier": identified(identifier),
            "status": status,
            "intent": "order",
            "category": [concept(LABORATORY_PROCEDURE)],
            "priority": "routine",
            "code": concept(panel.coding),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "authoredOn": instant(authored),
            "requester": reference(requester),
            "performer": [reference(performer)] if performer else [],
        }
    )


def _dose(medication: Medication) -> Element:
    form = medication.form
    return {"value": medication.units, "unit": _FORMS[form], "system": _FORM_SYSTEM, "code": form}


def _sentence(medication: Medication) -> str:
    form = _FORMS[medication.form] + ("s" if medication.units > 1 else "")
    return f"Take {medication.units} {form} by mouth {_TIMES[medication.times_a_day]} a day"
