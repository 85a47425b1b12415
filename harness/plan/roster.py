"""Who is on duty where and when: cohorts and curves become slots, each one clinician's time on duty.

The k-th head of a cohort is on duty while `share(t) · heads > k + jitter`. The jitter, between 0 and 1, is hers alone,
so that sites do not run in lockstep; the number on duty stays within one of `share · heads`, and at 100% everybody is
there. Those on duty are always the first heads, so a dip sends home whoever came last.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence

from harness.plan.arrivals import processes_of
from harness.plan.curve import door_points, lower_of, on_run, shift_points, spans_above, unrolled
from harness.plan.emphasis import stretches_of
from harness.plan.model import PhaseSpan, Plan, Slot
from harness.plan.timeline import SiteClock, Timeline, timeline_of
from harness.population.stream import Stream
from harness.scenario import cohorts_of
from harness.scenario.model import Phase, RunSpec, Site
from harness.scenario.staff import Cohort
from harness.units import DAY_S

__all__ = ["compile_plan", "phase_spans", "roster_digest"]

Row = tuple[float, str, str, int, float]
"""(start, site, persona, clinician, end) of a slot, in run seconds."""


def compile_plan(spec: RunSpec) -> Plan:
    """The roster of a run: the same on every machine, for any number of workers.

    Slots stand in order of (start, site, persona, clinician) and are numbered in that order. Raises InputError where
    the run's window or duration is impossible.
    """
    timeline = timeline_of(spec)
    slots = tuple(
        Slot(number, site, persona, clinician, start_s, end_s, start_s == 0.0)
        for number, (start_s, site, persona, clinician, end_s) in enumerate(sorted(_rows(spec, timeline)))
    )
    phases = tuple(_phases(spec, timeline))
    return Plan(
        spec=spec,
        length_s=timeline.length_s,
        time_lapse=timeline.time_lapse,
        slots=slots,
        arrivals=processes_of(spec, timeline),
        phases=phases,
        stretches=stretches_of(spec, timeline, phases),
        roster_digest=roster_digest(slots),
    )


def roster_digest(slots: Sequence[Slot]) -> str:
    """SHA-256 over slot, site, persona, clinician, start and end (six decimals), tab-separated, a line each."""
    lines = (
        f"{slot.slot}\t{slot.site}\t{slot.persona}\t{slot.clinician}\t{slot.start_s:.6f}\t{slot.end_s:.6f}\n"
        for slot in slots
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _rows(spec: RunSpec, timeline: Timeline) -> Iterable[Row]:
    """A crest so thin that it begins and ends in the same microsecond is nobody's time on duty."""
    curves: dict[tuple[SiteClock, str, str, str], list[tuple[float, float]]] = {}
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        for cohort in cohorts_of(spec.scenario, site):
            kind = (clock, site.template, cohort.persona, cohort.shift.name if cohort.shift else "")
            if kind not in curves:
                curves[kind] = _share_on_run(spec, site, cohort, clock)
            yield from _slots_of(spec.seed, site.name, cohort, curves[kind])


def _slots_of(seed: int, site: str, cohort: Cohort, share: Sequence[tuple[float, float]]) -> Iterator[Row]:
    for head in range(cohort.heads):
        ordinal = cohort.first + head
        jitter = Stream("roster", seed, site, cohort.persona, ordinal).uniform()
        for start_s, end_s in spans_above(share, (head + jitter) / cohort.heads):
            begins_s, leaves_s = round(start_s, 6), round(end_s, 6)
            if begins_s < leaves_s:
                yield begins_s, site, cohort.persona, ordinal, leaves_s


def _share_on_run(spec: RunSpec, site: Site, cohort: Cohort, clock: SiteClock) -> list[tuple[float, float]]:
    """The share of the cohort that is there, over the run: its shift, or the scenario's curve while it is open."""
    shown = [local_s for _, from_s, to_s in clock.pieces() for local_s in (from_s, to_s)]
    from_s, to_s = min(shown), max(shown)
    if cohort.shift is not None:
        return on_run(clock, shift_points(cohort.shift, from_s, to_s))
    points = unrolled(spec.scenario.curves[cohort.persona].points, from_s, to_s)
    opening = spec.scenario.templates[site.template].opening
    return on_run(clock, lower_of(points, door_points(opening, from_s, to_s)) if opening else points)


def _phases(spec: RunSpec, timeline: Timeline) -> Iterator[PhaseSpan]:
    """Each site's phases, cut to what the run plays of them, in the order of their beginning there."""
    found: dict[SiteClock, list[tuple[float, float, str]]] = {}
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        if clock not in found:
            spans = (span for phase in spec.scenario.phases for span in phase_spans(phase, clock))
            found[clock] = sorted(spans, key=lambda span: span[0])
        for start_s, end_s, phase in found[clock]:
            yield PhaseSpan(site.name, phase, start_s, end_s)


def phase_spans(phase: Phase, clock: SiteClock) -> Iterator[tuple[float, float, str]]:
    """When a phase is lived, in run seconds; one without a day of its own comes every day."""
    for first_s, from_s, to_s in clock.pieces():
        daily = phase.end_s <= DAY_S
        for day in range(math.floor(from_s / DAY_S), math.floor(to_s / DAY_S) + 1) if daily else (0,):
            begins_s = max(from_s, day * DAY_S + phase.start_s)
            ends_s = min(to_s, day * DAY_S + phase.end_s)
            if begins_s < ends_s:
                run = [round(first_s + (time_s - from_s) / clock.time_lapse, 6) for time_s in (begins_s, ends_s)]
                yield run[0], run[1], phase.name
