"""How many are on duty at a moment, by the plan. A slot counts from its start up to, not including, its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.plan.model import Plan, Slot

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["duty_steps", "duty_steps_by_site", "logins", "on_duty", "peak_on_duty", "peaks_on_duty"]


def on_duty(
    plan: Plan,
    times_s: Sequence[float] | NDArray[np.float64],
    site: str | None = None,
    *,
    persona: str | None = None,
) -> NDArray[np.int64]:
    """Planned heads at each of `times_s` (run seconds; the answer has their shape), at one site or everywhere."""
    return _heads_at(np.asarray(times_s, dtype=np.float64), *_edges(_chosen(plan, site, persona)))


def duty_steps(plan: Plan, site: str | None = None, *, persona: str | None = None) -> tuple[list[float], list[int]]:
    """(times, heads): from each time up to the next the planned number is that of the same index. Begins at 0 s."""
    return _steps_of(_chosen(plan, site, persona))


def duty_steps_by_site(plan: Plan) -> dict[str, tuple[list[float], list[int]]]:
    """The `duty_steps` of every site, in one pass over the slots however many sites there are."""
    slots: dict[str, list[Slot]] = {site.name: [] for site in plan.spec.sites}
    for slot in plan.slots:
        slots[slot.site].append(slot)
    return {site: _steps_of(held) for site, held in slots.items()}


def peak_on_duty(plan: Plan, site: str | None = None, *, persona: str | None = None) -> int:
    """The most heads on duty at once."""
    return max(duty_steps(plan, site, persona=persona)[1])


def peaks_on_duty(plan: Plan) -> dict[str, int]:
    """Site → the most heads on duty there at once."""
    return {site: max(heads) for site, (_, heads) in duty_steps_by_site(plan).items()}


def logins(plan: Plan, edges_s: Sequence[float] | NDArray[np.float64], site: str | None = None) -> NDArray[np.int64]:
    """How many begin a shift and log in between two edges (run seconds); who is there at the opening did before."""
    starts_s = [slot.start_s for slot in plan.slots if not slot.opening and (site is None or slot.site == site)]
    return np.asarray(np.histogram(starts_s, np.asarray(edges_s, dtype=np.float64))[0], dtype=np.int64)


def _chosen(plan: Plan, site: str | None, persona: str | None) -> list[Slot]:
    return [
        slot
        for slot in plan.slots
        if (site is None or slot.site == site) and (persona is None or slot.persona == persona)
    ]


def _edges(slots: Sequence[Slot]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts_s = np.sort(np.array([slot.start_s for slot in slots], dtype=np.float64))
    ends_s = np.sort(np.array([slot.end_s for slot in slots], dtype=np.float64))
    return starts_s, ends_s


def _steps_of(slots: Sequence[Slot]) -> tuple[list[float], list[int]]:
    starts_s, ends_s = _edges(slots)
    times_s = np.unique(np.concatenate([[0.0], starts_s, ends_s]))
    heads = _heads_at(times_s, starts_s, ends_s)
    changes = np.concatenate([[True], heads[1:] != heads[:-1]])
    return times_s[changes].tolist(), heads[changes].tolist()


def _heads_at(
    moments_s: NDArray[np.float64], starts_s: NDArray[np.float64], ends_s: NDArray[np.float64]
) -> NDArray[np.int64]:
    arrived = np.searchsorted(starts_s, moments_s, side="right")
    left = np.searchsorted(ends_s, moments_s, side="right")
    return np.asarray(arrived - left, dtype=np.int64)
