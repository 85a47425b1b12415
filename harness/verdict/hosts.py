"""Were the load processes there all along, and did their clocks agree? On one machine, and on several.

Of other hosts the manifest says under `fleet` what the run's leader heard of each: the longest silence, whether its
files came, how its clock stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.analysis import Instrument
from harness.errors import EXIT_INVALID, EXIT_PASS
from harness.units import count_text, duration_text
from harness.verdict import bounds
from harness.verdict.check import Check, unmeasured

__all__ = ["check_clock", "check_workers", "cut_off"]


def cut_off(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Workers that the leader heard nothing of for too long while the load was on. What went on between them and the
    server then, nobody can tell from a slow or broken server."""
    return [each for each in _hosts(manifest) if float(each["silent_s"]) > bounds.CUT_OFF_S]


def check_workers(instrument: Instrument, manifest: Mapping[str, Any]) -> Check:
    """Lost: no sign for 3 s, or none up to the end of what it had to do. Late: no sign at the beginning. Who has
    nothing to do may leave at once. On other hosts also: nothing heard for 5 s, left, died, or not all of its files
    came. And workers that nobody asked for, and a leader that gave no sign."""
    seen = instrument.workers
    planned = int(manifest.get("workers") or instrument.workers_planned)
    reported = manifest.get("workers_reported")
    alive = len(set(reported)) if reported is not None else len(seen)
    gap = bounds.HEALTH_GAP_S
    lapsed = {
        each.worker
        for each in seen
        if each.planned_until_s > 0
        if each.longest_gap_s > gap or each.first_s > gap or each.last_s < each.planned_until_s - gap
    }
    missing = max(0, planned - min(alive, len(seen)))
    lost = [(each["name"], words) for each in _hosts(manifest) for words in _what_befell(each)]
    strangers, silent_s = int(manifest.get("strangers") or 0), float(manifest.get("leader_silent_s") or 0.0)
    count = max(len(lapsed) + missing, len({name for name, _ in lost})) + strangers + (silent_s > gap)
    whole = count_text(planned, "worker")
    said = [f"{whole} planned, {missing} missing, {len(lapsed)} silent for {duration_text(gap)}"]
    said += [f"{name} {words}" for name, words in lost]
    if strangers:
        said.append(f"{strangers} came that {'was' if strangers == 1 else 'were'} none of the run's")
    if silent_s > gap:
        said.append(f"whoever leads them was silent for {duration_text(silent_s)}")
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


def _what_befell(worker: Mapping[str, Any]) -> Iterator[str]:
    """All that makes a worker of another host one that cannot be counted on, each as the end of a sentence."""
    if float(worker["silent_s"]) > bounds.CUT_OFF_S:
        yield f"was cut off from the run's leader for {_seconds(worker['silent_s'])}"
    if worker["left"]:
        yield f"left: {worker['left']}"
    if worker["load_code"] not in _ENDED:
        yield f"had a load process that ended with code {worker['load_code']}"
    if not worker["handed_in"]:
        lacking = len(worker["lacking"])
        yield f"handed in all but {count_text(lacking, 'file')}" if lacking else "handed nothing in"


_ENDED: Final = (EXIT_PASS, EXIT_INVALID, None)
"""How a load process ends by itself: its part done, or cut short by whoever led it; None: nobody was told."""


def _ms(seconds: float) -> str:
    return f"{abs(float(seconds)) * 1000:.1f} ms"


def _seconds(seconds: float) -> str:
    return duration_text(float(round(float(seconds))))
