"""What is charged and claimed: ChargeItem and Claim, a bill or a request for prior authorization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

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

__all__ = ["charge_item", "claim"]

ClaimType = Literal["professional", "institutional"]

_TYPES: Final = {
    "professional": terminology("claim-type", "professional", "Professional"),
    "institutional": terminology("claim-type", "institutional", "Institutional"),
}
_NORMAL: Final = terminology("processpriority", "normal", "Normal")
_ATTACHMENT: Final = terminology("claiminformationcategory", "attachment", "Attachment")
_CURRENCY: Final = "USD"


def charge_item(
    patient: str,
    service: Element,
    *,
    encounter: str,
    entered: datetime,
    enterer: str = "",
    organization: str = "",
    procedure: str = "",
    reason: Element | None = None,
    status: Literal["billable", "billed", "not-billable"] = "billable",
    identifier: str = "",
) -> Resource:
    """One unit of `service` that can be billed, and the diagnosis it was for: CodeableConcepts."""
    return without_empty(
        {
            "resourceType": "ChargeItem",
            "identifier": identified(identifier),
            "status": status,
            "code": service,
            "subject": reference(patient),
            "context": reference(encounter),
            "occurrenceDateTime": instant(entered),
            "performingOrganization": reference(organization),
            "quantity": {"value": 1},
            "enterer": reference(enterer),
            "enteredDate": instant(entered),
            "reason": [reason] if reason else [],
            "service": [reference(procedure)] if procedure else [],
        }
    )


def claim(
    patient: str,
    services: Sequence[Element],
    *,
    coverage: str,
    created: datetime,
    provider: str,
    price: float,
    use: Literal["claim", "preauthorization"] = "claim",
    kind: ClaimType = "professional",
    diagnoses: Sequence[Element] = (),
    encounter: str = "",
    attachments: Sequence[str] = (),
    enterer: str = "",
    identifier: str = "",
) -> Resource:
    """`services` at `price` US dollars each, billed to `coverage` or, as a preauthorization, asked of it beforehand.

    `services` and `diagnoses` are CodeableConcepts; `attachments` are references to what supports the claim.
    """
    explained: Element = {"diagnosisSequence": [1]} if diagnoses else {}
    return without_empty(
        {
            "resourceType": "Claim",
            "identifier": identified(identifier),
            "status": "active",
            "type": concept(_TYPES[kind]),
            "use": use,
            "patient": reference(patient),
            "created": instant(created),
            "enterer": reference(enterer),
            # R4 asks for a provider; a target that cannot be seeded may have none to refer to
            "provider": reference(provider) or {"display": "The site of the service"},
            "priority": concept(_NORMAL),
            "supportingInfo": [
                {"sequence": number, "category": concept(_ATTACHMENT), "valueReference": reference(attached)}
                for number, attached in enumerate(attachments, start=1)
            ],
            "diagnosis": [
                {"sequence": number, "diagnosisCodeableConcept": diagnosis}
                for number, diagnosis in enumerate(diagnoses, start=1)
            ],
            "insurance": [{"sequence": 1, "focal": True, "coverage": reference(coverage)}],
            "item": [
                _claimed(number, service, price, encounter, explained)
                for number, service in enumerate(services, start=1)
            ],
            "total": _money(price * len(services)),
        }
    )


def _claimed(number: int, service: Element, price: float, encounter: str, explained: Element) -> Element:
    return without_empty(
        {
            "sequence": number,
            **explained,
            "productOrService": service,
            "quantity": {"value": 1},
            "unitPrice": _money(price),
            "net": _money(price),
            "encounter": [reference(encounter)] if encounter else [],
        }
    )


def _money(value: float) -> Element:
    return {"value": round(value, 2), "currency": _CURRENCY}
