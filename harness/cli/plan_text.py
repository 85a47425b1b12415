"""The plan in words and tables: what is played, how time runs, who is there, what load to expect, what is required."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from harness.plan import ExpectedLoad, Plan, Requirement, peak_on_duty
from harness.plan.model import REHEARSAL_ABOVE
from harness.scenario.model import Objective
from harness.units import clock_text, count_text, duration_text

__all__ = [
    "LOAD_NOTE",
    "SITES_SHOWN",
    "headline",
    "load_table",
    "objectives_table",
    "people_table",
    "phases_line",
    "time_sentences",
    "workers_table",
]

SITES_SHOWN = 12
"""Rows of a table over sites; the others share one row, and `--json` has them all."""
LOAD_NOTE = "requests/s: in the busiest tenth of the run, each figure in its own"
_BOUND_PLACES = {"error_rate": "errors", "failed_workflow_rate": "failed workflows"}


def headline(plan: Plan) -> str:
    """How many, where, how long: one sentence."""
    spec = plan.spec
    opens_s, closes_s = spec.window or spec.scenario.timeline
    clinicians = sum(sum(site.heads.values()) for site in spec.sites)
    return (
        f"{spec.scenario.title}: {count_text(clinicians, 'clinician')} at {count_text(len(spec.sites), 'site')}, "
        f"{clock_text(opens_s)}–{clock_text(closes_s)} local time at each, played in {duration_text(plan.length_s)} "
        f"(seed {spec.seed})"
    )


def time_sentences(plan: Plan) -> Iterator[tuple[str, str]]:
    """(label, sentence): how time runs, what that distorts, and whether a verdict would be a rehearsal."""
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


def phases_line(plan: Plan) -> str:
    """The phases in local time; empty where the run meets none."""
    played = {span.phase for span in plan.phases}
    return ", ".join(
        f"{clock_text(phase.start_s)} {phase.name}" for phase in plan.spec.scenario.phases if phase.name in played
    )


@dataclass(frozen=True)
class _Row:
    """One line of a table over sites."""

    name: str
    cells: tuple[str, ...]


def people_table(plan: Plan) -> Table:
    """Heads of each persona at the site's peak, and the most on duty at once in what is played."""
    sites = plan.spec.sites
    personas = list(dict.fromkeys(persona for site in sites for persona in site.heads))
    peaks = {site.name: peak_on_duty(plan, site.name) for site in sites}

    def cells(names: Sequence[str], peak: int) -> tuple[str, ...]:
        chosen = [site for site in sites if site.name in set(names)]
        heads = [sum(site.heads.get(persona, 0) for site in chosen) for persona in personas]
        return (*(f"{count:,}" for count in heads), f"{peak:,}")

    shown, others = _shown([site.name for site in sites])
    rows = [_Row(name, cells([name], peaks[name])) for name in shown]
    if others:
        rows.append(_Row(_others(others), cells(others, sum(peaks[name] for name in others))))
    if len(sites) > 1:
        rows.append(_Row("all sites", cells([site.name for site in sites], peak_on_duty(plan))))
    return _table("people", [*personas, "peak on duty"], rows)


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


def objectives_table(plan: Plan, requirements: Sequence[Requirement]) -> Table:
    """Each objective once for the scopes where it is required and once for those where it is advisory."""
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    for heading in ("objectives", "", "bound", "over", "why"):
        table.add_column(heading, no_wrap=heading != "why")
    by_id = {objective.id: objective for objective in plan.spec.scenario.objectives}
    groups: dict[tuple[str, bool, str], list[Requirement]] = defaultdict(list)
    for requirement in requirements:
        groups[requirement.id, requirement.required, requirement.why].append(requirement)
    for (objective_id, required, why), members in groups.items():
        table.add_row(
            "required" if required else "advisory",
            objective_id,
            _bound(by_id[objective_id]),
            _over(members),
            _why(why, members),
        )
    return table


def _table(title: str, headings: Sequence[str], rows: Sequence[_Row]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(title, no_wrap=True)
    for heading in headings:
        # A long name breaks at its hyphens, so that a table with many personas still fits a terminal.
        table.add_column(heading.replace("-", "-\n") if len(heading) > 12 else heading, justify="right")
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


def _bound(objective: Objective) -> str:
    if objective.metric in _BOUND_PLACES:
        return f"{_BOUND_PLACES[objective.metric]} ≤ {objective.bound * 100:g}%"
    words = objective.metric.removesuffix("_ms").replace("_", " ")
    return f"{words} ≤ {duration_text(objective.bound / 1000)}"


def _over(members: Sequence[Requirement]) -> str:
    scopes = [requirement.scope for requirement in members]
    if not scopes[0]:
        return "network"
    ((kind, name),) = scopes[0].items()
    return f"{kind} {name}" if len(scopes) == 1 else count_text(len(scopes), kind)


def _why(why: str, members: Sequence[Requirement]) -> str:
    if not why.endswith("samples"):
        return why
    fewest, most = (f"{pick(member.expected_samples for member in members):,.0f}" for pick in (min, max))
    expects = fewest if fewest == most else f"{fewest} to {most}"
    return (
        f"{expects} samples expected{' in each' if len(members) > 1 else ''}, {members[0].needed_samples:,.0f} needed"
    )
