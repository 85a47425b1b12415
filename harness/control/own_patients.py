"""The people of a run at an endpoint that is not seeded: the patients of a file, and whatever staff is there.

each row ──read by id, or searched by identifier──▶ Patient ─┐
Practitioner?_count=…, Organization?_count=1                 ├─▶ SiteRegister
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from harness.clinic.register import SiteRegister
from harness.control.client import ControlClient, Refused
from harness.control.parallel import in_parallel
from harness.fhir.capabilities import Capabilities
from harness.fhir.checks import split_search_result
from harness.scenario.model import RunSpec
from harness.scenario.patients_file import PatientRow, PatientsFile
from harness.scenario.seating import call_for, seat

__all__ = ["OwnPeople", "find_own_people"]

Resource = dict[str, Any]

MOST_STAFF: Final = 1000
"""Practitioners that are looked up; a larger staff shares these."""
_NOT_THERE: Final = (404, 410)


@dataclass(frozen=True)
class OwnPeople:
    """Who is there for a run. `spec` is the run with the system of each site's record numbers."""

    spec: RunSpec
    register: Mapping[str, SiteRegister]
    practitioners: int
    """Practitioners found, of which all sites' staff are."""
    notes: tuple[str, ...] = ()
    """What is left out of the work, in words."""


def find_own_people(
    client: ControlClient, capabilities: Capabilities, spec: RunSpec, patients: PatientsFile
) -> OwnPeople:
    """The patients of the file at the sites of `spec`, and the staff and Organization that the endpoint has.

    Raises NoPatients with the lines whose patient is not there, TargetError where the endpoint refuses to tell.
    """
    asked = in_parallel(lambda row: (row.line, _ask(client, row)), patients.rows, client.connections, client.give_up)
    seated = seat(spec, patients, dict(asked), client.target.url)
    practitioners, no_staff = _whoever(client, capabilities, "Practitioner", MOST_STAFF)
    organizations, no_organization = _whoever(client, capabilities, "Organization", 1)
    register = seated.registers(spec, practitioners, next(iter(organizations), ""))
    notes = tuple(note for note in (no_staff, no_organization) if note)
    return OwnPeople(seated.settle(spec), register, len(practitioners), notes)


def _ask(client: ControlClient, row: PatientRow) -> Sequence[Resource]:
    """The Patients that the row may mean: none, one, or more where an identifier is not unique."""
    try:
        content = client.json(call_for(row))
    except Refused as refused:
        if row.id and refused.status in _NOT_THERE:
            return []
        raise
    patients = [content] if row.id else split_search_result(content)[0]
    found = [one for one in patients if one.get("resourceType") == "Patient" and one.get("id")]
    return [one for one in found if row.id in ("", one["id"])]


def _whoever(client: ControlClient, capabilities: Capabilities, kind: str, most: int) -> tuple[list[str], str]:
    """Up to so many ids of `kind`, and what is left out where there are none."""
    without = f"no {kind} is named in what is written"
    if "search-type" not in capabilities.interactions.get(kind, ()):
        return [], f"the target does not declare a search of {kind}: {without}"
    try:
        found = islice(client.find(kind, {}, page_size=min(most, 200)), most)
        ids = [str(one["id"]) for one in found if one.get("resourceType") == kind and one.get("id")]
    except Refused as error:
        # The work goes on without them, and the row says so.
        return [], f"{error}: {without}"
    return ids, "" if ids else f"the target has none: {without}"
