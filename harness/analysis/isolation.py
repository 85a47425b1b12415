"""Does one site's load hurt the others? A baseline against runs in which some ask more; who is hurt, and how far.

    p95 of others, with / without the load ─▶ interference ratio, with its interval ─┐
    more errors than without ────────────────────────────────────────────────────────┼─▶ hurt ─▶ blast radius
    a required objective missed that was kept without ───────────────────────────────┘
    the same by lane ─▶ cascade matrix: a row a run (what grew), a column a lane (what became slower)

All runs are one table: the sites of all of them are one family of tests, all lanes another, so that of what is called
slower 5% at most is false on average (`significance.benjamini_yekutieli`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from harness.analysis.compare import ComparedRow, judged, set_side_by_side
from harness.analysis.demand import Growth
from harness.analysis.run_rows import RowKey, RunRow
from harness.analysis.victims import Victims

__all__ = ["HURT_FROM", "Isolation", "Measured", "blast_radius", "is_slowed", "judge_isolation", "newly_missed"]

HURT_FROM: Final = 1.1
"""A site is hurt where all of its interference ratio's interval lies above this. source: assumption (less than a tenth
changes nobody's work)"""

Rows = Mapping[RowKey, RunRow]


@dataclass(frozen=True)
class Measured:
    """One run, or group of runs, beside the baseline, not judged yet."""

    name: str
    growth: Growth
    victims: Victims
    base: Sequence[Rows]
    rows: Sequence[Rows]
    """Of each run, as `victims.rows_of_cells` makes them."""
    missed: Mapping[str, tuple[str, ...]]
    """Site → required objectives that it misses here and not in the baseline."""


@dataclass(frozen=True)
class Isolation:
    """One run, or group of runs, judged."""

    name: str
    growth: Growth
    together: ComparedRow | None
    """All victims together; None where they asked nothing at all."""
    sites: tuple[ComparedRow, ...]
    """The victims by site; all that the run has, also those that asked nothing."""
    lanes: tuple[ComparedRow, ...]
    aggressors: tuple[ComparedRow, ...]
    """What the sites that asked more did to themselves."""
    hurt: Mapping[str, tuple[str, ...]]
    """Site → why it is hurt: `slower`, `more errors`, `misses ID`; only those that are."""
    silent: int
    """Sites among the victims that asked nothing in either."""

    @property
    def others(self) -> int:
        """How many sites may have been hurt."""
        return len(self.sites) + self.silent

    @property
    def untold(self) -> int:
        """Of so many nobody can tell by their p95, and nothing else speaks against them."""
        few = sum(row.p95.difference is None and row.key.name not in self.hurt for row in self.sites)
        return few + self.silent

    @property
    def blast_radius(self) -> float | None:
        """See `blast_radius`."""
        return blast_radius(self.hurt, self.others)


def blast_radius(hurt: Collection[str], others: int) -> float | None:
    """The share of the `others` that is hurt, 0 to 1; None where there are no others. Who is hurt: `judge_isolation`.

    A site of which nobody can tell counts as not hurt, so it is told beside how many these are.
    """
    return len(hurt) / others if others else None


def is_slowed(row: ComparedRow) -> bool:
    """Slower by more than chance, with an interval of the ratio that lies above `HURT_FROM`."""
    return row.outcome == "slower" and row.p95.difference is not None and row.p95.difference.ratio[1] > HURT_FROM


def judge_isolation(measured: Sequence[Measured], length_s: float) -> list[Isolation]:
    """Each run against the baseline, all judged as one table; runs of `length_s`.

    A site is hurt where `is_slowed`, where its share of errors grew by more than chance, or where it newly misses a
    required objective. Raises ValueError where one side has a single run and another has more.
    """
    found = [_split(one, set_side_by_side(one.base, one.rows, length_s)) for one in measured]
    families = [_judged_over_all([parts[at] for parts in found]) for at in range(4)]
    return [_isolation(one, *(family[place] for family in families)) for place, one in enumerate(measured)]


def newly_missed(
    base: Sequence[Collection[tuple[str, str]]], runs: Sequence[Collection[tuple[str, str]]]
) -> dict[str, tuple[str, ...]]:
    """Site → objectives that it misses in most of `runs` and not in most of `base`; each run is the (site, objective)
    pairs that it missed."""
    pairs = sorted({pair for run in runs for pair in run})
    found: dict[str, tuple[str, ...]] = {}
    for site, objective in pairs:
        now, before = (sum((site, objective) in run for run in side) / len(side) for side in (runs, base))
        if now > 0.5 >= before:
            found[site] = (*found.get(site, ()), objective)
    return found


def _split(one: Measured, rows: Sequence[ComparedRow]) -> tuple[list[ComparedRow], ...]:
    """Together, victims by site, lanes, aggressors: a family each."""
    at_sites = [row for row in rows if row.key.kind == "site"]
    return (
        [row for row in rows if row.key.kind == "network"],
        [row for row in at_sites if row.key.name not in one.victims.aggressors],
        [row for row in rows if row.key.kind == "lane"],
        [row for row in at_sites if row.key.name in one.victims.aggressors],
    )


def _judged_over_all(by_run: Sequence[Sequence[ComparedRow]]) -> list[tuple[ComparedRow, ...]]:
    """One family over all runs, run by run again."""
    together = iter(judged([row for rows in by_run for row in rows]))
    return [tuple(islice(together, len(rows))) for rows in by_run]


def _isolation(
    one: Measured,
    together: Sequence[ComparedRow],
    sites: Sequence[ComparedRow],
    lanes: Sequence[ComparedRow],
    aggressors: Sequence[ComparedRow],
) -> Isolation:
    hurt: dict[str, tuple[str, ...]] = {}
    rows = {row.key.name: row for row in sites}
    for site in sorted(one.victims.sites):
        row = rows.get(site)
        why = [
            *(["slower"] if row is not None and is_slowed(row) else []),
            *(["more errors"] if row is not None and row.errors_outcome == "more" else []),
            *(f"misses {objective}" for objective in one.missed.get(site, ())),
        ]
        if why:
            hurt[site] = tuple(why)
    return Isolation(
        name=one.name,
        growth=one.growth,
        together=together[0] if together else None,
        sites=tuple(sites),
        lanes=tuple(lanes),
        aggressors=tuple(aggressors),
        hurt=hurt,
        silent=len(one.victims.sites - set(rows)),
    )
