"""Beds and ways: who needs a bed, which is free, who brings the patient there, and when the bed is free again.

Task of whoever asks for a bed:     requested ─▶ accepted ─▶ in-progress ─▶ completed      each step under If-Match
bed (Location.operationalStatus):   U unoccupied ─▶ O occupied ─▶ H housekeeping ─▶ U
"""

from __future__ import annotations

from typing import Any

from harness.clinic.charting import patient_of, problems
from harness.clinic.clinician import Clinician, Found
from harness.clinic.registry import workflow
from harness.fhir import resources
from harness.fhir.resources import changes
from harness.fhir.ward_codes import BED_REQUEST, TRANSPORT, BedState

BEDS_NEED = "Location?operational-status&organization"
REQUESTS_NEED = "Task?status&code&owner"


@workflow("bed-board", lane="scheduling", needs=(BEDS_NEED, REQUESTS_NEED))
def look_at_bed_board(coordinator: Clinician) -> None:
    """See which beds are free, which are being cleaned, and who waits for one."""
    beds(coordinator, "U")
    coordinator.think("where there is room")
    beds(coordinator, "H")
    coordinator.think("where there will be room")
    bed_requests(coordinator)
    coordinator.think("who waits, and how long")


@workflow(
    "place-patient",
    lane="scheduling",
    needs=(
        BEDS_NEED,
        REQUESTS_NEED,
        "Task.update",
        "Encounter.read",
        "Condition?patient&category",
        "Encounter.update",
        "Location.update",
        "ServiceRequest.create",
    ),
)
def place_patient(coordinator: Clinician) -> None:
    """Take a request for a bed, agree with the ward, put the patient into a free bed, order the transport.

    Nothing free or nobody waiting ends it; a request that a colleague took meanwhile is hers.
    """
    free = beds(coordinator, "U")
    coordinator.think("which wards have room")
    waiting = bed_requests(coordinator)
    coordinator.think("who waits longest, who is most ill")
    for bed in coordinator.pick(coordinator.own_share(free.ours), 1):
        for request in coordinator.pick(coordinator.own_share(waiting.ours), 1):
            work_request(coordinator, request, bed)


@workflow("free-bed", lane="scheduling", needs=(BEDS_NEED, "Encounter?location&status", "Location.update"))
def free_bed(coordinator: Clinician) -> None:
    """Ask for an occupied bed whether anybody still lies in it, and call a cleaned one free again."""
    occupied = beds(coordinator, "O")
    for bed in coordinator.pick(coordinator.own_share(occupied.ours), 1):
        call_cleaners_to_empty(coordinator, bed)
    cleaned = beds(coordinator, "H")
    coordinator.think("which are made")
    for bed in coordinator.pick(coordinator.own_share(cleaned.ours), 1):
        coordinator.revise(bed, lambda seen: changes.bed_with(seen, "U"))


@workflow(
    "transport",
    lane="scheduling",
    needs=("ServiceRequest?code&status&performer", "Encounter?patient&status", "ServiceRequest.update"),
)
def transport(coordinator: Clinician) -> None:
    """Send somebody to bring a patient to her bed, and close the order when she is there. No order ends it."""
    orders = coordinator.search(
        "ServiceRequest",
        code=f"{TRANSPORT.system}|{TRANSPORT.code}",
        status="active",
        performer=coordinator.organization,
        _count="50",
    )
    coordinator.think("who is free to go")
    for order in coordinator.pick(coordinator.own_share(orders.ours), 1):
        coordinator.search("Encounter", patient=patient_of(order), status="in-progress", _count="10")
        coordinator.think("where she is now, how she can be moved")
        coordinator.think("she has arrived")
        coordinator.claim(order, lambda seen: {**seen, "status": "completed"})


def beds(coordinator: Clinician, state: BedState) -> Found:
    """The first page of the site's beds in this state."""
    return coordinator.search("Location", operational_status=state, organization=coordinator.organization, _count="50")


def bed_requests(coordinator: Clinician) -> Found:
    """Who waits for a bed, the first who asked first."""
    return coordinator.search(
        "Task",
        status="requested",
        code=f"{BED_REQUEST.system}|{BED_REQUEST.code}",
        owner=coordinator.organization,
        _sort="authored-on",
        _count="50",
    )


def work_request(coordinator: Clinician, request: dict[str, Any], bed: dict[str, Any]) -> None:
    """From `requested` to `completed`, with the patient in `bed` and her transport ordered."""
    task = coordinator.claim(request, lambda seen: changes.task_with(seen, "accepted", coordinator.now))
    stay = coordinator.look_up(request["focus"]["reference"]) if task else None
    if task and stay:
        problems(coordinator, patient_of(stay))
        coordinator.think("what kind of bed she needs")
        task = coordinator.revise(task, lambda seen: changes.task_with(seen, "in-progress", coordinator.now))
        coordinator.think("call the ward")
        put_to_bed(coordinator, stay, bed)
        coordinator.think("who brings her")
        coordinator.create(way_to(coordinator, stay, bed))
        coordinator.revise(task, lambda seen: changes.task_with(seen, "completed", coordinator.now))


def put_to_bed(coordinator: Clinician, stay: dict[str, Any], bed: dict[str, Any]) -> None:
    coordinator.revise(bed, lambda seen: changes.bed_with(seen, "O"))
    coordinator.revise(stay, lambda seen: changes.in_bed(seen, f"Location/{bed['id']}", coordinator.now))


def way_to(coordinator: Clinician, stay: dict[str, Any], bed: dict[str, Any]) -> dict[str, Any]:
    return resources.transport(
        stay["subject"]["reference"],
        authored=coordinator.now,
        requester=coordinator.practitioner,
        performer=coordinator.organization,
        encounter=f"Encounter/{stay['id']}",
        to=f"Location/{bed['id']}",
    )


def call_cleaners_to_empty(coordinator: Clinician, bed: dict[str, Any]) -> None:
    """A bed is empty where nobody's stay is there any more."""
    inside = coordinator.search("Encounter", location=f"Location/{bed['id']}", status="in-progress", _count="1")
    coordinator.think("has she left")
    if not inside.matches:
        coordinator.revise(bed, lambda seen: changes.bed_with(seen, "H"))
