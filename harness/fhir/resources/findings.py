"""What was found and written down: problems, allergies, vital signs, laboratory results, reports and notes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal

from harness.fhir import codes
from harness.fhir.codes import Allergen, Coding, Lab, LabPanel, Problem, VitalSign
from harness.fhir.resources.elements import (
    ACTIVE_ALLERGY,
    ACTIVE_CONDITION,
    CONFIRMED_ALLERGY,
    CONFIRMED_CONDITION,
    Element,
    Resource,
    concept,
    identified,
    instant,
    quantity,
    reference,
    terminology,
    without_empty,
)

__all__ = ["allergy", "condition", "diagnostic_report", "document_reference", "lab_observation", "vital_signs"]

_PROBLEM_LIST: Final = terminology("condition-category", "problem-list-item", "Problem List Item")
_LABORATORY: Final = terminology("observation-category", "laboratory", "Laboratory")
_VITAL_SIGNS: Final = terminology("observation-category", "vital-signs", "Vital Signs")
_LABORATORY_REPORT: Final = terminology("v2-0074", "LAB", "Laboratory")
_INTERPRETATION: Final = "v3-ObservationInterpretation"
_LOW: Final = terminology(_INTERPRETATION, "L", "Low")
_NORMAL: Final = terminology(_INTERPRETATION, "N", "Normal")
_HIGH: Final = terminology(_INTERPRETATION, "H", "High")
_CLINICAL_NOTE: Final = Coding(
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note", "Clinical Note"
)


def condition(
    patient: str, problem: Problem, *, recorded: date, recorder: str = "", encounter: str = "", identifier: str = ""
) -> Resource:
    """An active entry of the problem list, coded for clinicians and for billing."""
    return without_empty(
        {
            "resourceType": "Condition",
            "identifier": identified(identifier),
            "clinicalStatus": concept(ACTIVE_CONDITION),
            "verificationStatus": concept(CONFIRMED_CONDITION),
            "category": [concept(_PROBLEM_LIST)],
            "code": concept(problem.snomed, problem.icd10),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "recordedDate": recorded.isoformat(),
            "recorder": reference(recorder),
        }
    )


def allergy(
    patient: str,
    allergen: Allergen,
    *,
    recorded: date,
    reaction: Coding,
    criticality: Literal["low", "high", "unable-to-assess"] = "low",
    recorder: str = "",
    identifier: str = "",
) -> Resource:
    """A confirmed, active allergy and how it showed."""
    return without_empty(
        {
            "resourceType": "AllergyIntolerance",
            "identifier": identified(identifier),
            "clinicalStatus": concept(ACTIVE_ALLERGY),
            "verificationStatus": concept(CONFIRMED_ALLERGY),
            "type": "allergy",
            "category": [allergen.category],
            "criticality": criticality,
            "code": concept(allergen.coding),
            "patient": reference(patient),
            "recordedDate": recorded.isoformat(),
            "recorder": reference(recorder),
            "reaction": [{"manifestation": [concept(reaction)]}],
        }
    )


def vital_signs(
    patient: str,
    *,
    at: datetime,
    performer: str = "",
    encounter: str = "",
    systolic: float,
    diastolic: float,
    heart_rate: float | None = None,
    respiratory_rate: float | None = None,
    temperature_c: float | None = None,
    oxygen_saturation: float | None = None,
    identifier: str = "",
) -> list[Resource]:
    """One Observation of the blood pressure and one each of the others that were taken.

    Millimetres of mercury, beats and breaths a minute, degrees Celsius, percent. Each one's LOINC code
    is put behind `identifier`.
    """
    taken = (
        (codes.HEART_RATE, heart_rate),
        (codes.RESPIRATORY_RATE, respiratory_rate),
        (codes.BODY_TEMPERATURE, temperature_c),
        (codes.OXYGEN_SATURATION, oxygen_saturation),
    )
    pressure = {
        "code": concept(codes.BLOOD_PRESSURE),
        "component": [_measured(codes.SYSTOLIC, systolic), _measured(codes.DIASTOLIC, diastolic)],
    }
    measured = [pressure, *(_measured(sign, value) for sign, value in taken if value is not None)]
    return [
        _observation(
            patient,
            _VITAL_SIGNS,
            one,
            at=at,
            performer=performer,
            encounter=encounter,
            identifier=f"{identifier}.{one['code']['coding'][0]['code']}" if identifier else "",
        )
        for one in measured
    ]


def lab_observation(
    patient: str,
    lab: Lab,
    value: float,
    *,
    at: datetime,
    performer: str = "",
    order: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A final result with its reference range and what it means; `order` is the ServiceRequest it answers."""
    shown = quantity(value, lab.unit, lab.decimals)
    meaning = _LOW if shown["value"] < lab.low else _HIGH if shown["value"] > lab.high else _NORMAL
    limits = {"low": quantity(lab.low, lab.unit, lab.decimals), "high": quantity(lab.high, lab.unit, lab.decimals)}
    found = {
        "code": concept(lab.coding),
        "valueQuantity": shown,
        "interpretation": [concept(meaning)],
        "referenceRange": [limits],
        "basedOn": [reference(order)] if order else [],
    }
    return _observation(
        patient, _LABORATORY, found, at=at, performer=performer, encounter=encounter, identifier=identifier
    )


def diagnostic_report(
    patient: str,
    panel: LabPanel,
    *,
    results: Sequence[str],
    at: datetime,
    issued: datetime | None = None,
    performer: str = "",
    order: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A final laboratory report; `results` are references to its Observations, `issued` is `at` where not given."""
    return without_empty(
        {
            "resourceType": "DiagnosticReport",
            "identifier": identified(identifier),
            "basedOn": [reference(order)] if order else [],
            "status": "final",
            "category": [concept(_LABORATORY_REPORT)],
            "code": concept(panel.coding),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "effectiveDateTime": instant(at),
            "issued": instant(issued or at),
            "performer": [reference(performer)] if performer else [],
            "result": [reference(result) for result in results],
        }
    )


def document_reference(
    patient: str,
    note_type: Coding,
    text: str,
    *,
    author: str,
    at: datetime,
    custodian: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A clinical note as plain text, held in the resource itself."""
    written = instant(at)
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "data": b64encode(text.encode()).decode(),
        "title": note_type.display,
        "creation": written,
    }
    return without_empty(
        {
            "resourceType": "DocumentReference",
            "identifier": identified(identifier),
            "status": "current",
            "docStatus": "final",
            "type": concept(note_type),
            "category": [concept(_CLINICAL_NOTE)],
            "subject": reference(patient),
            "date": written,
            "author": [reference(author)] if author else [],
            "custodian": reference(custodian),
            "content": [{"attachment": attachment}],
            "context": {"encounter": [reference(encounter)]} if encounter else {},
        }
    )


def _measured(sign: VitalSign, value: float) -> Element:
    coded = [sign.coding, codes.PULSE_OXIMETRY] if sign is codes.OXYGEN_SATURATION else [sign.coding]
    return {"code": concept(*coded), "valueQuantity": quantity(value, sign.unit, sign.decimals)}


def _observation(
    patient: str, category: Coding, found: Element, *, at: datetime, performer: str, encounter: str, identifier: str
) -> Resource:
    return without_empty(
        {
            "resourceType": "Observation",
            "identifier": identified(identifier),
            "status": "final",
            "category": [concept(category)],
            "subject": reference(patient),
            "encounter": reference(encounter),
            "effectiveDateTime": instant(at),
            "performer": [reference(performer)] if performer else [],
            **found,
        }
    )
