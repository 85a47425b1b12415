"""What a scenario says of people: how a persona works and waits, and how far some are slower or faster than others."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from harness.scenario.values import Factor, Model, Name, Share, Source, Steps24, Text, Weight, one_is_drawn

__all__ = ["Anchor", "AnchorMeasure", "Patience", "Persona", "Skill", "ThinkTime", "WorkflowShare"]


class ThinkTime(Model):
    """How long a clinician thinks at one `think()`: a lognormal with this mean."""

    mean_s: Annotated[float, Field(ge=0)]
    sigma: Annotated[float, Field(ge=0, le=3)]
    source: Source


class WorkflowShare(Model):
    """How often a persona does one workflow, relative to its others; `by_hour` multiplies that by the time of day."""

    weight: Weight
    by_hour: Steps24 = ()
    source: Source


class Patience(Model):
    """How long one waits for a single answer before giving up, and how much later the task is done again.

    `back_entry_s` None: it never is.
    """

    gives_up_s: Annotated[float, Field(gt=0)]
    back_entry_s: Annotated[float, Field(ge=0)] | None = None
    source: Source


AnchorMeasure = Literal["actions_per_h", "requests_per_h", "writes_per_h", "runs_per_h", "run_s", "time_share"]


class Anchor(Model):
    """A published figure that the persona is held against on the virtual clock; `of` narrows it to these workflows.

    An action is a pause, thinking or between two workflows; a time share is of the time on duty, 0 to 1.
    """

    name: Name
    measure: AnchorMeasure
    of: tuple[Name, ...] = ()
    low: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(ge=0)]
    source: Source

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"{self.low:g} to {self.high:g} is no range: write the lower end as `low`")
        return self


def _one_is_done(workflows: dict[str, WorkflowShare]) -> dict[str, WorkflowShare]:
    one_is_drawn({name: share.weight for name, share in workflows.items()})
    return workflows


class Persona(Model):
    """What a kind of clinician does. `think` paces the steps, `between` the pause from one workflow to the next."""

    name: Name
    title: Text
    think: ThinkTime
    between: ThinkTime
    on_arrival: tuple[Name, ...] = ()
    """Workflows that whoever begins a shift does first, in this order; who is there at the opening did them before."""
    workflows: Annotated[dict[Name, WorkflowShare], AfterValidator(_one_is_done)]
    patience: Patience | None = None
    """None: as patient as the client that waits (`answer_timeout`)."""
    anchors: tuple[Anchor, ...] = ()
    source: Source


class Skill(Model):
    """A share of a site's people who think so many times as long as the persona's figures say."""

    share: Share
    think_factor: Annotated[Factor, Field(gt=0)]
    source: Source
