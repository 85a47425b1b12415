"""The plan in words and tables: what is played, how time runs, who is there, what load to expect."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from harness.plan import (
    ExpectedLoad,
    Plan,
    expected_arrivals,
    logins,
    peak_on_duty,
    peaks_on_duty,
    timeline_of,
)
from harness.plan.model import REHEARSAL_ABOVE
from harness.scenario.greedy import greedy_text
from harness.scenario.model import Site
from harness.units import clock_text, count_text, duration_text, moment_text

__all__ = [
    "LOAD_NOTE",
    "PEOPLE_NOTE",
    "SITES_SHOWN",
    "arrivals_line",
    "bare_table",
    "headline",
    "load_table",
    "logins_line",
    "people_table",
    "personas_table",
    "phases_line",
    "time_sentences",
    "workers_table",
    "zones_line",
]

SITES_SHOWN = 12
"""Rows of a table over sites; the others share one row, and `--json` has them all."""
PEOPLE_NOTE = (
    "clinicians: all who work in what is played; heads: how many a kind of site has on duty at its peak. At a change "
    "of shift more may be, since those who go are still there when others come"
)
LOAD_NOTE = "requests/s: in the busiest tenth of the run, each figure in its own"


def headline(plan: Plan) -> str:
    """How many, where, how long: one sentence."""
    spec = plan.spec
    opens_s, closes_s = spec.played
    clinicians = sum(_people(plan).values())
    return (
        f"{spec.scenario.title}: {count_text(clinicians, 'clinician')} at {count_text(len(spec.sites), 'site')}, "
        f"{moment_text(opens_s)}–{moment_text(closes_s)} in {spec.clock_zone}, "
        f"played in {duration_text(plan.length_s)} (seed {spec.seed})"
    )


def time_sentences(plan: Plan) -> Iterator[tuple[str, str]]:
    """(label, sentence): how time runs, what that distorts, whether a verdict would be a rehearsal, and which sites ask
    more than planned."""
    lapse = f"{plan.time_lapse:.3g}"
    if plan.spec.window is not None:
        yield "time", "a slice of the timeline, at true speed"
    elif plan.time_lapse == 1:
        yield "time", "true speed"
    elif plan.time_lapse > 1:
        yield (
            "time lapse",
            f"{lapse}×. Head counts, think times and requests a second stay true; the curve is squeezed, so "
            f"transitions (logins at a shift change, ramps) come {lapse} times faster than in life",
        )
    else:
        yield (
            "time lapse",
            f"{lapse}×: the curve is stretched, so transitions come slower than in life; "
            "head counts, think times and requests a second stay true",
        )
    reasons = []
    if plan.time_lapse > REHEARSAL_ABOVE:
        reasons.append(f"the time lapse is above {REHEARSAL_ABOVE:g}× (--window A..B plays a slice at true speed)")
    if plan.spec.scenario.think_factor != 1:
        reasons.append(
            f"think_factor is {plan.spec.scenario.think_factor:g}, so clinicians think so many times as long"
        )
    if reasons:
        yield "rehearsal", "yes: " + " and ".join(reasons)
    if plan.spec.greedy:
        yield "greedy", greedy_text(plan.spec)


def phases_line(plan: Plan) -> str:
    """The phases in each site's local time; empty where the run meets none."""
    played = {span.phase for span in plan.phases}
    return ", ".join(
        f"{moment_text(phase.start_s)} {phase.name}" for phase in plan.spec.scenario.phases if phase.name in played
    )


def zones_line(plan: Plan) -> str:
    """What the clocks of other zones show when the run begins; empty where all sites are in one."""
    clocks = timeline_of(plan.spec).clocks
    zones: dict[str, list[Site]] = defaultdict(list)
    for site in plan.spec.sites:
        zones[site.time_zone].append(site)
    if len(zones) < 2:
        return ""
    begins = {
        zone: clock_text(clocks[held[0].name].local_s(0.0) + held[0].start_offset_s) for zone, held in zones.items()
    }
    return ", ".join(f"{begins[zone]} in {zone} ({count_text(len(held), 'site')})" for zone, held in zones.items())


def logins_line(plan: Plan) -> str:
    """How many begin a shift and log in, and how close together; empty where nobody does."""
    edges_s = np.arange(0.0, plan.length_s + 60.0, 60.0)
    counts = logins(plan, edges_s)
    if not counts.any():
        return ""
    total, most = int(counts.sum()), int(counts.max())
    lapse = plan.time_lapse
    squeezed = f", {lapse:.3g} times as close together as in life" if lapse > 1 else ""
    return f"{total:,} begin a shift and log in, up to {most:,} in a minute{squeezed}"


def _people(plan: Plan) -> Mapping[str, int]:
    """Site → clinicians who work in what is played."""
    return Counter(site for site, _, _ in {(slot.site, slot.persona, slot.clinician) for slot in plan.slots})


@dataclass(frozen=True)
class _Row:
    """One line of a table over sites."""

    name: str
    cells: tuple[str, ...]


