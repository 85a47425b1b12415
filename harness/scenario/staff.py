"""Who is on a site's staff: a persona's heads as cohorts, each with people of its own.

nurse, 40 heads   day    40 people, 0 … 39      a shift takes its share of the heads
                  night  28 people, 40 … 67
biller, 8 heads   –       8 people, 0 … 7       no shifts: they follow the scenario's curve
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.population.stream import Stream
from harness.scenario.model import Experience, Scenario, Shift, Site

__all__ = ["Cohort", "cohorts_of", "experience_of", "heads_of", "staff_of", "think_factor_of"]


@dataclass(frozen=True, slots=True)
class Cohort:
    """`heads` people of one persona who come and go together, numbered from `first` among the site's own."""

    persona: str
    shift: Shift | None
    first: int
    heads: int


def cohorts_of(scenario: Scenario, site: Site) -> list[Cohort]:
    """Every cohort of the site that has somebody; a shift's share is rounded to whole people, halves up."""
    shifts = scenario.templates[site.template].shifts
    found = []
    for persona, heads in site.heads.items():
        first = 0
        for shift in shifts.get(persona) or (None,):
            people = heads if shift is None else heads_of(shift, heads)
            if people:
                found.append(Cohort(persona, shift, first, people))
                first += people
    return found


def heads_of(shift: Shift, heads: int) -> int:
    """How many people of a persona with so many `heads` work in the shift."""
    return math.floor(shift.share * heads + 0.5)


def staff_of(scenario: Scenario, site: Site) -> dict[str, int]:
    """Persona → people on the staff, all cohorts together, in the order of the site's heads."""
    staff: dict[str, int] = {}
    for cohort in cohorts_of(scenario, site):
        staff[cohort.persona] = staff.get(cohort.persona, 0) + cohort.heads
    return staff


def experience_of(seed: int, site: Site, persona: str, ordinal: int) -> Experience | None:
    """Whether this person is new to the system, an expert, or neither; hers for good."""
    if not site.novice and not site.expert:
        return None
    drawn = Stream("experience", seed, site.name, persona, ordinal).uniform()
    if drawn < site.novice:
        return "novice"
    return "expert" if drawn >= 1 - site.expert else None


def think_factor_of(scenario: Scenario, seed: int, site: Site, persona: str, ordinal: int) -> float:
    """What multiplies this person's pauses: the scenario's factor, the site's habit, her experience."""
    factor = scenario.think_factor * site.think_factor
    experience = experience_of(seed, site, persona, ordinal)
    skill = scenario.templates[site.template].experience.get(experience) if experience else None
    return factor * skill.think_factor if skill else factor
