"""Can this run be trusted? One check a row: what is measured, its bound, and a sentence. The bounds stand in bounds.py.

A check without anything to measure fails: what nobody watched is not known to be in order. Only the clock may be
skipped, and what the plan has none of, arrivals or people on duty; what is skipped is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.analysis import Analysis, Instrument
from harness.rundir import ARRIVAL_FATES
from harness.scenario.model import PERCENTILE_OF
from harness.units import count_text, duration_text
from harness.verdict import bounds
from harness.verdict.check import Check, unmeasured
from harness.verdict.hosts import check_clock, check_workers
from harness.verdict.objective import Judged
from harness.verdict.record import completed, own_limits, samples_written
from harness.verdict.wording import ms_text, share_text

__all__ = ["CHECKS", "check_validity"]


@dataclass(frozen=True)
class Evidence:
    """What the checks look at."""

    analysis: Analysis
    manifest: Mapping[str, Any]
    judged: Sequence[Judged]

    @property
    def instrument(self) -> Instrument:
        return self.analysis.instrument


def check_validity(analysis: Analysis, manifest: Mapping[str, Any], judged: Sequence[Judged]) -> list[Check]:
    """Every check, in a fixed order."""
    evidence = Evidence(analysis, manifest, judged)
    return [check(evidence) for check in CHECKS.values()]


def _too_short(evidence: Evidence) -> Check:
    load_s = float(evidence.analysis.summary["load_s"])
    enough = load_s >= bounds.SHORTEST_LOAD_S
    detail = f"the load lasted {duration_text(load_s)}, at least {duration_text(bounds.SHORTEST_LOAD_S)} are needed"
    return Check("too-short", enough, load_s, bounds.SHORTEST_LOAD_S, "s", detail)


def _something_required(evidence: Evidence) -> Check:
    count = sum(each.required for each in evidence.judged)
    return Check(
        "required", count > 0, float(count), 1.0, "", f"{count_text(count, 'objective')} of the plan were required"
    )


def _sufficient(evidence: Evidence) -> Check:
    lacking = [each for each in evidence.judged if each.required and each.outcome == "insufficient"]
    detail = f"{count_text(len(lacking), 'required objective')} had too few samples to be judged"
    return Check("enough-samples", not lacking, float(len(lacking)), 0.0, "", detail)


def _not_explained(evidence: Evidence) -> Check:
    explained = [each for each in evidence.judged if each.required and each.explained]
    count = count_text(len(explained), "required objective")
    detail = f"{count} missed by no more than the generator was late, or unable to send, itself"
    return Check("generator-explains", not explained, float(len(explained)), 0.0, "", detail)


def _stall(evidence: Evidence) -> Check:
    worst_ms = evidence.instrument.loop_lag_max_ms
    if worst_ms is None:
        return unmeasured("generator-stall", bounds.STALL_MS, "ms")
    detail = f"the generator's longest stall was {ms_text(worst_ms)}, allowed is below {ms_text(bounds.STALL_MS)}"
    return Check("generator-stall", worst_ms < bounds.STALL_MS, worst_ms, bounds.STALL_MS, "ms", detail)


def _start_lateness(evidence: Evidence) -> Check:
    latency_bounds = [
        each.measure.objective.bound
        for each in evidence.judged
        if each.required and each.measure.objective.metric in PERCENTILE_OF
    ]
    bound_ms = max(bounds.LATENESS_FLOOR_MS, bounds.LATENESS_SHARE * min(latency_bounds, default=0.0))
    of_all_ms, of_arrivals_ms = evidence.instrument.start_lag_p99_ms, evidence.instrument.arrival_lag_p99_ms
    if of_all_ms is None:
        return unmeasured("start-lateness", bound_ms, "ms")
    late_ms, what = max((of_all_ms, "requests"), (of_arrivals_ms or 0.0, "arrivals"))
    detail = f"99% of {what} started within {ms_text(late_ms)} of their time, allowed are {ms_text(bound_ms)}"
    return Check("start-lateness", late_ms <= bound_ms, late_ms, bound_ms, "ms", detail)


def _arrivals(evidence: Evidence) -> Check:
    """Whoever comes at a rate comes, however slow the server is; a generator that turns some away, or loses them, hides
    it. What the load counted is held against the rows: so few as chance does not make are lost, whoever lost them."""
    told = [evidence.manifest.get(f"arrivals_{fate}") for fate in ARRIVAL_FATES]
    of_all = evidence.analysis.summary["open"]["overall"]
    if not of_all["expected"]:
        return Check("arrivals", None, None, 0.0, "arrivals", "nobody was to come by himself")
    counts = [int(count) for count in told if count is not None]
    if len(counts) < len(told):
        return unmeasured("arrivals", 0.0, "arrivals")
    dropped, lost, idle = counts
    expected, came = float(of_all["expected"]), int(of_all["begun"]) + int(of_all["skipped"])
    least = expected - bounds.ARRIVALS_SIGMAS * math.sqrt(expected)
    unseen = max(0, math.ceil(least) - came - dropped - lost - idle)
    detail = (
        f"{of_all['begun']:,} came by themselves, {expected:,.0f} were to be expected; {dropped:,} were turned away"
    )
    if lost + unseen:
        detail += f", {lost + unseen:,} or more were lost" if unseen else f", {lost:,} were lost"
    missed = dropped + lost + unseen
    return Check("arrivals", missed == 0, float(missed), 0.0, "arrivals", detail)


def _cpu(evidence: Evidence) -> Check:
    share = evidence.instrument.cpu_mean_max
    if share is None:
        return unmeasured("cpu", bounds.CPU_SHARE, "of one core")
    detail = (
        f"a load process took at most {share_text(share)} of a core over 10 s, allowed {share_text(bounds.CPU_SHARE)}"
    )
    return Check("cpu", share <= bounds.CPU_SHARE, share, bounds.CPU_SHARE, "of one core", detail)


def _steal(evidence: Evidence) -> Check:
    share = evidence.instrument.steal_mean_max
    if share is None:
        return unmeasured("steal", bounds.STEAL_SHARE, "of the host")
    detail = f"others took at most {share_text(share)} of the CPU over 10 s, allowed {share_text(bounds.STEAL_SHARE)}"
    return Check("steal", share <= bounds.STEAL_SHARE, share, bounds.STEAL_SHARE, "of the host", detail)


def _workers(evidence: Evidence) -> Check:
    return check_workers(evidence.instrument, evidence.manifest)


def _started_finished(evidence: Evidence) -> Check:
    workers = evidence.instrument.workers
    off = sum(abs(each.started - each.finished) + abs(each.finished - each.rows) for each in workers)
    started, finished, rows = (sum(getattr(each, name) for each in workers) for name in ("started", "finished", "rows"))
    detail = f"{started:,} requests started, {finished:,} finished, {rows:,} in the samples"
    return Check("started-finished", off == 0 and bool(workers), float(off), 0.0, "requests", detail)


def _clock(evidence: Evidence) -> Check:
    return check_clock(evidence.manifest)


def _littles_law(evidence: Evidence) -> Check:
    off = [_apart(each.latency_s, each.in_flight_s) for each in evidence.instrument.workers]
    worst = max(off, default=None)
    if worst is None:
        return unmeasured("littles-law", bounds.LITTLES_LAW_SHARE, "")
    detail = (
        f"the samples' latencies add up to the time requests were in flight within {share_text(worst)}, allowed is 1%"
    )
    return Check("littles-law", worst <= bounds.LITTLES_LAW_SHARE, worst, bounds.LITTLES_LAW_SHARE, "", detail)


def _closed_loop(evidence: Evidence) -> Check:
    """Only where the plan asks for the same load throughout, of those who asked ten times and more."""
    loop = evidence.analysis.closed_loop
    if loop is None:
        why = evidence.analysis.load_changes or "nobody on duty throughout asked ten times"
        return Check("closed-loop", None, None, bounds.CLOSED_LOOP_SHARE, "", f"not reckoned: {why}")
    detail = (
        f"{loop.n:.3g} people on duty, {loop.x_per_s:.3g} requests/s of {ms_text(loop.r_s * 1000)} each and "
        f"{ms_text(loop.z_s * 1000)} between: N and X(R + Z) are {share_text(loop.off)} apart, allowed is 1%"
    )
    return Check("closed-loop", loop.off <= bounds.CLOSED_LOOP_SHARE, loop.off, bounds.CLOSED_LOOP_SHARE, "", detail)


def _clinician_time(evidence: Evidence) -> Check:
    off = _apart(evidence.instrument.accounted_s, evidence.instrument.duty_s)
    detail = f"waiting, thinking and idle time add up to the time on duty within {share_text(off)}, allowed is 1%"
    return Check("clinician-time", off <= bounds.TIME_SHARE, off, bounds.TIME_SHARE, "", detail)


def _mix(evidence: Evidence) -> Check:
    """The figure is what chance does not explain: a handful of runs is never quite the planned mix."""
    mixes = evidence.instrument.mixes
    if _only_arrivals(evidence):
        return Check("mix", None, None, bounds.MIX_DISTANCE, "of the workflows", "nobody was to be on duty")
    if not mixes:
        return unmeasured("mix", bounds.MIX_DISTANCE, "of the workflows")
    differing = [mix for mix in mixes if mix.p_value < bounds.MIX_P_VALUE]
    worst = max((mix.distance for mix in differing), default=0.0)
    detail = "what the personas did is the plan's mix of workflows; how they differ, chance explains"
    if differing:
        names = ", ".join(mix.persona for mix in differing)
        detail = f"{names}: up to {share_text(worst)} of the workflows were others than planned, allowed are 10%"
    return Check("mix", worst <= bounds.MIX_DISTANCE, worst, bounds.MIX_DISTANCE, "of the workflows", detail)


def _slots(evidence: Evidence) -> Check:
    it = evidence.instrument
    wrong = it.slots_missing + it.slots_repeated + it.slots_unplanned + it.slots_not_ended
    detail = (
        f"{it.slots_planned:,} slots planned: {it.slots_missing} not worked, {it.slots_repeated} worked twice, "
        f"{it.slots_unplanned} not in the plan, {it.slots_not_ended} cut off"
    )
    planned = it.slots_planned > 0 or _only_arrivals(evidence)
    return Check("slots", wrong == 0 and planned, float(wrong), 0.0, "slots", detail)


def _slot_starts(evidence: Evidence) -> Check:
    p99_s, worst_s = evidence.instrument.start_late_p99_s, evidence.instrument.start_late_max_s
    if _only_arrivals(evidence):
        return Check("slot-starts", None, None, bounds.START_LATE_P99_S, "s", "nobody was to be on duty")
    if p99_s is None or worst_s is None:
        return unmeasured("slot-starts", bounds.START_LATE_P99_S, "s")
    passed = p99_s <= bounds.START_LATE_P99_S and worst_s <= bounds.START_LATE_MAX_S
    detail = (
        f"99% of slots began within {duration_text(p99_s)} of their time, all within {duration_text(worst_s)}; "
        f"allowed are {duration_text(bounds.START_LATE_P99_S)} and {duration_text(bounds.START_LATE_MAX_S)}"
    )
    return Check("slot-starts", passed, p99_s, bounds.START_LATE_P99_S, "s", detail)


def _duty(evidence: Evidence) -> Check:
    off = _apart(evidence.instrument.worked_duty_s, evidence.instrument.planned_duty_s)
    detail = f"time on duty was as planned within {share_text(off)}, allowed is 1%"
    return Check("on-duty", off <= bounds.DUTY_SHARE, off, bounds.DUTY_SHARE, "", detail)


def _only_arrivals(evidence: Evidence) -> bool:
    """By the plan nobody is on duty, and yet somebody comes: at night, when only messages do."""
    return not evidence.instrument.slots_planned and bool(evidence.analysis.summary["open"]["overall"]["expected"])


def _apart(one_s: float, other_s: float) -> float:
    """How far two sums of seconds are apart, as a share of the second; 0 where the difference is too small to
    matter."""
    difference_s = abs(one_s - other_s)
    if difference_s <= bounds.SMALLEST_TIME_S:
        return 0.0
    return difference_s / other_s if other_s > 0 else 1.0


CHECKS: Final[Mapping[str, Callable[[Evidence], Check]]] = {
    "completed": lambda evidence: completed(evidence.manifest),
    "too-short": _too_short,
    "required": _something_required,
    "enough-samples": _sufficient,
    "generator-explains": _not_explained,
    "generator-stall": _stall,
    "start-lateness": _start_lateness,
    "cpu": _cpu,
    "steal": _steal,
    "workers": _workers,
    "arrivals": _arrivals,
    "started-finished": _started_finished,
    "samples-written": lambda evidence: samples_written(evidence.manifest),
    "own-limits": lambda evidence: own_limits(evidence.manifest),
    "clock": _clock,
    "littles-law": _littles_law,
    "closed-loop": _closed_loop,
    "clinician-time": _clinician_time,
    "mix": _mix,
    "slots": _slots,
    "slot-starts": _slot_starts,
    "on-duty": _duty,
}
"""Check → how it is made, in the order of the report."""