def people_table(plan: Plan) -> Table:
    """Each site's kind and zone, the clinicians who work in what is played, and the most of them on duty at once."""
    sites = plan.spec.sites
    people = _people(plan)
    peaks = peaks_on_duty(plan)

    def cells(names: Sequence[str], kind: str, zone: str, peak: int) -> tuple[str, ...]:
        return (kind, zone, f"{sum(people[name] for name in names):,}", f"{peak:,}")

    shown, others = _shown([site.name for site in sites])
    by_name = {site.name: site for site in sites}
    rows = [_Row(name, cells([name], by_name[name].template, by_name[name].time_zone, peaks[name])) for name in shown]
    if others:
        rows.append(_Row(_others(others), cells(others, "", "", sum(peaks[name] for name in others))))
    if len(sites) > 1:
        rows.append(_Row("all sites", cells([site.name for site in sites], "", "", peak_on_duty(plan))))
    return _table("sites", ["kind", "time zone", "clinicians", "on duty at peak"], rows, left=2)


def personas_table(plan: Plan) -> Table:
    """Heads of each persona at all sites of a kind, and the most on duty at once in what is played."""
    kinds = list(dict.fromkeys(site.template for site in plan.spec.sites))
    heads: dict[tuple[str, str], int] = defaultdict(int)
    for site in plan.spec.sites:
        for persona, count in site.heads.items():
            heads[persona, site.template] += count
    named = dict.fromkeys(persona for persona, _ in heads)
    personas = sorted(named, key=lambda name: -sum(heads[name, kind] for kind in kinds))
    rows = [
        _Row(
            persona,
            (*(f"{heads[persona, kind] or '–':>}" for kind in kinds), f"{peak_on_duty(plan, persona=persona):,}"),
        )
        for persona in personas
    ]
    return _table("personas", [*(f"heads at {kind}s" for kind in kinds), "on duty at peak"], rows)


def arrivals_line(plan: Plan) -> str:
    """Who comes at a rate, all sites together; empty where nobody does."""
    totals: dict[str, float] = defaultdict(float)
    for process in plan.arrivals:
        totals[process.persona] += float(expected_arrivals(process, np.array([plan.length_s]))[0])
    return ", ".join(f"{count:,.0f} {persona}" for persona, count in sorted(totals.items(), key=lambda one: -one[1]))


def load_table(plan: Plan, expected: ExpectedLoad) -> Table:
    """Requests over the run, and requests a second in the busiest tenth, all together and lane by lane."""
    lanes = [lane for lane, _ in sorted(_by_lane(expected).items(), key=lambda item: -item[1])]
    names = [site.name for site in plan.spec.sites]

    def requests(members: Sequence[str]) -> str:
        return f"{sum(expected.requests.get((name, lane), 0.0) for name in members for lane in lanes):,.0f}"

    def rates(site: str) -> list[float]:
        lane_rates = expected.peak_per_s if site else expected.busiest_per_s
        return [expected.busiest_per_s[site, ""], *(lane_rates.get((site, lane), 0.0) for lane in lanes)]

    shown, others = _shown(names)
    rows = [_Row(name, (requests([name]), *map(_rate, rates(name)))) for name in shown]
    if others:
        most = [max(column) for column in zip(*map(rates, others), strict=True)]
        rows.append(_Row(_others(others), (requests(others), *(f"≤ {_rate(rate)}" for rate in most))))
    if len(names) > 1:
        rows.append(_Row("all sites", (requests(names), *map(_rate, rates("")))))
    return _table("expected load", ["requests", "requests/s", *lanes], rows)


def workers_table(plan: Plan, worker_of_slot: Sequence[int]) -> Table:
    """What each worker plays: sites, clinicians, and its share of the clinicians' time on duty."""
    sites: dict[int, set[str]] = defaultdict(set)
    people: dict[int, set[tuple[str, str, int]]] = defaultdict(set)
    on_duty_s: dict[int, float] = defaultdict(float)
    for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
        sites[worker].add(slot.site)
        people[worker].add((slot.site, slot.persona, slot.clinician))
        on_duty_s[worker] += slot.end_s - slot.start_s
    total_s = sum(on_duty_s.values())
    held = [name for names in sites.values() for name in names]
    rows = []
    for worker in sorted(sites):
        split = sum(held.count(name) > 1 for name in sites[worker])
        note = f" ({split} split)" if split else ""
        share = on_duty_s[worker] / total_s
        rows.append(
            _Row(f"worker {worker}", (f"{len(sites[worker])}{note}", f"{len(people[worker]):,}", f"{share:.0%}"))
        )
    return _table("workers", ["sites", "clinicians", "time on duty"], rows)


def bare_table() -> Table:
    """Without lines, three blanks between its columns, as every table of a plan is."""
    return Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")


def _table(title: str, headings: Sequence[str], rows: Sequence[_Row], *, left: int = 0) -> Table:
    """The first `left` columns after the name hold words, all others numbers."""
    table = bare_table()
    table.add_column(title, no_wrap=True)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *row.cells)
    return table


def _shown(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The sites with a row of their own, and the others; a single other one gets its row too."""
    return (names, []) if len(names) <= SITES_SHOWN + 1 else (names[:SITES_SHOWN], names[SITES_SHOWN:])


def _others(names: Sequence[str]) -> str:
    return f"{len(names)} others"


def _by_lane(expected: ExpectedLoad) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for (_, lane), requests in expected.requests.items():
        totals[lane] += requests
    return totals


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 100 else f"{per_s:.1f}" if per_s >= 10 else f"{per_s:.2f}"
