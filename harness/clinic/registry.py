"""Workflows by name: a plain function that reads like clinic work, its lane, and what it needs a server to offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.clinic.clinician import Clinician

__all__ = ["LANES", "WORKFLOWS", "Workflow", "workflow"]

LANES = ("scheduling", "charting", "orders", "labs", "documents", "billing", "identity")


@dataclass(frozen=True)
class Workflow:
    """One clinical task, timed as a whole. `needs` are checked against the server's CapabilityStatement."""

    name: str
    lane: str
    needs: tuple[str, ...]
    play: Callable[[Clinician], None]
    story: str


WORKFLOWS: dict[str, Workflow] = {}


def workflow(
    name: str, *, lane: str, needs: tuple[str, ...]
) -> Callable[[Callable[[Clinician], None]], Callable[[Clinician], None]]:
    """Register a function as workflow `name`.

    `needs` are written `Appointment?practitioner&date`, `Encounter.update`, `transaction`, `batch`; see
    `harness.fhir.capabilities`. Raises ValueError for an unknown lane or a name that is taken.
    """
    if lane not in LANES:
        raise ValueError(f"unknown lane '{lane}' of workflow '{name}'; known: {', '.join(LANES)}")
    if name in WORKFLOWS:
        raise ValueError(f"there is a workflow '{name}' already")

    def register(play: Callable[[Clinician], None]) -> Callable[[Clinician], None]:
        story = (play.__doc__ or "").strip()
        WORKFLOWS[name] = Workflow(name, lane, needs, play, story)
        return play

    return register
