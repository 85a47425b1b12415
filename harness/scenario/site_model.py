"""What a scenario says of places: kinds of sites, with shifts and habits, their links, and the sites of one run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.scenario.persona_model import Skill
from harness.scenario.values import (
    Clock,
    Curve24,
    Factor,
    Model,
    Name,
    Share,
    Source,
    Span,
    Text,
    TimeZone,
    Weight,
    one_is_drawn,
)
from harness.units import DAY_S, duration_text

__all__ = ["ArrivalRate", "Experience", "Link", "Shift", "Site", "SiteMix", "SiteTemplate"]

Experience = Literal["novice", "expert"]
StepOrder = dict[Name, tuple[Name, ...]]
"""Workflow → the order in which its named steps are done there."""


def _opens_daily(opening: tuple[float, float]) -> tuple[float, float]:
    if opening[0] >= DAY_S or opening[1] - opening[0] > DAY_S:
        raise ValueError(
            "it is not within a day, and repeats daily: write START..END, such as 06:30..20:00, "
            "or 22:00..1d04:00 overnight"
        )
    return opening


class Shift(Model):
    """A cohort of its own people: `share` of a persona's heads, from `start_s` to `end_s` local time, every day.

    They come one after the other in the `arrive_s` before the start, and leave so in the `linger_s` after the end. An
    end that is not after the start is on the next day.
    """

    name: Name
    start_s: Annotated[Clock, Field(le=DAY_S)]
    end_s: Annotated[Clock, Field(le=DAY_S)]
    share: Share
    arrive_s: Annotated[float, Field(ge=0, le=DAY_S / 4)]
    linger_s: Annotated[float, Field(ge=0, le=DAY_S / 4)]
    source: Source

    @model_validator(mode="after")
    def _nobody_is_there_twice(self) -> Self:
        lasts_s = (self.end_s - self.start_s) % DAY_S or DAY_S
        there_s = self.arrive_s + lasts_s + self.linger_s
        if there_s > DAY_S:
            raise ValueError(
                f"its people are there for {duration_text(there_s)}, so they would come for the next shift before they "
                "have left this one: shorten `time`, `arrive` or `linger` to 24 h together"
            )
        return self


class ArrivalRate(Model):
    """An open process: so many arrivals a second, times a factor over the local time of day.

    Messages, faxes and emergencies come at any hour; who comes to the door comes `while_open`.
    """

    rate_per_s: Annotated[float, Field(ge=0)]
    points: Curve24 = ((0.0, 1.0), (DAY_S, 1.0))
    while_open: bool = False
    """Nobody comes outside of the site's `opening`, whatever the points say."""
    source: Source


class SiteTemplate(Model):
    """A kind of site: how many clinicians at its peak, of which personas, when, with how many patients."""

    name: Name
    title: Text
    peak: Annotated[int, Field(ge=1, le=100_000)]
    mix: Annotated[dict[Name, Weight], AfterValidator(one_is_drawn)]
    """Persona → weight; apportioned over `peak`."""
    patients: Annotated[int, Field(ge=1, le=1_000_000)]
    """Patients of the site that clinicians meet in this scenario."""
    opening: Annotated[Span, AfterValidator(_opens_daily)] | None = None
    """Day by day; nobody is there outside of it but who has a shift. None: open day and night."""
    shifts: dict[Name, tuple[Shift, ...]] = Field(default_factory=dict)
    """Personas that work in shifts; the others follow the scenario's curve."""
    arrivals: dict[Name, ArrivalRate] = Field(default_factory=dict)
    """Persona → how often one comes, whoever is free."""
    experience: dict[Experience, Skill] = Field(default_factory=dict)
    think_factor: Annotated[Factor, Field(gt=0)] = 1.0
    order: StepOrder = Field(default_factory=dict)
    link: Name | None = None
    source: Source

    @model_validator(mode="after")
    def _shares_leave_some(self) -> Self:
        whole = sum(skill.share for skill in self.experience.values())
        if whole > 1 + 1e-9:
            raise ValueError(f"novices and experts make up {whole:.0%}: together at most 100%")
        return self


class SiteMix(Model):
    """Which sites a scenario has when nobody says otherwise; `--sites N` keeps the proportions of `weight`."""

    template: Name
    weight: Weight
    time_zone: TimeZone
    start_offset_s: Annotated[float, Field(ge=0, le=DAY_S)] = 0.0
    """How much later than the clock says a site's day goes: its curves and phases are put off by it."""
    locale: str = "en_US"
    link: Name | None = None
    endpoint: str | None = None
    source_address: str | None = None
    identifier_system: str | None = None
    think_factor: Annotated[Factor, Field(gt=0)] | None = None
    order: StepOrder = Field(default_factory=dict)
    bounds: dict[Name, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Objective → the bound that holds at this site instead: milliseconds, or a share."""
    source: Source


class Link(Model):
    """A site's way to the target, emulated. What is zero is ideal; bandwidth 0 is unlimited."""

    name: Name
    title: Text
    round_trip_s: Annotated[float, Field(ge=0)] = 0.0
    jitter_s: Annotated[float, Field(ge=0)] = 0.0
    """Each round trip takes up to so much more or less, equally likely."""
    down_bits_per_s: Annotated[float, Field(ge=0)] = 0.0
    up_bits_per_s: Annotated[float, Field(ge=0)] = 0.0
    loss: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of packets that are lost and sent again."""
    outages: tuple[Span, ...] = ()
    """Local times in which nothing passes."""
    shared: bool = False
    """One line for all sites that name it; else each has one like it."""
    source: Source

    @model_validator(mode="after")
    def _jitter_within_the_round_trip(self) -> Self:
        if self.jitter_s > self.round_trip_s:
            raise ValueError("jitter is more than the round trip: an answer would come before it was sent")
        return self


class Site(Model):
    """One site of a run, heads counted out; what is None here is as its template has it."""

    name: Name
    template: Name
    time_zone: str
    locale: str
    utc_offset_s: float
    """Of its local time when the run begins."""
    start_offset_s: float
    heads: dict[str, int]
    """Persona → heads at 100%; sums to the template's peak unless somebody counted them out."""
    patients: int
    link: Name | None = None
    endpoint: str | None = None
    """Its own base URL; None: the run's target."""
    source_address: str | None = None
    """The address of this machine that its connections come from; None: whichever the system takes."""
    identifier_system: str | None = None
    """Of its patients' record numbers; None: one of the harness's own."""
    think_factor: float = 1.0
    novice: float = 0.0
    expert: float = 0.0
    order: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    bounds: dict[str, float] = Field(default_factory=dict)
