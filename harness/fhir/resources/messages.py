"""What people write to each other: Communication."""

from __future__ import annotations

from datetime import datetime

from harness.fhir.resources.elements import Resource, identified, instant, reference, without_empty

__all__ = ["communication"]


def communication(
    patient: str,
    text: str,
    *,
    sender: str,
    sent: datetime,
    recipient: str = "",
    answers: str = "",
    identifier: str = "",
) -> Resource:
    """A message about `patient` that was sent; `answers` is the Communication it replies to."""
    return without_empty(
        {
            "resourceType": "Communication",
            "identifier": identified(identifier),
            "inResponseTo": [reference(answers)] if answers else [],
            "status": "completed",
            "subject": reference(patient),
            "sent": instant(sent),
            "recipient": [reference(recipient)] if recipient else [],
            "sender": reference(sender),
            "payload": [{"contentString": text}],
        }
    )
