"""A scenario joined with what the command line chose: so many sites, people counted out and clocks set at each.

local clock      06:30 ─────────── 10:30                      sites in other time zones open later in the run:
run, in New York 0 h ───────────── 4 h
run, in Denver          2 h ───────────── 6 h                 timeline_offset_s = 2 h
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from harness.errors import InputError, Problem
from harness.scenario.apportion import apportion
from harness.scenario.model import MOST_SITES, RunSpec, Scenario, Site, SiteMix
from harness.units import DAY_S, clock_text, duration_text

__all__ = ["resolve"]

SHORTEST_RUN_S = 1.0
"""A time lapse below this would squeeze everybody's shift into a handful of ticks of the load's clock."""
LONGEST_RUN_S = 7 * DAY_S
"""A soak over a week; figures are kept second by second, and a slip such as 10d for 10m should not begin."""


def resolve(
    scenario: Scenario,
    *,
    sites: int | None = None,
    seed: int,
    duration_s: float | None = None,
    window: tuple[float, float] | None = None,
) -> RunSpec:
    """The run that `scenario` becomes; without `sites` it has its default number.

    Raises InputError for a number of sites, a seed, a duration or a window that cannot be played, all of them at once.
    """
    wanted = scenario.default_sites if sites is None else sites
    problems = [*_bad_numbers(wanted, seed, duration_s), *_bad_window(scenario, window)]
    if problems:
        raise InputError(problems)
    placed = [_site(scenario, mix, name) for mix, name in zip(_mixes(scenario, wanted), _names(scenario), strict=False)]
    earliest_s = min(site.timeline_offset_s for site in placed)
    opened = [site.model_copy(update={"timeline_offset_s": site.timeline_offset_s - earliest_s}) for site in placed]
    return RunSpec(scenario=scenario, sites=tuple(opened), seed=seed, duration_s=duration_s, window=window)


def _bad_numbers(sites: int, seed: int, duration_s: float | None) -> Iterator[Problem]:
    if not 1 <= sites <= MOST_SITES:
        yield Problem(f"{sites} sites cannot be played", "--sites", f"write a whole number from 1 to {MOST_SITES:,}")
    if seed < 0:
        yield Problem(f"{seed} is no seed", "--seed", "write a whole number from 0")
    if duration_s is not None and not SHORTEST_RUN_S <= duration_s <= LONGEST_RUN_S:
        allowed = "write a time from 1s to 7d, such as 90s or 10m"
        yield Problem(f"a run cannot take {duration_text(duration_s)}", "--duration", allowed)


def _bad_window(scenario: Scenario, window: tuple[float, float] | None) -> Iterator[Problem]:
    if window is None:
        return
    opening_s, end_s = scenario.timeline
    shown = f"{clock_text(window[0])}..{clock_text(window[1])}"
    allowed = (
        f"the timeline of {scenario.name} is {clock_text(opening_s)}..{clock_text(end_s)}, in each site's local time"
    )
    if not window[0] < window[1]:
        yield Problem(f"{shown} ends before it starts", "--window", allowed)
    elif window[0] < opening_s or window[1] > end_s:
        yield Problem(f"{shown} lies outside the timeline", "--window", allowed)


def _mixes(scenario: Scenario, wanted: int) -> Iterator[SiteMix]:
    """One entry a site, in the scenario's proportions."""
    parts = apportion(wanted, {index: mix.weight for index, mix in enumerate(scenario.sites)})
    for index, sites in parts.items():
        for _ in range(sites):
            yield scenario.sites[index]


def _names(scenario: Scenario) -> Iterator[str]:
    """The scenario's names, then the same with numbers: river, lake, …, river-2, lake-2, … (endless)."""
    yield from scenario.site_names
    for number in count(2):
        numbered = (f"{name}-{number}" for name in scenario.site_names)
        yield from (name for name in numbered if name not in scenario.site_names)


def _site(scenario: Scenario, mix: SiteMix, name: str) -> Site:
    """A site with its opening still counted from midnight UTC of the scenario's day."""
    template = scenario.templates[mix.template]
    opening = datetime.combine(scenario.date, time(), ZoneInfo(mix.time_zone)) + timedelta(seconds=scenario.timeline[0])
    utc_offset_s = (opening.utcoffset() or timedelta()).total_seconds()
    return Site(
        name=name,
        template=template.name,
        time_zone=mix.time_zone,
        locale=mix.locale,
        utc_offset_s=utc_offset_s,
        start_offset_s=mix.start_offset_s,
        timeline_offset_s=mix.start_offset_s - utc_offset_s,
        heads=apportion(template.peak, template.mix),
        patients=template.patients,
    )
