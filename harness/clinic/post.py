"""Where a clinician works, and how: her post, her persona's habits, and the pace of her pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from harness.clinic.register import SiteRegister

__all__ = ["Habits", "Pace", "Post"]


@dataclass(frozen=True, slots=True)
class Pace:
    """A lognormal pause: its mean and the standard deviation of its logarithm."""

    mean_s: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Habits:
    """How a persona works: pauses between steps and between workflows, and how often it does each workflow."""

    persona: str
    think: Pace
    between: Pace
    weights: Mapping[str, float]
    on_arrival: tuple[str, ...] = ()
    """Workflows that somebody does first who begins a shift, in this order."""
    back_entry_s: float | None = None
    """So long after giving up on a workflow that writes she does it again; None: never."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a clinician works: the site, its people, the day that is played, the run that tags what she writes."""

    site: str
    locale: str
    seed: int
    today: date
    run_id: str
    register: SiteRegister
    opens_at_s: float = 0.0
    """What the site's clock shows at run second 0, in seconds after its midnight."""
    utc_offset_s: float = 0.0
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Workflow → names of its steps in the order that is habitual at the site."""
    mrn_system: str = ""
    """The identifier system of the site's medical record numbers; "" for the one that the harness gives it."""
