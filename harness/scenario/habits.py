"""A persona of a scenario as the habits that the clinic plays."""

from __future__ import annotations

from harness.clinic.post import Habits, Pace
from harness.scenario.model import Persona

__all__ = ["habits_of"]


def habits_of(persona: Persona, think_factor: float = 1.0) -> Habits:
    """The persona's pauses, all multiplied by `think_factor`, and the weights of its workflows."""
    return Habits(
        persona=persona.name,
        think=Pace(persona.think.mean_s * think_factor, persona.think.sigma),
        between=Pace(persona.between.mean_s * think_factor, persona.between.sigma),
        weights={name: share.weight for name, share in persona.workflows.items()},
        on_arrival=persona.on_arrival,
        back_entry_s=persona.patience.back_entry_s if persona.patience else None,
    )
