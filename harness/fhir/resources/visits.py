"""When and for whom: Encounter, Appointment and Coverage."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from harness.fhir.codes import Coding
from harness.fhir.resources.elements import (
    Resource,
    coding,
    concept,
    identified,
    instant,
    reference,
    terminology,
    without_empty,
)
from harness.fhir.systems import ACT_CODE
from harness.fhir.ward_codes import (
    EMERGENCY_VISIT,
    ENCOUNTER_CLASSES,
    INPATIENT_STAY,
    OUTPATIENT_VISIT,
    EncounterClass,
)

__all__ = ["appointment", "coverage", "encounter"]

_VISIT_TYPES: Final = {"AMB": OUTPATIENT_VISIT, "IMP": INPATIENT_STAY, "EMER": EMERGENCY_VISIT}
_HEALTH_PLAN: Final = Coding(ACT_CODE, "EHCPOL", "extended healthcare")
_SELF: Final = terminology("subscriber-relationship", "self", "Self")
_ATTENDING: Final = terminology("v3-ParticipationType", "ATND", "attender")
_ROUTINE_VISIT: Final = terminology("v2-0276", "ROUTINE", "Routine appointment - default if not valued")


def encounter(
    patient: str,
    *,
    status: Literal["planned", "arrived", "in-progress", "finished"],
    start: datetime,
    end: datetime | None = None,
    practitioner: str = "",
    organization: str = "",
    kind: EncounterClass = "AMB",
    bed: str = "",
    identifier: str = "",
) -> Resource:
    """A visit or stay of `patient` at `organization`; `bed` is the Location where she lies."""
    place = {"location": reference(bed), "status": "active", "period": {"start": instant(start)}}
    attending = {"type": [concept(_ATTENDING)], "individual": {"reference": practitioner}}
    return without_empty(
        {
            "resourceType": "Encounter",
            "identifier": identified(identifier),
            "status": status,
            "class": coding(ENCOUNTER_CLASSES[kind]),
            "type": [concept(_VISIT_TYPES[kind])],
            "subject": reference(patient),
            "participant": [attending] if practitioner else [],
            "period": without_empty({"start": instant(start), "end": instant(end) if end else ""}),
            "location": [place] if bed else [],
            "serviceProvider": reference(organization),
        }
    )


def appointment(
    patient: str,
    practitioner: str,
    *,
    start: datetime,
    end: datetime,
    status: Literal["booked", "arrived", "fulfilled", "cancelled"] = "booked",
    reason: str = "",
    identifier: str = "",
) -> Resource:
    """A booked visit; both have accepted."""
    actors = [reference(actor) for actor in (patient, practitioner) if actor]
    return without_empty(
        {
            "resourceType": "Appointment",
            "identifier": identified(identifier),
            "status": status,
            "appointmentType": concept(_ROUTINE_VISIT),
            "description": reason,
            "start": instant(start),
            "end": instant(end),
            "minutesDuration": round((end - start).total_seconds() / 60),
            "participant": [{"actor": actor, "required": "required", "status": "accepted"} for actor in actors],
        }
    )


def coverage(patient: str, *, payer: str, member: str, start: date, identifier: str = "") -> Resource:
    """The health plan `payer` (its name) pays for `patient`, who is its member under the number `member`."""
    return without_empty(
        {
            "resourceType": "Coverage",
            "identifier": identified(identifier),
            "status": "active",
            "type": concept(_HEALTH_PLAN),
            "subscriberId": member,
            "beneficiary": reference(patient),
            "relationship": concept(_SELF),
            "period": {"start": start.isoformat()},
            "payor": [{"display": payer}],
        }
    )
