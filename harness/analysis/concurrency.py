"""How many were at work at once, how many requests were in flight, and whether the server was getting full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.occupancy import peak_open
from harness.analysis.requests import Requests
from harness.analysis.saturation import Saturation, first_broken, saturation_of, slowdowns
from harness.analysis.timeline import NETWORK
from harness.scenario.model import RunSpec

__all__ = ["concurrency_figures", "saturation_figures"]

Floats = NDArray[np.float64]


def concurrency_figures(
    moments: tuple[Floats, Floats], spans: Mapping[str, Any], visits: Mapping[str, Any], spec: RunSpec, load_s: float
) -> dict[str, Any]:
    """Heads, visitors and requests at once. In flight comes from the samples: the mean by Little's law, Σ latency /
    time.

    A visitor is what came by itself, from when it was begun to its end.
    """
    start_s, done_s = moments
    worked = ~np.isnan(spans["start_s"])
    duty_s = float((spans["end_s"] - spans["start_s"])[worked].sum())
    visited_s = float((visits["end_s"] - visits["start_s"]).sum())
    zone, template = ({site.name: getattr(site, name) for site in spec.sites} for name in ("time_zone", "template"))
    of_slot = {
        "site": spans["site"].tolist(),
        "time_zone": [zone.get(site, "") for site in spans["site"].tolist()],
        "template": [template.get(site, "") for site in spans["site"].tolist()],
        "persona": spans["persona"].tolist(),
    }
    silent = {"site": zone, "time_zone": zone.values(), "template": template.values(), "persona": ()}
    return {
        "peak_clinicians": peak_open(spans["start_s"][worked], spans["end_s"][worked]),
        **{
            f"peak_clinicians_by_{name}": {**dict.fromkeys(sorted(silent[name]), 0), **_peaks(labels, spans, worked)}
            for name, labels in of_slot.items()
        },
        "peak_clinicians_planned": peak_open(spans["planned_start_s"], spans["planned_end_s"]),
        "mean_clinicians": duty_s / load_s if load_s else None,
        "peak_visitors": peak_open(visits["start_s"], visits["end_s"]),
        "mean_visitors": visited_s / load_s if load_s else None,
        "mean_in_flight": float((done_s - start_s).sum()) / load_s if load_s else None,
        "peak_in_flight": peak_open(start_s, done_s),
    }


def _peaks(labels: Sequence[str], spans: Mapping[str, Any], worked: NDArray[np.bool_]) -> dict[str, int]:
    """The most heads on duty at once of each label; `labels` has one a slot."""
    names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return {
        str(name): peak_open(spans["start_s"][own], spans["end_s"][own])
        for at, name in enumerate(names)
        for own in [worked & (codes == at)]
    }


def saturation_figures(
    requests: Requests,
    edges_s: Floats,
    timeline: pd.DataFrame,
    planned: Sequence[Mapping[str, Any]],
    spec: RunSpec,
) -> Saturation:
    """`planned`: `objectives` of expected.json, each with id, scope and whether it is required. Response times that are
    required of the network or of a site can be the first broken one."""
    network = timeline[timeline["site"] == NETWORK]
    bounds = list(_required_bounds(planned, spec))
    of_network = [bound for _, site, column, bound in bounds if site == NETWORK and column == "p95_ms"]
    return saturation_of(
        edges_s,
        slowdowns(requests, edges_s, (network["on_duty"] + network["visitors"]).to_numpy()),
        network["p95_ms"].to_numpy(),
        min(of_network, default=None),
        first_broken(timeline, bounds),
    )


def _required_bounds(planned: Sequence[Mapping[str, Any]], spec: RunSpec) -> Iterator[tuple[str, str, str, float]]:
    """Objective, site ("" = network), metric, ms."""
    objectives = {each.id: each for each in spec.scenario.objectives}
    own = {site.name: site.bounds for site in spec.sites}
    for each in planned:
        objective, scope = objectives.get(each["id"]), each["scope"]
        if objective is None or not each["required"] or set(scope) - {"site"}:
            continue
        site = scope.get("site", NETWORK)
        yield objective.id, site, objective.metric, own.get(site, {}).get(objective.id, objective.bound)
