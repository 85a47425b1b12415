"""What becomes of a resource on the way through the house: each function takes what was read and gives what to write.

The argument is left as it was; what it holds besides is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness.fhir.resources.elements import Resource, coding, concept, instant, reference
from harness.fhir.resources.flow import TaskStatus
from harness.fhir.ward_codes import BED_STATES, ENCOUNTER_CLASSES, HOME, INPATIENT_STAY, BedState

__all__ = ["admitted", "bed_with", "discharged_home", "in_bed", "task_with"]


def bed_with(seen: Mapping[str, Any], state: BedState) -> Resource:
    """The Location `seen` in another state."""
    return {**seen, "operationalStatus": coding(BED_STATES[state])}


def task_with(seen: Mapping[str, Any], status: TaskStatus, at: datetime) -> Resource:
    """The Task `seen` one step further in its life."""
    return {**seen, "status": status, "lastModified": instant(at)}


def admitted(seen: Mapping[str, Any], at: datetime) -> Resource:
    """The Encounter `seen`, an inpatient stay from now on; what it was before stands in its history."""
    before = {"class": seen["class"], "period": {"start": seen.get("period", {}).get("start", instant(at))}}
    before["period"]["end"] = instant(at)
    return {
        **seen,
        "class": coding(ENCOUNTER_CLASSES["IMP"]),
        "classHistory": [*seen.get("classHistory", ()), before],
        "type": [concept(INPATIENT_STAY)],
    }


def in_bed(seen: Mapping[str, Any], bed: str, at: datetime) -> Resource:
    """The Encounter `seen` with the patient in the Location `bed` from now on, and no longer where she was."""
    earlier = [
        {**place, "status": "completed", "period": {**place.get("period", {}), "end": instant(at)}}
        if place.get("status") == "active"
        else place
        for place in seen.get("location", ())
    ]
    now = {"location": reference(bed), "status": "active", "period": {"start": instant(at)}}
    return {**seen, "location": [*earlier, now]}


def discharged_home(seen: Mapping[str, Any]) -> Resource:
    """The Encounter `seen` with where the patient goes when it is over."""
    return {**seen, "hospitalization": {**seen.get("hospitalization", {}), "dischargeDisposition": concept(HOME)}}
