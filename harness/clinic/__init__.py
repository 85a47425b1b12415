"""What clinicians do: workflows by area of care over a `Clinician`, in a world that is a wire or a virtual clock.

Imported by `scenario` and all above it; imports `fhir` and `population`. Importing it fills `WORKFLOWS`.
"""

from harness.clinic import charting, documents, identity, labs, medications, orders, scheduling
from harness.clinic.clinician import Clinician, Found, Habits, Pace, Post
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
    "charting",
    "documents",
    "identity",
    "labs",
    "medications",
    "orders",
    "scheduling",
    "workflow",
]
