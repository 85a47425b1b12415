"""Where a patient lies and who moves her: beds as Locations, the Task that asks for one, the order to bring her."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from harness.fhir.resources.elements import Resource, coding, concept, identified, instant, reference, without_empty
from harness.fhir.ward_codes import BED, BED_REQUEST, BED_STATES, TRANSPORT, BedState

__all__ = ["TaskStatus", "bed", "bed_request", "transport"]

TaskStatus = Literal["requested", "accepted", "in-progress", "completed"]


def bed(name: str, *, state: BedState = "U", organization: str = "", identifier: str = "") -> Resource:
    """A bed as a Location; `state` is of HL7 v2 table 0116: U unoccupied, O occupied, H housekeeping."""
    return without_empty(
        {
            "resourceType": "Location",
            "identifier": identified(identifier),
            "status": "active",
            "operationalStatus": coding(BED_STATES[state]),
            "name": name,
            "mode": "instance",
            "physicalType": concept(BED),
            "managingOrganization": reference(organization),
        }
    )


def bed_request(
    patient: str,
    encounter: str,
    *,
    authored: datetime,
    requester: str = "",
    owner: str = "",
    status: TaskStatus = "requested",
    identifier: str = "",
) -> Resource:
    """A Task that asks `owner` (a site's Organization) for a bed for the patient of `encounter`."""
    return without_empty(
        {
            "resourceType": "Task",
            "identifier": identified(identifier),
            "status": status,
            "intent": "order",
            "priority": "urgent",
            "code": concept(BED_REQUEST),
            "focus": reference(encounter),
            "for": reference(patient),
            "encounter": reference(encounter),
            "authoredOn": instant(authored),
            "lastModified": instant(authored),
            "requester": reference(requester),
            "owner": reference(owner),
        }
    )


def transport(
    patient: str,
    *,
    authored: datetime,
    requester: str = "",
    performer: str = "",
    encounter: str = "",
    to: str = "",
    status: Literal["active", "completed", "revoked"] = "active",
    identifier: str = "",
) -> Resource:
    """An order to bring the patient to the Location `to`, for `performer` (a site's Organization)."""
    return without_empty(
        {
            "resourceType": "ServiceRequest",
            "identifier": identified(identifier),
            "status": status,
            "intent": "order",
            "category": [concept(TRANSPORT)],
            "priority": "routine",
            "code": concept(TRANSPORT),
            "subject": reference(patient),
            "encounter": reference(encounter),
            "authoredOn": instant(authored),
            "requester": reference(requester),
            "performer": [reference(performer)] if performer else [],
            "locationReference": [reference(to)] if to else [],
        }
    )
