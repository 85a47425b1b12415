"""Which server each site of a run goes to: the run's target, or an endpoint of its own, vetted as the target is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.errors import InputError, Problem
from harness.scenario.model import RunSpec, Site
from harness.target import Target, parse_target

__all__ = ["TARGET", "endpoint_of", "sites_by_endpoint", "vet_endpoints", "with_sites_of"]

TARGET: Final = ""
"""Stands for the run's target where things are kept by endpoint; any other endpoint is named by its URL."""


def endpoint_of(site: Site) -> str:
    """The endpoint that `site` goes to: its own URL, or `TARGET`."""
    return site.endpoint or TARGET


def sites_by_endpoint(spec: RunSpec) -> dict[str, tuple[Site, ...]]:
    """Endpoint → the sites that go there, the target first, then as the sites stand; none without a site."""
    found: dict[str, list[Site]] = {TARGET: []}
    for site in spec.sites:
        found.setdefault(endpoint_of(site), []).append(site)
    return {endpoint: tuple(sites) for endpoint, sites in found.items() if sites}


def with_sites_of(spec: RunSpec, endpoint: str) -> RunSpec:
    """As much of the run as goes to `endpoint`."""
    return spec.model_copy(update={"sites": sites_by_endpoint(spec).get(endpoint, ())})


def vet_endpoints(
    spec: RunSpec, target: Target | None, *, i_own: Sequence[str] = (), allow_list: Path | None = None
) -> tuple[RunSpec, Mapping[str, Target]]:
    """The run with each site's endpoint as `parse_target` writes it, and those endpoints by their URL; nothing is sent.

    A site whose endpoint is the run's `target` goes to the target. Raises InputError with every endpoint that cannot
    be used, or that the user may not put load on.
    """
    texts = {site.endpoint: site.name for site in reversed(spec.sites) if site.endpoint}
    vetted: dict[str, Target] = {}
    problems: list[Problem] = []
    for text, first in reversed(texts.items()):
        try:
            vetted[text] = parse_target(text, i_own=i_own, allow_list=allow_list, where=f"endpoint of site '{first}'")
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))

    def settled(site: Site) -> Site:
        own = vetted[site.endpoint] if site.endpoint else target
        url = None if own is None or own == target else own.url
        return site.model_copy(update={"endpoint": url})

    sites = tuple(settled(site) for site in spec.sites)
    named = {one.url: one for one in vetted.values() if one != target}
    return spec.model_copy(update={"sites": sites}), named
