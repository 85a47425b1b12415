"""What a scenario says, as frozen values: people, places, times, shares, bounds, each figure with its source.

Times of day are seconds after the first local midnight at each site. `RunSpec` is a scenario joined with what the
command line chose; written to `scenario.yaml` in a run's folder, it is all that a worker on another host needs to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.scenario.persona_model import Anchor, Patience, Persona, Skill, ThinkTime, WorkflowShare
from harness.scenario.site_model import ArrivalRate, Experience, Link, Shift, Site, SiteMix, SiteTemplate
from harness.scenario.values import (
    Clock,
    HeaderName,
    Model,
    Name,
    Share,
    Source,
    Span,
    Text,
    Weight,
    in_order,
    is_span,
    one_is_drawn,
)

__all__ = [
    "MOST_SITES",
    "PERCENTILE_OF",
    "Anchor",
    "ArrivalRate",
    "Curve",
    "Experience",
    "Lane",
    "Link",
    "Metric",
    "Model",
    "Objective",
    "Patience",
    "Persona",
    "Phase",
    "RunSpec",
    "Scenario",
    "ScopeKind",
    "Shift",
    "Site",
    "SiteMix",
    "SiteTemplate",
    "Skill",
    "ThinkTime",
    "WorkflowFile",
    "WorkflowShare",
]

Lane = Literal["scheduling", "charting", "orders", "labs", "documents", "billing", "identity"]
Metric = Literal["p50_ms", "p90_ms", "p95_ms", "p99_ms", "error_rate", "waited_p95_ms", "failed_workflow_rate"]
PERCENTILE_OF: Final[Mapping[str, float]] = {
    "p50_ms": 0.50,
    "p90_ms": 0.90,
    "p95_ms": 0.95,
    "p99_ms": 0.99,
    "waited_p95_ms": 0.95,
}
"""Metrics that are percentiles; the others are rates."""
ScopeKind = Literal["network", "each-site", "each-workflow", "each-operation", "each-lane", "each-persona"]
EARLIEST_DAY, LATEST_DAY = date(1970, 1, 1), date(2200, 12, 31)
"""Calendars and time zones are good for more, clinics are not; a date outside is a slip of the pen."""
MOST_SITES = 10_000
"""More sites than any health system has; beyond it a typing error is likelier than a wish."""


class Curve(Model):
    """Share of a persona's peak heads on duty over local time; straight between the points.

    Points that all lie within the first day repeat daily.
    """

    points: Annotated[tuple[tuple[Clock, Share], ...], AfterValidator(in_order)]
    """(seconds after the first local midnight, share 0..1), in strictly rising time."""
    source: Source


class Phase(Model):
    """A named stretch of the timeline, in local time; `emphasis` multiplies weights: persona → workflow → factor."""

    name: Name
    start_s: Clock
    end_s: Clock
    emphasis: dict[Name, dict[Name, Weight]] = Field(default_factory=dict)
    source: Source

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        is_span((self.start_s, self.end_s))
        return self


class Objective(Model):
    """A bound on one metric in each scope of a kind. `only` narrows the scopes to these names."""

    id: Name
    scope: ScopeKind
    only: tuple[str, ...] = ()
    metric: Metric
    bound: Annotated[float, Field(ge=0)]
    """Milliseconds for latencies, a share for rates."""
    required: bool
    source: Source


def _one_site_is_there(sites: tuple[SiteMix, ...]) -> tuple[SiteMix, ...]:
    one_is_drawn({str(index): site.weight for index, site in enumerate(sites)})
    return sites


def _all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice}' stands twice: two sites cannot share a name")
    return names


class WorkflowFile(Model):
    """Workflows of one's own: a Python file as the scenario names it, and what stood in it when that was read."""

    name: str
    text: str


class Scenario(Model):
    """One scenario, complete: personas and templates are embedded, so it needs no other file."""

    name: Name
    title: Text
    story: Text
    date: Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
    """The (first) day that is played: it settles time zones' offsets and the dates in the charts."""
    timeline: Span
    """What can be played, in the local time of the zone that has most people; seconds after the first midnight."""
    plays: Span | None = None
    """What of it is played when nobody asks for a window; None: all."""
    think_factor: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Multiplies every pause; 1 is as in life, anything else makes a run a rehearsal."""
    site_header: HeaderName | None = "X-Site"
    connect_timeout_s: Annotated[float, Field(gt=0)]
    answer_timeout_s: Annotated[float, Field(gt=0)]
    first_byte_timeout_s: Annotated[float, Field(gt=0)] | None = None
    """None: an answer may begin as late as it may end."""
    max_open_in_flight: Annotated[int, Field(ge=1)] | None = None
    """So many who come at a rate are there at once, at most; who comes then is turned away, and the run is invalid.
    None: as many as a load process can hold (harness.load.visitors.MOST_VISITORS)."""
    sites: Annotated[tuple[SiteMix, ...], Field(min_length=1), AfterValidator(_one_site_is_there)]
    default_sites: Annotated[int, Field(ge=1, le=MOST_SITES)]
    site_names: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_all_different)]
    templates: dict[str, SiteTemplate]
    links: dict[str, Link] = Field(default_factory=dict)
    personas: dict[str, Persona]
    curves: dict[str, Curve]
    phases: tuple[Phase, ...]
    objectives: tuple[Objective, ...]
    workflow_files: tuple[WorkflowFile, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)
    """Where the figures that have no entry of their own come from, such as `timeline` and `answer_timeout`."""


class RunSpec(Model):
    """A scenario as one run plays it."""

    scenario: Scenario
    sites: tuple[Site, ...]
    clock_zone: str
    """The time zone that most people of the run are in: timeline and window are read on its clock."""
    seed: int
    duration_s: float | None
    """`--duration`: what is played, squeezed into this; None plays at true speed."""
    window: tuple[float, float] | None
    """`--window`: start and end, on the clock of `clock_zone`, of the slice that is played at true speed."""
    greedy: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """`--greedy`: site → how many times as much it asks. Its heads are multiplied here, its arrivals by the plan."""
    seeded: bool = True
    """Its patients are the harness's own, whose charts hold what workflows look for; those of a file may be bare."""

    @property
    def played(self) -> tuple[float, float]:
        """Start and end of what this run plays, on the clock of `clock_zone`."""
        return self.window or self.scenario.plays or self.scenario.timeline
