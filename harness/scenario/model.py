"""What a scenario says, as frozen values: people, places, times, shares, bounds, each figure with its source.

Times of day are seconds after local midnight at each site. `RunSpec` is a scenario joined with what the command line chose; written to
`scenario.yaml` in a run's folder, it is all that a worker on another host needs to know.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Curve",
    "Lane",
    "Metric",
    "Objective",
    "Persona",
    "Phase",
    "RunSpec",
    "Scenario",
    "ScopeKind",
    "Site",
    "SiteMix",
    "SiteTemplate",
    "ThinkTime",
    "WorkflowShare",
]

Lane = Literal["scheduling", "charting", "orders", "labs", "documents", "billing", "identity"]
Metric = Literal["p50_ms", "p90_ms", "p95_ms", "p99_ms", "error_rate", "waited_p95_ms", "failed_workflow_rate"]
ScopeKind = Literal["network", "each-site", "each-workflow", "each-operation", "each-lane", "each-persona"]


class Model(BaseModel):
    """Frozen, and no key that the model does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ThinkTime(Model):
    """How long a clinician thinks at one `think()`: a lognormal with this mean."""

    mean_s: float
    sigma: float
    source: str


class WorkflowShare(Model):
    """How often a persona does one workflow, relative to its others."""

    weight: float
    source: str


class Persona(Model):
    """What a kind of clinician does. `think` paces the steps, `between` the pause from one workflow to the next."""

    name: str
    title: str
    think: ThinkTime
    between: ThinkTime
    workflows: dict[str, WorkflowShare]
    source: str


class Curve(Model):
    """Share of a persona's peak heads on duty over local time; straight between the points."""

    points: tuple[tuple[float, float], ...]
    """(seconds after local midnight, share 0..1), in strictly rising time."""
    source: str


class Phase(Model):
    """A named stretch of the timeline, in local time; `emphasis` multiplies weights: persona → workflow → factor."""

    name: str
    start_s: float
    end_s: float
    emphasis: dict[str, dict[str, float]] = {}
    source: str


class SiteTemplate(Model):
    """A kind of site: how many clinicians at its peak, of which personas, with how many patients."""

    name: str
    title: str
    peak: int
    mix: dict[str, float]
    """Persona → weight; apportioned over `peak`."""
    patients: int
    """Patients of the site that clinicians meet in this scenario."""
    source: str


class SiteMix(Model):
    """Which sites a scenario has when nobody says otherwise; `--sites N` keeps the proportions of `weight`."""

    template: str
    weight: float
    time_zone: str
    start_offset_s: float = 0.0
    locale: str = "en_US"
    source: str


class Objective(Model):
    """A bound on one metric in each scope of a kind. `only` narrows the scopes to these names."""

    id: str
    scope: ScopeKind
    only: tuple[str, ...] = ()
    metric: Metric
    bound: float
    """Milliseconds for latencies, a share for rates."""
    required: bool
    source: str


class Scenario(Model):
    """One scenario, complete: personas and templates are embedded, so it needs no other file."""

    name: str
    title: str
    story: str
    date: date
    """The day that is played: it settles time zones' offsets and the dates in the charts."""
    timeline: tuple[float, float]
    """Local opening and end, seconds after midnight."""
    think_factor: float = 1.0
    site_header: str | None = "X-Site"
    connect_timeout_s: float
    answer_timeout_s: float
    sites: tuple[SiteMix, ...]
    default_sites: int
    site_names: tuple[str, ...]
    templates: dict[str, SiteTemplate]
    personas: dict[str, Persona]
    curves: dict[str, Curve]
    phases: tuple[Phase, ...]
    objectives: tuple[Objective, ...]


class Site(Model):
    """One site of a run, with heads counted out. `timeline_offset_s` is when its opening comes after the earliest site's."""

    name: str
    template: str
    time_zone: str
    locale: str
    utc_offset_s: float
    start_offset_s: float
    timeline_offset_s: float
    heads: dict[str, int]
    """Persona → heads at the curve's 100%; sums to the template's peak."""
    patients: int


class RunSpec(Model):
    """A scenario as one run plays it."""

    scenario: Scenario
    sites: tuple[Site, ...]
    seed: int
    duration_s: float | None
    """`--duration`: the whole timeline squeezed into this; None plays at true speed."""
    window: tuple[float, float] | None
    """`--window`: local start and end of the slice that is played at true speed."""
