"""What a scenario says, as frozen values: people, places, times, shares, bounds, each figure with its source.

Times of day are seconds after local midnight at each site. `RunSpec` is a scenario joined with what the command line
chose; written to `scenario.yaml` in a run's folder, it is all that a worker on another host needs to know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from harness.units import DAY_S, clock_text

__all__ = [
    "MOST_SITES",
    "PERCENTILE_OF",
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
PERCENTILE_OF: Final[Mapping[str, float]] = {
    "p50_ms": 0.50,
    "p90_ms": 0.90,
    "p95_ms": 0.95,
    "p99_ms": 0.99,
    "waited_p95_ms": 0.95,
}
"""Metrics that are percentiles; the others are rates."""
ScopeKind = Literal["network", "each-site", "each-workflow", "each-operation", "each-lane", "each-persona"]
MOST_SITES = 10_000
"""More sites than any health system has; beyond it a typing error is likelier than a wish."""


class Model(BaseModel):
    """Frozen, and no key that the model does not know."""

    # Built when first used: most models are only ever parts of Scenario or RunSpec, and building them all takes 20 ms.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def _is_source(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty source")
    return text.strip()


def _is_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"'{text}' is no name: write small letters, digits and single hyphens, such as 'north-clinic'")
    return text


def _is_header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError(f"'{text}' is not a header's name: write letters, digits and hyphens, such as X-Site")
    return text


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError("time_zone", "unknown time zone '{name}'", {"name": name}) from error
    return name


def _is_span(span: tuple[float, float]) -> tuple[float, float]:
    if span[1] <= span[0]:
        raise ValueError("it ends before it starts: write START..END, such as 06:30..10:30")
    return span


Text = Annotated[str, AfterValidator(str.strip)]
Source = Annotated[str, AfterValidator(_is_source)]
Name = Annotated[str, AfterValidator(_is_name)]
"""Names become folder names, tags and header values, so they are plain."""
HeaderName = Annotated[str, AfterValidator(_is_header_name)]
TimeZone = Annotated[str, AfterValidator(_is_zone)]
Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Clock = Annotated[float, Field(ge=0, le=DAY_S)]
Span = Annotated[tuple[Clock, Clock], AfterValidator(_is_span)]


class ThinkTime(Model):
    """How long a clinician thinks at one `think()`: a lognormal with this mean."""

    mean_s: Annotated[float, Field(ge=0)]
    sigma: Annotated[float, Field(ge=0, le=3)]
    source: Source


class WorkflowShare(Model):
    """How often a persona does one workflow, relative to its others."""

    weight: Weight
    source: Source


def _one_is_done(workflows: dict[str, WorkflowShare]) -> dict[str, WorkflowShare]:
    _one_is_drawn({name: share.weight for name, share in workflows.items()})
    return workflows


def _one_is_drawn(weights: dict[str, float]) -> dict[str, float]:
    if not any(weights.values()):
        raise ValueError("weights are all zero: give at least one a weight above 0")
    return weights


class Persona(Model):
    """What a kind of clinician does. `think` paces the steps, `between` the pause from one workflow to the next."""

    name: Name
    title: Text
    think: ThinkTime
    between: ThinkTime
    workflows: Annotated[dict[Name, WorkflowShare], AfterValidator(_one_is_done)]
    source: Source


def _in_order(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(points) < 2:
        raise ValueError("a curve needs at least two points")
    for (earlier_s, _), (later_s, _) in pairwise(points):
        if later_s <= earlier_s:
            raise PydanticCustomError(
                "out_of_order",
                "the curve is out of order: {later} stands after {earlier}",
                {"later": clock_text(later_s), "earlier": clock_text(earlier_s)},
            )
    return points


class Curve(Model):
    """Share of a persona's peak heads on duty over local time; straight between the points."""

    points: Annotated[tuple[tuple[Clock, Share], ...], AfterValidator(_in_order)]
    """(seconds after local midnight, share 0..1), in strictly rising time."""
    source: Source


class Phase(Model):
    """A named stretch of the timeline, in local time; `emphasis` multiplies weights: persona → workflow → factor."""

    name: Name
    start_s: Clock
    end_s: Clock
    emphasis: dict[Name, dict[Name, Weight]] = {}
    source: Source

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        _is_span((self.start_s, self.end_s))
        return self


class SiteTemplate(Model):
    """A kind of site: how many clinicians at its peak, of which personas, with how many patients."""

    name: Name
    title: Text
    peak: Annotated[int, Field(ge=1, le=100_000)]
    mix: Annotated[dict[Name, Weight], AfterValidator(_one_is_drawn)]
    """Persona → weight; apportioned over `peak`."""
    patients: Annotated[int, Field(ge=1, le=1_000_000)]
    """Patients of the site that clinicians meet in this scenario."""
    source: Source


class SiteMix(Model):
    """Which sites a scenario has when nobody says otherwise; `--sites N` keeps the proportions of `weight`."""

    template: Name
    weight: Weight
    time_zone: TimeZone
    start_offset_s: Annotated[float, Field(ge=0, le=DAY_S)] = 0.0
    """How much later than its local opening the site's timeline begins."""
    locale: str = "en_US"
    source: Source


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
    _one_is_drawn({str(index): site.weight for index, site in enumerate(sites)})
    return sites


def _all_different(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{twice}' stands twice: two sites cannot share a name")
    return names


class Scenario(Model):
    """One scenario, complete: personas and templates are embedded, so it needs no other file."""

    name: Name
    title: Text
    story: Text
    date: date
    """The day that is played: it settles time zones' offsets and the dates in the charts."""
    timeline: Span
    """Local opening and end, seconds after midnight."""
    think_factor: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Multiplies every pause; 1 is as in life, anything else makes a run a rehearsal."""
    site_header: HeaderName | None = "X-Site"
    connect_timeout_s: Annotated[float, Field(gt=0)]
    answer_timeout_s: Annotated[float, Field(gt=0)]
    sites: Annotated[tuple[SiteMix, ...], Field(min_length=1), AfterValidator(_one_site_is_there)]
    default_sites: Annotated[int, Field(ge=1, le=MOST_SITES)]
    site_names: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_all_different)]
    templates: dict[str, SiteTemplate]
    personas: dict[str, Persona]
    curves: dict[str, Curve]
    phases: tuple[Phase, ...]
    objectives: tuple[Objective, ...]
    sources: dict[str, Source] = {}
    """Where the figures that have no entry of their own come from, such as `timeline` and `answer_timeout`."""


class Site(Model):
    """One site of a run, heads counted out. `timeline_offset_s` is when it opens, counted from the earliest site."""

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
