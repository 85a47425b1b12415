"""Which sites of a worker reach the target over an emulated link, and what this worker has of it.

links.north-wan ──▶ outages in run seconds ──▶ this worker's share ──▶ one SiteLink for a site, or for all that share it
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping

from harness.load.site_link import SiteLink
from harness.network import LinkProfile
from harness.plan import SiteClock, timeline_of
from harness.plan.model import Plan
from harness.plan.partition import lines
from harness.scenario.model import Link
from harness.units import DAY_S

__all__ = ["link_profiles", "site_links"]


def link_profiles(
    plan: Plan, sites: Collection[str], shares: Mapping[str, float]
) -> dict[str, tuple[str, LinkProfile]]:
    """Site → the line that it is on, and that line as this worker has it; sites whose link is ideal are left out.

    `shares`: line → the part of it that falls to this worker. The outages of a shared link are read on the clock of the
    run's first site that names it. Raises ValueError where a site is played here and nothing of its line is.
    """
    clocks, line_of = timeline_of(plan.spec).clocks, lines(plan)
    profiles: dict[str, LinkProfile] = {}
    found = {}
    for site in plan.spec.sites:
        line = line_of[site.name]
        if site.link is not None and line not in profiles:
            profiles[line] = _profile(plan.spec.scenario.links[site.link], clocks[site.name])
        if site.name in sites and line in profiles and not profiles[line].ideal:
            found[site.name] = line, profiles[line].divided(shares[line])
    return found


def site_links(profiles: Mapping[str, tuple[str, LinkProfile]], run_now_s: Callable[[], float]) -> dict[str, SiteLink]:
    """Site → its link; sites on one line share one object, and with it the bandwidth."""
    by_line = {line: SiteLink(profile, run_now_s) for line, profile in profiles.values()}
    return {site: by_line[line] for site, (line, _) in profiles.items()}


def _profile(link: Link, clock: SiteClock) -> LinkProfile:
    return LinkProfile(
        name=link.name,
        round_trip_s=link.round_trip_s,
        jitter_s=link.jitter_s,
        down_bits_per_s=link.down_bits_per_s,
        up_bits_per_s=link.up_bits_per_s,
        loss=link.loss,
        outages_s=_outages_on_run(link, clock),
    )


def _outages_on_run(link: Link, clock: SiteClock) -> tuple[tuple[float, float], ...]:
    """Each outage in run seconds, in order; one that is within a day comes every day, as phases do."""
    found: list[tuple[float, float]] = []
    for first_s, from_s, to_s in clock.pieces():
        for start_s, end_s in link.outages:
            daily = end_s <= DAY_S
            for day in range(math.floor(from_s / DAY_S), math.floor(to_s / DAY_S) + 1) if daily else (0,):
                begins_s = max(from_s, day * DAY_S + start_s)
                ends_s = min(to_s, day * DAY_S + end_s)
                if begins_s < ends_s:
                    found.append(
                        (
                            first_s + (begins_s - from_s) / clock.time_lapse,
                            first_s + (ends_s - from_s) / clock.time_lapse,
                        )
                    )
    merged: list[tuple[float, float]] = []
    for begins_s, ends_s in sorted(found):
        if merged and begins_s <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], ends_s)
        else:
            merged.append((begins_s, ends_s))
    return tuple(merged)
