"""The data types that resources are built of: concepts, references, quantities, times. Empty parts are left out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from harness.fhir.codes import Coding
from harness.fhir.systems import ID_SYSTEM, UCUM

__all__ = [
    "ACTIVE_ALLERGY",
    "ACTIVE_CONDITION",
    "CONFIRMED_ALLERGY",
    "CONFIRMED_CONDITION",
    "Element",
    "Resource",
    "concept",
    "identified",
    "instant",
    "quantity",
    "reference",
    "terminology",
    "without_empty",
]

Resource = dict[str, Any]
Element = dict[str, Any]


def terminology(name: str, code: str, display: str) -> Coding:
    """A code of HL7's own terminology, by the last part of its code system's address."""
    return Coding(f"http://terminology.hl7.org/CodeSystem/{name}", code, display)


ACTIVE_CONDITION: Final = terminology("condition-clinical", "active", "Active")
CONFIRMED_CONDITION: Final = terminology("condition-ver-status", "confirmed", "Confirmed")
ACTIVE_ALLERGY: Final = terminology("allergyintolerance-clinical", "active", "Active")
CONFIRMED_ALLERGY: Final = terminology("allergyintolerance-verification", "confirmed", "Confirmed")


def coding(code: Coding) -> Element:
    return {"system": code.system, "code": code.code, "display": code.display}


def concept(*codes: Coding) -> Element:
    """A CodeableConcept; the first code's display is what people read."""
    return {"coding": [coding(code) for code in codes], "text": codes[0].display}


def reference(target: str) -> Element:
    return {"reference": target} if target else {}


def quantity(value: float, unit: str, decimals: int = 0) -> Element:
    """A UCUM quantity; `value` is rounded to what would be reported."""
    return {"value": round(value, decimals) if decimals else round(value), "unit": unit, "system": UCUM, "code": unit}


def instant(at: datetime) -> str:
    """ISO 8601 to the second, with the zone. Raises ValueError where `at` has none."""
    if at.tzinfo is None:
        raise ValueError("a time in a chart needs a zone; this one has none")
    return at.isoformat(timespec="seconds")


def identified(value: str) -> list[Element]:
    return [{"system": ID_SYSTEM, "value": value}] if value else []


def without_empty(resource: Resource) -> Resource:
    """`resource` without elements that hold nothing; FHIR allows no empty ones."""
    return {name: value for name, value in resource.items() if value not in ("", None, [], {})}
