"""What clinicians do: workflows by area of care over a `Clinician`, in a world that is a wire or a virtual clock.

Imported by `scenario` and all above it; imports `fhir` and `population`. Importing it fills `WORKFLOWS`.
"""

from harness.clinic import (
    authorization,
    bed_flow,
    billing,
    charting,
    document_inbox,
    documents,
    emergency,
    front_door,
    identity,
    imaging,
    interfaces,
    labs,
    medications,
    orders,
    pharmacy,
    portal,
    rounds,
    scheduling,
    shift_change,
)
from harness.clinic.clinician import Clinician, Found
from harness.clinic.post import Habits, Pace, Post
from harness.clinic.register import KnownPatient, SiteRegister
from harness.clinic.registry import LANES, WORKFLOWS, Workflow, workflow
from harness.clinic.world import SlotOver, StepFailed, World

__all__ = [
    "LANES",
    "WORKFLOWS",
    "Clinician",
    "Found",
    "Habits",
    "KnownPatient",
    "Pace",
    "Post",
    "SiteRegister",
    "SlotOver",
    "StepFailed",
    "Workflow",
    "World",
    "authorization",
    "bed_flow",
    "billing",
    "charting",
    "document_inbox",
    "documents",
    "emergency",
    "front_door",
    "identity",
    "imaging",
    "interfaces",
    "labs",
    "medications",
    "orders",
    "pharmacy",
    "portal",
    "rounds",
    "scheduling",
    "shift_change",
    "workflow",
]
