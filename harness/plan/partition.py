"""Which worker plays which slot: whole sites, packed by expected load; a site too large for one worker is split.

The heaviest site goes first, to the worker that has least so far. Sites stay whole because their clinicians share a
link and a token.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from harness.plan.expected import expected_load
from harness.plan.model import ExpectedLoad, Plan

__all__ = ["pack", "partition"]

_FAIR_SHARE_TOLERANCE = 1e-9
"""Relative; keeps a site of exactly one fair share whole in spite of rounding."""


def partition(plan: Plan, workers: int, expected: ExpectedLoad | None = None) -> tuple[int, ...]:
    """The worker (0 to `workers` - 1) of each slot, in the order of the slots; the same on every machine.

    Sites are weighed by their expected requests (`expected`, or `expected_load(plan)`). A site heavier than total /
    workers is split into equal parts no heavier than that; at every moment the parts of a persona differ by one head
    at most. Raises ValueError if `workers` is not above zero.
    """
    if workers < 1:
        raise ValueError(f"{workers} workers cannot play a plan; give 1 or more")
    if workers == 1:
        return (0,) * len(plan.slots)
    workers_of_site = pack(_weights(plan, expected or expected_load(plan)), workers)
    first_seat = _first_seats(plan)
    # Those on duty are always a persona's first heads: dealt in turn, the parts are balanced at every moment.
    dealt = []
    for slot in plan.slots:
        parts = workers_of_site[slot.site]
        dealt.append(parts[(first_seat[slot.site, slot.persona] + slot.clinician) % len(parts)])
    return tuple(dealt)


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
        for persona, heads in site.heads.items():
            first[site.name, persona] = seated[site.name]
            seated[site.name] += heads
    return first
