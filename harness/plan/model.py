"""The plan as data: who is on duty where and when, who else comes, what load to expect. Times are seconds since the
run's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.scenario.model import RunSpec

__all__ = ["ArrivalProcess", "ExpectedLoad", "PhaseSpan", "Plan", "Slot", "Stretch"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One clinician's time on duty."""

    slot: int
    site: str
    persona: str
    clinician: int
    """The person's ordinal among the site's clinicians of that persona."""
    start_s: float
    end_s: float
    opening: bool
    """On duty when the run opens: begins in the middle of a drawn wait. Anybody else logs in at the start."""


@dataclass(frozen=True, slots=True)
class ArrivalProcess:
    """Those who come to a site at a rate, whoever is free: patients, messages, faxes."""

    site: str
    persona: str
    points: tuple[tuple[float, float], ...]
    """(run second, arrivals a second), straight between the points, from 0 to the run's end."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a site's time in which the phase and all weights by hour stay the same."""

    phase: str
    of_day_s: float
    """The local time of day in its middle, in seconds."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase as one site lives it, in run seconds."""

    site: str
    phase: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class ExpectedLoad:
    """Requests that the plan expects, from each persona played on the virtual clock."""

    requests: Mapping[tuple[str, str], float]
    """(site, lane) → requests over the whole run."""
    peak_per_s: Mapping[tuple[str, str], float]
    """(site, lane) → requests per second in the busiest tenth of the run."""
    busiest_per_s: Mapping[tuple[str, str], float]
    """The same for sums: (site, "") all lanes of a site, ("", lane) a lane at all sites, ("", "") everything."""
    by_operation: Mapping[tuple[str, str], float]
    """(site, operation) → requests over the whole run."""
    by_workflow: Mapping[tuple[str, str, str], float]
    """(site, persona, workflow) → workflow runs begun over the whole run, those that a slot's end cuts included."""
    by_workflow_finished: Mapping[tuple[str, str, str], float]
    """(site, persona, workflow) → workflow runs that end before their slot does."""
    by_workflow_requests: Mapping[tuple[str, str, str], float]
    """(site, persona, workflow) → requests of those runs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled run: the same roster on every machine."""

    spec: RunSpec
    length_s: float
    time_lapse: float
    """How many times faster than in life the curve runs; 1 at true speed."""
    slots: tuple[Slot, ...]
    arrivals: tuple[ArrivalProcess, ...]
    phases: tuple[PhaseSpan, ...]
    stretches: Mapping[str, tuple[Stretch, ...]]
    """Site → its time from the run's start to its end, without gaps; one object for all sites on one clock."""
    roster_digest: str
    """SHA-256 over the slots, in order, workers left out."""

    @property
    def rehearsal(self) -> bool:
        return self.time_lapse > REHEARSAL_ABOVE or self.spec.scenario.think_factor != 1.0


REHEARSAL_ABOVE = 8.0
"""Beyond this time lapse a verdict is a rehearsal: transitions come too much faster than in life to sign for."""
