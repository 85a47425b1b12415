"""What was done to a patient: Procedure."""

from __future__ import annotations

from datetime import datetime

from harness.fhir.codes import Coding
from harness.fhir.resources.elements import Resource, concept, identified, instant, reference, without_empty

__all__ = ["procedure"]


def procedure(
    patient: str,
    what: Coding,
    *,
    performed: datetime,
    performer: str = "",
    encounter: str = "",
    identifier: str = "",
) -> Resource:
    """A procedure that is done."""
    return without_empty(
        {
            "resourceType": "Procedure",
            "identifier": identified(identifier),
            "status": "completed",
            "code": concept(what),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "performedDateTime": instant(performed),
            "performer": [{"actor": reference(performer)}] if performer else [],
        }
    )
