"""Who is on duty where and when: heads and curves become slots, each one clinician's time on duty.

The k-th head of a persona at a site is on duty while `share(t) · heads > k + jitter`. The jitter, between 0 and 1, is
hers alone, so that sites do not run in lockstep; the number on duty stays within one of `share · heads`, and at 100%
everybody is there. Those on duty are always the first heads, so a dip sends home whoever came last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from harness.plan.curve import clip, spans_above
from harness.plan.model import PhaseSpan, Plan, Slot
from harness.plan.timeline import Timeline, timeline_of
from harness.population.stream import Stream
from harness.scenario.model import RunSpec

__all__ = ["compile_plan", "roster_digest"]


def compile_plan(spec: RunSpec) -> Plan:
    """The roster of a run: the same on every machine, for any number of workers.

    Slots stand in order of (start, site, persona, clinician) and are numbered in that order. Raises InputError where
    the run's window or duration is impossible.
    """
    timeline = timeline_of(spec)
    rows = sorted(_rows(spec, timeline))
    slots = tuple(
        Slot(number, site, persona, clinician, start_s, end_s, start_s == timeline.clocks[site].opens_s)
        for number, (start_s, site, persona, clinician, end_s) in enumerate(rows)
    )
    return Plan(
        spec=spec,
        length_s=timeline.length_s,
        time_lapse=timeline.time_lapse,
        slots=slots,
        phases=tuple(_phases(spec, timeline)),
        roster_digest=roster_digest(slots),
    )


def roster_digest(slots: Sequence[Slot]) -> str:
    """SHA-256 over slot, site, persona, clinician, start and end (six decimals), tab-separated, a line each."""
    lines = (
        f"{slot.slot}\t{slot.site}\t{slot.persona}\t{slot.clinician}\t{slot.start_s:.6f}\t{slot.end_s:.6f}\n"
        for slot in slots
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _rows(spec: RunSpec, timeline: Timeline) -> Iterable[tuple[float, str, str, int, float]]:
    """(start, site, persona, clinician, end) of each slot, in run seconds.

    A crest so thin that it begins and ends in the same microsecond is nobody's time on duty.
    """
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        for persona, heads in site.heads.items():
            points = clip(spec.scenario.curves[persona].points, clock.opens_local_s, clock.closes_local_s)
            for head in range(heads):
                jitter = Stream("roster", spec.seed, site.name, persona, head).uniform()
                for from_local_s, to_local_s in spans_above(points, (head + jitter) / heads):
                    start_s, end_s = clock.run_s(from_local_s), clock.run_s(to_local_s)
                    if start_s < end_s:
                        yield start_s, site.name, persona, head, end_s


def _phases(spec: RunSpec, timeline: Timeline) -> Iterator[PhaseSpan]:
    """Each site's phases, cut to what the run plays of them."""
    for site in spec.sites:
        clock = timeline.clocks[site.name]
        for phase in spec.scenario.phases:
            start_local_s = max(phase.start_s, clock.opens_local_s)
            end_local_s = min(phase.end_s, clock.closes_local_s)
            if start_local_s < end_local_s:
                yield PhaseSpan(site.name, phase.name, clock.run_s(start_local_s), clock.run_s(end_local_s))
