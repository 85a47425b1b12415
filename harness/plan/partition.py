"""Which worker plays which slot: whole sites, packed by expected load; a site too large for one worker is split.

The heaviest site goes first, to the worker that has least so far. Sites stay whole, and with those that share their
link, because what is shared is emulated within one process; a split one's bandwidth is divided as its clinicians are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from harness.plan.arrivals import expected_arrivals
from harness.plan.expected import expected_load
from harness.plan.model import ExpectedLoad, Plan
from harness.scenario import apportion, staff_of

__all__ = ["lines", "link_shares", "open_caps", "pack", "partition", "worker_of_process"]

_FAIR_SHARE_TOLERANCE = 1e-9
"""Relative; keeps a site of exactly one fair share whole in spite of rounding."""


def partition(plan: Plan, workers: int, expected: ExpectedLoad | None = None) -> tuple[int, ...]:
    """The worker (0 to `workers` - 1) of each slot, in the order of the slots; the same on every machine.

    Sites are weighed by their expected requests (`expected`, or `expected_load(plan)`); those on one shared link go
    together. What is heavier than total / workers is split into equal parts no heavier than that; at every moment the
    parts of a persona differ by one head at most of each of its shifts.

    Raises ValueError if `workers` is not above zero.
    """
    if workers < 1:
        raise ValueError(f"{workers} workers cannot play a plan; give 1 or more")
    if workers == 1:
        return (0,) * len(plan.slots)
    line_of = lines(plan)
    weights: dict[str, float] = {}
    for site, weight in _weights(plan, expected or expected_load(plan)).items():
        weights[line_of[site]] = weights.get(line_of[site], 0.0) + weight
    workers_of = pack(weights, workers)
    first_seat = _first_seats(plan)
    # Those on duty are always a shift's first heads: dealt in turn, the parts are balanced at every moment.
    dealt = []
    for slot in plan.slots:
        parts = workers_of[line_of[slot.site]]
        dealt.append(parts[(first_seat[slot.site, slot.persona] + slot.clinician) % len(parts)])
    return tuple(dealt)


def lines(plan: Plan) -> dict[str, str]:
    """Site → the line to the target that it is on: a shared link's name, else `site:` and its own."""
    links = plan.spec.scenario.links
    return {
        site.name: site.link if site.link and links[site.link].shared else f"site:{site.name}"
        for site in plan.spec.sites
    }


def link_shares(plan: Plan, worker_of_slot: Sequence[int], workers: int) -> dict[str, tuple[float, ...]]:
    """Line → each worker's share of it, by the time on duty of the clinicians that it plays there; sums to 1."""
    line_of = lines(plan)
    held = {line: [0.0] * workers for line in line_of.values()}
    for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
        held[line_of[slot.site]][worker] += slot.end_s - slot.start_s
    homes = _homes(plan, worker_of_slot)
    for site, line in line_of.items():
        if not any(held[line]):
            held[line][homes[site]] = 1.0
    return {line: tuple(one / sum(parts) for one in parts) for line, parts in held.items()}


def worker_of_process(plan: Plan, worker_of_slot: Sequence[int]) -> tuple[int, ...]:
    """The worker of each arrival process, in their order: the one that plays most of the site."""
    homes = _homes(plan, worker_of_slot)
    return tuple(homes[process.site] for process in plan.arrivals)


def open_caps(plan: Plan, worker_of_slot: Sequence[int], workers: int, cap: int) -> tuple[int, ...]:
    """What each worker has of a `cap` on those who come at a rate, as its part of all whom the plan expects, and at
    least one wherever anybody is to come, as far as it goes round; sums to `cap` where anybody is to come."""
    weights = dict.fromkeys(range(workers), 0.0)
    for process, worker in zip(plan.arrivals, worker_of_process(plan, worker_of_slot), strict=True):
        weights[worker] += float(expected_arrivals(process, np.array([plan.length_s]))[0])
    if not any(weights.values()):
        return (0,) * workers
    parts = apportion(cap, weights)
    for worker in (worker for worker, weight in weights.items() if weight and not parts[worker]):
        richest = max(parts, key=lambda each: parts[each])
        if parts[richest] > 1:
            parts[richest] -= 1
            parts[worker] = 1
    return tuple(parts[worker] for worker in range(workers))


def _homes(plan: Plan, worker_of_slot: Sequence[int]) -> dict[str, int]:
    """Site → the worker with most slots of its line, of equals the first; lines without slots are dealt out in turn."""
    workers = max(worker_of_slot, default=0) + 1
    line_of = lines(plan)
    counts: dict[str, Counter[int]] = {line: Counter() for line in line_of.values()}
    for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
        counts[line_of[slot.site]][worker] += 1
    home_of = {
        line: min(held, key=lambda worker: (-held[worker], worker)) if held else index % workers
        for index, (line, held) in enumerate(counts.items())
    }
    return {site: home_of[line] for site, line in line_of.items()}


def pack(weights: Mapping[str, float], workers: int) -> dict[str, tuple[int, ...]]:
    """Site → the workers that play it: one, or as many as it has parts of at most one fair share (total / workers)."""
    fair = sum(weights.values()) / workers
    parts = {site: _parts(weight, fair, workers) for site, weight in weights.items()}
    heaviest_first = sorted(weights, key=lambda site: (-weights[site] / parts[site], site))
    carried = [0.0] * workers
    packed = {}
    for site in heaviest_first:
        lightest = sorted(range(workers), key=lambda worker: (carried[worker], worker))[: parts[site]]
        for worker in lightest:
            carried[worker] += weights[site] / parts[site]
        packed[site] = tuple(lightest)
    return packed


def _parts(weight: float, fair: float, workers: int) -> int:
    if weight <= fair * (1 + _FAIR_SHARE_TOLERANCE):
        return 1
    return min(workers, math.ceil(weight / fair * (1 - _FAIR_SHARE_TOLERANCE)))


def _weights(plan: Plan, expected: ExpectedLoad) -> dict[str, float]:
    weights = {site.name: 0.0 for site in plan.spec.sites}
    for (site, _), requests in expected.requests.items():
        weights[site] += requests
    return weights


def _first_seats(plan: Plan) -> dict[tuple[str, str], int]:
    """Where each persona's dealing begins, so that a split site's personas do not all begin with the same part."""
    seated: Counter[str] = Counter()
    first = {}
    for site in plan.spec.sites:
        for persona, people in staff_of(plan.spec.scenario, site).items():
            first[site.name, persona] = seated[site.name]
            seated[site.name] += people
    return first
