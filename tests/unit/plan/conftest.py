"""Runs to plan: small scenarios made of plain numbers, so that every expectation can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest

from harness.plan.costs import Cost, Moments
from harness.scenario.model import RunSpec, Scenario, Site

HOUR = 3600.0
SOURCE = "assumption, made for a test"
PAUSE = {"mean_s": 30.0, "sigma": 0.5, "source": SOURCE}
RAMP = [(8 * HOUR, 0.0), (9 * HOUR, 1.0), (10 * HOUR, 0.5)]


@pytest.fixture
def make_spec() -> Callable[..., RunSpec]:
    """A run from 08:00 to 10:00; nurses chart or give medications, physicians read. Sites are copies of each other."""

    def make(
        *,
        sites: Sequence[str] = ("lake", "river"),
        heads: Mapping[str, int] | None = None,
        points: Sequence[tuple[float, float]] = RAMP,
        phases: Sequence[Mapping[str, Any]] = (),
        objectives: Sequence[Mapping[str, Any]] = (),
        offsets_s: Mapping[str, float] | None = None,
        zones: Mapping[str, str] | None = None,
        clock_zone: str = "UTC",
        day: date = date(2026, 11, 10),
        timeline: tuple[float, float] = (8 * HOUR, 10 * HOUR),
        template: Mapping[str, Any] | None = None,
        personas: Mapping[str, Mapping[str, Any]] | None = None,
        links: Mapping[str, Mapping[str, Any]] | None = None,
        link: str | None = None,
        seed: int = 7,
        duration_s: float | None = None,
        window: tuple[float, float] | None = None,
        think_factor: float = 1.0,
    ) -> RunSpec:
        heads = {"nurse": 10, "physician": 5} if heads is None else heads
        scenario = Scenario.model_validate(
            {
                "name": "test-rush",
                "title": "Test rush",
                "story": "Made for a test.",
                "date": day,
                "timeline": timeline,
                "think_factor": think_factor,
                "connect_timeout_s": 5.0,
                "answer_timeout_s": 30.0,
                "sites": [{"template": "clinic", "weight": 1.0, "time_zone": "UTC", "source": SOURCE}],
                "default_sites": len(sites),
                "site_names": list(sites),
                "templates": {"clinic": _template(heads, template or {})},
                "links": {
                    name: {"name": name, "title": name, "source": SOURCE, **one} for name, one in (links or {}).items()
                },
                "personas": {
                    name: {**_persona(name), **(personas or {}).get(name, {})} for name in (*heads, *(personas or {}))
                },
                "curves": {name: {"points": list(points), "source": SOURCE} for name in heads},
                "phases": [{"source": SOURCE, **phase} for phase in phases],
                "objectives": [{"required": True, "source": SOURCE, **objective} for objective in objectives],
            }
        )
        placed = tuple(
            _site(name, heads, (offsets_s or {}).get(name, 0.0), (zones or {}).get(name, clock_zone), link)
            for name in sites
        )
        return RunSpec(
            scenario=scenario, sites=placed, clock_zone=clock_zone, seed=seed, duration_s=duration_s, window=window
        )

    return make


@pytest.fixture
def costs() -> dict[str, Cost]:
    """Two requests in 20 s for each workflow of `make_spec`."""
    return {
        name: Cost(
            {f"{kind}.read": 1.0, f"{kind}.search": 1.0},
            19.6 / 30,
            _always(19.6 / 30, 2),
            {f"{kind}.read": _always(4.8 / 30, 1), f"{kind}.search": _always(14.6 / 30, 2)},
        )
        for name, kind in (("chart", "Observation"), ("medicate", "MedicationRequest"), ("review", "DiagnosticReport"))
    }


def _persona(name: str) -> dict[str, Any]:
    weights = {"review": 1.0} if name == "physician" else {"chart": 1.0, "medicate": 3.0}
    workflows = {workflow: {"weight": weight, "source": SOURCE} for workflow, weight in weights.items()}
    return {"name": name, "title": name, "think": PAUSE, "between": PAUSE, "workflows": workflows, "source": SOURCE}


def _always(pauses: float, requests: float) -> Moments:
    return Moments(np.full(20, pauses), np.full(20, requests))


def _template(heads: Mapping[str, int], more: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"name": "clinic", "title": "Clinic", "peak": 10, "mix": dict(heads) or {"nurse": 1}, "patients": 20}
    return {**whole, "source": SOURCE, **more}


def _site(name: str, heads: Mapping[str, int], offset_s: float, zone: str, link: str | None) -> Site:
    return Site(
        name=name,
        template="clinic",
        time_zone=zone,
        locale="en_US",
        utc_offset_s=0.0,
        start_offset_s=offset_s,
        heads=dict(heads),
        patients=20,
        link=link,
    )
