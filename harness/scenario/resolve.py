"""A scenario joined with what the command line chose: sites with their people counted out, the clock of the whole.

Sites come from the scenario's mix, in its proportions, or one by one from a sites file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from types import MappingProxyType

from harness.errors import InputError, Problem
from harness.scenario.apportion import apportion
from harness.scenario.clock import moment_of, utc_offset_s
from harness.scenario.greedy import greedy_problems, grown
from harness.scenario.model import MOST_SITES, RunSpec, Scenario, Site, SiteMix, SiteTemplate
from harness.units import DAY_S, duration_text, moment_text

__all__ = ["resolve", "site_of"]

SHORTEST_RUN_S = 1.0
"""A time lapse below this would squeeze everybody's shift into a handful of ticks of the load's clock."""
LONGEST_RUN_S = 7 * DAY_S
"""A soak over a week; figures are kept second by second, and a slip such as 10d for 10m should not begin."""


def resolve(
    scenario: Scenario,
    *,
    sites: int | None = None,
    own_sites: Sequence[Site] = (),
    seed: int,
    duration_s: float | None = None,
    window: tuple[float, float] | None = None,
    window_has_day: bool = False,
    greedy: Mapping[str, float] = MappingProxyType({}),
) -> RunSpec:
    """The run that `scenario` becomes: with `own_sites`, else with `sites` of its mix, else with its default number.

    `window_has_day`: it was written with its day, such as 0d08:00..0d09:00. `greedy`: site → how many times as much it
    asks. Raises InputError for a number of sites, a seed, a duration or a window that cannot be played, all of them at
    once; and for a greedy site that is none.
    """
    wanted = len(own_sites) or (scenario.default_sites if sites is None else sites)
    if window is not None and not window_has_day:
        window = _on_default_day(scenario, window)
    problems = [*_bad_numbers(wanted, seed, duration_s), *_bad_window(scenario, window)]
    if duration_s is None:
        problems += _too_long(scenario, window)
    if problems:
        raise InputError(problems)
    placed = list(own_sites) or [
        site_of(scenario, mix, name) for mix, name in zip(_mixes(scenario, wanted), _names(scenario), strict=False)
    ]
    problems += greedy_problems(placed, greedy)
    if problems:
        raise InputError(problems)
    zone = _zone_of_most(placed)  # before a site grows: that must not move everybody's clock
    placed = grown(placed, greedy)
    spec = RunSpec(
        scenario=scenario,
        sites=(),
        clock_zone=zone,
        seed=seed,
        duration_s=duration_s,
        window=window,
        greedy=dict(greedy),
    )
    begins = moment_of(scenario.date, spec.played[0], zone)
    ahead_s = {name: utc_offset_s(begins, name) for name in {site.time_zone for site in placed}}
    told = tuple(site.model_copy(update={"utc_offset_s": ahead_s[site.time_zone]}) for site in placed)
    return spec.model_copy(update={"sites": told})


def site_of(scenario: Scenario, mix: SiteMix, name: str) -> Site:
    """A site of a mix's kind, heads counted out; `utc_offset_s` is still open."""
    template = scenario.templates[mix.template]
    return Site(
        name=name,
        template=template.name,
        time_zone=mix.time_zone,
        locale=mix.locale,
        utc_offset_s=0.0,
        start_offset_s=mix.start_offset_s,
        heads=apportion(template.peak, template.mix),
        patients=template.patients,
        link=mix.link or template.link,
        endpoint=mix.endpoint,
        source_address=mix.source_address,
        identifier_system=mix.identifier_system,
        think_factor=template.think_factor if mix.think_factor is None else mix.think_factor,
        novice=_share(template, "novice"),
        expert=_share(template, "expert"),
        order={**template.order, **mix.order},
        bounds=mix.bounds,
    )


def _share(template: SiteTemplate, experience: str) -> float:
    return next((skill.share for name, skill in template.experience.items() if name == experience), 0.0)


def _on_default_day(scenario: Scenario, window: tuple[float, float]) -> tuple[float, float]:
    """A window without a day is one of the day on which what the scenario plays by itself begins."""
    if window[1] > DAY_S:
        return window
    day_s = (scenario.plays or scenario.timeline)[0] // DAY_S * DAY_S
    return window[0] + day_s, window[1] + day_s


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
    shown = f"{moment_text(window[0])}..{moment_text(window[1])}"
    allowed = f"the timeline of {scenario.name} is {moment_text(opening_s)}..{moment_text(end_s)}"
    if not window[0] < window[1]:
        yield Problem(f"{shown} ends before it starts", "--window", allowed)
    elif window[0] < opening_s or window[1] > end_s:
        yield Problem(f"{shown} lies outside the timeline", "--window", allowed)


def _too_long(scenario: Scenario, window: tuple[float, float] | None) -> Iterator[Problem]:
    """What would be played at true speed may take no longer than a run that is squeezed or stretched."""
    start_s, end_s = window or scenario.plays or scenario.timeline
    if end_s - start_s > LONGEST_RUN_S:
        given = "--window" if window else "plays" if scenario.plays else "timeline"
        what = f"{moment_text(start_s)}..{moment_text(end_s)} at true speed takes {duration_text(end_s - start_s)}"
        yield Problem(what, given, "a run takes 7d at most: squeeze it with --duration, or play a slice with --window")


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


def _zone_of_most(sites: Sequence[Site]) -> str:
    """The time zone that most heads are in; of equals the one that stands first."""
    heads: dict[str, int] = {}
    for site in sites:
        heads[site.time_zone] = heads.get(site.time_zone, 0) + sum(site.heads.values())
    return max(heads, key=lambda zone: heads[zone])
