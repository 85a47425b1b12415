"""Workflows by name: a plain function that reads like clinic work, its lane, and what it needs a server to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.clinic.clinician import Clinician

__all__ = ["LANES", "WORKFLOWS", "Workflow", "collecting", "workflow"]

LANES = ("scheduling", "charting", "orders", "labs", "documents", "billing", "identity")


@dataclass(frozen=True)
class Workflow:
    """One clinical task, timed as a whole. `needs` are checked against the server's CapabilityStatement."""

    name: str
    lane: str
    needs: tuple[str, ...]
    play: Callable[[Clinician], None]
    story: str
    steps: tuple[str, ...] = ()
    """Those that a site may have an order of its own for (`Clinician.in_order`)."""
    text: str = ""
    """What stands in the file it comes from; "" for one that ships."""

    @property
    def writes(self) -> bool:
        """Whether something would be missing from the record where it is not done."""
        ways = (".create", ".create.conditional", ".update", "transaction", "batch")
        return any(need.endswith(ways) for need in self.needs)


WORKFLOWS: dict[str, Workflow] = {}
_collectors: list[dict[str, Workflow]] = []


@contextmanager
def collecting() -> Iterator[dict[str, Workflow]]:
    """What is registered meanwhile goes into the mapping that this gives, and not yet into `WORKFLOWS`."""
    found: dict[str, Workflow] = {}
    _collectors.append(found)
    try:
        yield found
    finally:
        _collectors.remove(found)


def workflow(
    name: str, *, lane: str, needs: tuple[str, ...], steps: tuple[str, ...] = ()
) -> Callable[[Callable[[Clinician], None]], Callable[[Clinician], None]]:
    """Register a function as workflow `name`.

    `needs` are written `Appointment?practitioner&date`, `Encounter.update`, `transaction`, `batch`; see
    `harness.fhir.capabilities`. `steps` are named where a site may change their order. Raises ValueError for an
    unknown lane or a name that is taken.
    """
    if lane not in LANES:
        raise ValueError(f"unknown lane '{lane}' of workflow '{name}'; known: {', '.join(LANES)}")
    into = _collectors[-1] if _collectors else WORKFLOWS
    if name in into or (name in WORKFLOWS and not WORKFLOWS[name].text):
        raise ValueError(f"there is a workflow '{name}' already")

    def register(play: Callable[[Clinician], None]) -> Callable[[Clinician], None]:
        story = (play.__doc__ or "").strip()
        into[name] = Workflow(name, lane, needs, play, story, steps)
        return play

    return register
