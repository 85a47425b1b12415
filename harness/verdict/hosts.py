"""Were the load processes there all along, and did their clocks agree? On one machine, and on several.

Of other hosts the manifest says under `fleet` what the run's leader heard of each: the longest silence, whether its
files came, how its clock stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.analysis import Instrument
from harness.units import count_text, duration_text
from harness.verdict import bounds
from harness.verdict.check import Check, unmeasured

__all__ = ["check_clock", "check_workers", "cut_off"]


def cut_off(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Workers that the leader heard nothing of for too long while the load was on. What went on between them and the
    server then, nobody can tell from a slow or broken server."""
    return [each for each in _hosts(manifest) if float(each["silent_s"]) > bounds.CUT_OFF_S]


def check_workers(instrument: Instrument, manifest: Mapping[str, Any]) -> Check:
    """Lost: no sign for 3 s, or none up to the end of its last slot. Late: no sign at the beginning. On other hosts
    also: nothing heard for 5 s, or not all of its files came."""
    seen = instrument.workers
    planned = int(manifest.get("workers") or instrument.workers_planned)
    reported = manifest.get("workers_reported")
    alive = len(set(reported)) if reported is not None else len(seen)
    gap = bounds.HEALTH_GAP_S
    lapsed = {
        each.worker
        for each in seen
        if each.longest_gap_s > gap or each.first_s > gap or each.last_s < each.planned_until_s - gap
    }
    missing = max(0, planned - min(alive, len(seen)))
    silent, without = cut_off(manifest), [each for each in _hosts(manifest) if not each["handed_in"]]
    named = {each["name"] for each in (*silent, *without)}
    count = max(len(lapsed) + missing, len(named))
    said = [
        f"{count_text(planned, 'worker')} planned, {missing} missing, {len(lapsed)} silent for {duration_text(gap)}"
    ]
    said += [f"{each['name']} was cut off from the run's leader for {_seconds(each['silent_s'])}" for each in silent]
    said += [f"not all files of {each['name']} came{_why(each)}" for each in without]
    return Check("workers", count == 0 and planned > 0, float(count), 0.0, "", "; ".join(said))


def check_clock(manifest: Mapping[str, Any]) -> Check:
    """Between hosts by the reading with most doubt about it; and whether any system clock was moved meanwhile."""
    moved_s = manifest.get("clock_offset_s")
    hosts = [each["clock"] for each in _hosts(manifest)]
    if moved_s is None and not hosts:
        return Check("clock", None, None, bounds.CLOCK_OFFSET_S, "s", "no clock was compared with another")
    if moved_s is not None and (not hosts or abs(float(moved_s)) > bounds.CLOCK_OFFSET_S):
        worst_s = abs(float(moved_s))
        detail = f"the clocks were {duration_text(worst_s)} apart, allowed are {duration_text(bounds.CLOCK_OFFSET_S)}"
        return Check("clock", worst_s <= bounds.CLOCK_OFFSET_S, worst_s, bounds.CLOCK_OFFSET_S, "s", detail)
    return _between_hosts(hosts)


def _between_hosts(clocks: Sequence[Mapping[str, Any]]) -> Check:
    bound_s = bounds.HOST_CLOCK_OFFSET_S
    if any(each["offset_s"] is None for each in clocks):
        return unmeasured("clock", bound_s, "s")
    worst = max(clocks, key=_at_most_s)
    at_most_s = _at_most_s(worst)
    unseen = max(clocks, key=lambda each: float(each["longest_gap_s"]))
    readings = sum(int(each["readings"]) for each in clocks)
    detail = (
        f"by {count_text(readings, 'reading')}, the clock of {worst['worker']} was {_ms(worst['offset_s'])} from the "
        f"leader's, give or take {_ms(worst['uncertainty_s'])}; allowed are {_ms(bound_s)} with that added"
    )
    seen = float(unseen["longest_gap_s"]) <= bounds.CLOCK_UNSEEN_S
    if not seen:
        detail += f"; that of {unseen['worker']} was not compared for {_seconds(unseen['longest_gap_s'])}"
    return Check("clock", at_most_s <= bound_s and seen, at_most_s, bound_s, "s", detail)


def _hosts(manifest: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (manifest.get("fleet") or {}).get("workers") or ()
    return found


def _at_most_s(clock: Mapping[str, Any]) -> float:
    return abs(float(clock["offset_s"])) + float(clock["uncertainty_s"])


def _why(worker: Mapping[str, Any]) -> str:
    if worker["left"]:
        return f": {worker['left']}"
    lacking = worker["lacking"]
    return f": {count_text(len(lacking), 'file')} of it did not" if lacking else ": nothing of it did"


def _ms(seconds: float) -> str:
    return f"{abs(float(seconds)) * 1000:.1f} ms"


def _seconds(seconds: float) -> str:
    return duration_text(float(round(float(seconds))))
