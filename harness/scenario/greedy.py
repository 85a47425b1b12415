"""`--greedy SITE=K`: one site asks K times as much as planned, and nobody else a bit more or less.

    river  nurse 6, physician 3   ── × 1.5 ──▶   nurse 9, physician 5 (4.5: largest remainder)      its arrivals × 1.5
    lake   nurse 6, physician 3   ────────────▶   the same people at the same times

Who works at a site is derived from seed, site, persona and number alone, so that two runs differ at the greedy site
only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.errors import Problem
from harness.scenario.apportion import apportion
from harness.scenario.model import RunSpec, Site
from harness.scenario.suggest import suggest
from harness.units import count_text

__all__ = ["greedy_problems", "greedy_text", "grown", "multiplied", "other_than_planned"]


def multiplied(heads: Mapping[str, int], factor: float) -> dict[str, int]:
    """`heads` of each persona times `factor` (> 0), in whole people; one head in all at least.

    The sum is rounded, halves up, and shared out in the old proportions by largest remainder, so that each persona is
    within one head of its exact part; a whole `factor` gives exact multiples.
    """
    whole = sum(heads.values())
    if not whole:
        return dict(heads)
    return apportion(max(1, math.floor(whole * factor + 0.5)), heads)


def grown(sites: Sequence[Site], greedy: Mapping[str, float]) -> list[Site]:
    """The sites, each of `greedy` (name → factor) with so many times its heads; all others as they are."""
    return [
        site.model_copy(update={"heads": multiplied(site.heads, greedy[site.name])}) if site.name in greedy else site
        for site in sites
    ]


def greedy_problems(sites: Sequence[Site], greedy: Mapping[str, float]) -> Iterator[Problem]:
    """Each name of `greedy` that is no site of the run."""
    names = [site.name for site in sites]
    for name in greedy:
        if name not in names:
            yield Problem(f"unknown site '{name}'", "--greedy", suggest(name, names))


def other_than_planned(greedy: Mapping[str, float]) -> dict[str, float]:
    """Without the sites that ask once as much as planned, which is as planned: what of it is played."""
    return {site: times for site, times in greedy.items() if times != 1}


def greedy_text(spec: RunSpec) -> str:
    """`river asks 4 times as much as planned: 36 heads, and its arrivals 4 times as often`; empty where no site is
    greedy."""
    by_name = {site.name: site for site in spec.sites}
    told = []
    for name, factor in spec.greedy.items():
        site = by_name[name]
        heads = count_text(sum(site.heads.values()), "head")
        comes = spec.scenario.templates[site.template].arrivals
        arrivals = f", and its arrivals {factor:g} times as often" if comes and factor != 1 else ""
        much = "as much as planned" if factor == 1 else f"{factor:g} times as much as planned"
        told.append(f"{name} asks {much}: {heads}{arrivals}")
    return "; ".join(told)
