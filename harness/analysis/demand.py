"""What the plans of two runs demand: at which sites more, in which lanes, how many times as much.

    plan.parquet    time on duty by site and persona ─┐
    arrivals.json   arrivals by site and persona ─────┴─▶ where more are there      (exact: the same people elsewhere)
    expected.json   requests by site and lane ──────────▶ how much more, and of what

Expected requests alone would not do: how many workflows the end of a shift cuts is averaged over all sites, so that a
greedy site moves the others' expectation a little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from harness.errors import InputError, Problem
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = ["Demand", "Growth", "growth_of", "read_demand"]

Pairs = Mapping[tuple[str, str], float]

_SAME: Final = 1e-6
"""Relative difference up to which hours on duty and arrivals are the same: they are kept to the microsecond."""
LANE_GROWN_FROM: Final = 1.1
"""A lane's demand has grown from so many times on; less is how averages over sites move. source: measured, 5% at most
in the shipped scenarios"""
LED_FROM: Final = 0.5
"""Lanes that grew by half as many requests as the one that grew most name the load, too. source: assumption"""


@dataclass(frozen=True)
class Demand:
    """What a run was to demand. Keys are (site, persona), of `requests` (site, lane)."""

    sites: tuple[str, ...]
    on_duty_s: Pairs
    arrivals: Pairs
    requests: Pairs
    greedy: Mapping[str, float]
    """`--greedy`: site → factor."""


@dataclass(frozen=True)
class Growth:
    """How the load of a run differs from that of a baseline."""

    more: Mapping[str, float]
    """Site where more are there → how many times as much is demanded of it; as `--greedy` says where it does."""
    less: tuple[str, ...]
    """Sites where some persona is there less."""
    lanes: tuple[str, ...]
    """Lanes that grew most at the sites with more, the greatest growth first."""
    grown_lanes: frozenset[str]
    """Lanes that grew there at all."""
    dose: float
    """How many times as much is demanded of the sites with more, together; 1 where there are none."""
    everywhere: bool
    """Every site has more."""
    again: bool
    """Nobody has more or less, and the run says so by `--greedy SITE=1`: the same load once more."""

    @property
    def others(self) -> str:
        """Who may be hurt, in words."""
        return "all sites" if self.everywhere or not self.more else "the other sites"


def read_demand(run_dir: RunDir, spec: RunSpec) -> Demand:
    """Raises InputError where a file of the plan is missing or damaged."""
    try:
        expected = json.loads(run_dir.expected.read_bytes())
        requests = {(row["site"], row["lane"]): float(row["requests"]) for row in expected["requests"]}
        came = json.loads(run_dir.arrivals.read_bytes())
        arrivals = {(row["site"], row["persona"]): float(row["expected"]) for row in came}
        on_duty_s = _on_duty_s(run_dir)
    except (OSError, ValueError, KeyError, TypeError, duckdb.Error) as error:
        what = f"the plan of the run cannot be read ({type(error).__name__}: {error})"
        raise InputError(Problem(what, str(run_dir.path), "compare folders as runs leave them")) from error
    return Demand(tuple(site.name for site in spec.sites), on_duty_s, arrivals, requests, spec.greedy)


def growth_of(base: Demand, run: Demand) -> Growth:
    """What `run` demands beyond `base`, by their plans."""
    changes = _changes(base, run)
    grown = [site for site, (more, less) in changes.items() if more and not less]
    gained: dict[str, float] = {}
    before: dict[str, float] = {}
    for (site, lane), asked in run.requests.items():
        if site in grown:
            known = base.requests.get((site, lane), 0.0)
            gained[lane] = gained.get(lane, 0.0) + asked - known
            before[lane] = before.get(lane, 0.0) + known
    most = max(gained.values(), default=0.0)
    led = sorted((lane for lane in gained if most > 0 and gained[lane] >= LED_FROM * most), key=lambda at: -gained[at])
    wholes = [{site: sum(_at(site, one.requests)) for site in grown} for one in (base, run)]
    less = tuple(site for site, (_, less) in changes.items() if less)
    return Growth(
        more={site: _times(site, base, run, wholes[0][site], wholes[1][site]) for site in grown},
        less=less,
        lanes=tuple(led),
        grown_lanes=frozenset(lane for lane in gained if gained[lane] > (LANE_GROWN_FROM - 1) * before[lane]),
        dose=_ratio(sum(wholes[1].values()), sum(wholes[0].values())) if grown else 1.0,
        everywhere=len(grown) == len(run.sites),
        again=not grown and not less and bool(run.greedy) and all(times == 1 for times in run.greedy.values()),
    )


def _on_duty_s(run_dir: RunDir) -> dict[tuple[str, str], float]:
    with duckdb.connect(":memory:", config={"threads": 1, "temp_directory": ""}) as tables:
        tables.read_parquet(str(run_dir.plan)).create_view("plan")
        summed = tables.execute("SELECT site, persona, sum(end_s - start_s) FROM plan GROUP BY ALL").fetchall()
    return {(site, persona): float(on_duty_s) for site, persona, on_duty_s in summed}


def _changes(base: Demand, run: Demand) -> dict[str, tuple[bool, bool]]:
    """Site → whether some persona is there more, and whether some is there less."""
    found = dict.fromkeys(run.sites, (False, False))
    for there, now in ((base.on_duty_s, run.on_duty_s), (base.arrivals, run.arrivals)):
        for key in {*there, *now}:
            before, after = there.get(key, 0.0), now.get(key, 0.0)
            if key[0] in found and abs(after - before) > _SAME * max(after, before):
                more, less = found[key[0]]
                found[key[0]] = (more or after > before, less or after < before)
    return found


def _times(site: str, base: Demand, run: Demand, before: float, after: float) -> float:
    told = run.greedy.get(site, 1.0) / base.greedy.get(site, 1.0)
    return told if told > 1 else _ratio(after, before)


def _ratio(after: float, before: float) -> float:
    return after / before if before > 0 else 1.0


def _at(site: str, requests: Pairs) -> list[float]:
    return [count for (name, _), count in requests.items() if name == site]
