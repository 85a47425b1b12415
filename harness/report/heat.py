"""The heat map as tables: p95 of each site × workflow, a number in every cell, so that it reads in grey and aloud.

Where more workflows have a figure than one table can hold, sites × lanes come first, and each lane's workflows are
folded below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.intervals import enough_samples
from harness.report.palette import heat_colour, ink_on
from harness.report.wording import latency_text
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis import Analysis
    from harness.scenario.model import RunSpec

__all__ = [
    "BY_WORDS",
    "REQUESTS_FOR_A_CELL",
    "HeatCell",
    "HeatMap",
    "HeatRow",
    "HeatTable",
    "heat_map",
    "heat_share",
    "heat_tables",
    "ordered_workflows",
    "requests_lacking",
]

MOST_COLUMNS = 14
"""What fits on a portrait A4 page at 7.5 pt; more workflows are parted into tables of like width."""
REQUESTS_FOR_A_CELL = round(enough_samples(0.95))
"""A cell holds a p95, printed from as many effective samples as every other."""
BY_WORDS: Mapping[str, str] = {"workflow": "workflow", "lane": "lane of work"}
"""What a heat map's columns are → in words."""


@dataclass(frozen=True)
class HeatCell:
    text: str
    colour: str
    ink: str


@dataclass(frozen=True)
class HeatRow:
    site: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class HeatTable:
    label: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]


@dataclass(frozen=True)
class HeatMap:
    """`shown` stands open on the page, of the worst sites; `folded` has parts with a label each."""

    by: str
    """`workflow` or `lane`: what the columns of `shown` are."""
    sites: tuple[str, ...]
    """Those that have a figure at all."""
    columns: tuple[str, ...]
    shown: tuple[HeatTable, ...]
    folded: tuple[tuple[str, tuple[HeatTable, ...]], ...]


def heat_map(analysis: Analysis, spec: RunSpec, sites: Sequence[str], folded_from: int, shown: int) -> HeatMap:
    """Of more than `folded_from` sites with a figure (in the order of `sites`) the first `shown` stand open.

    Where the run's workflows are too many for one table, it is by lane, and each lane's workflows are folded.
    """
    by = "workflow" if analysis.site_workflow["workflow"].nunique() <= MOST_COLUMNS else "lane"
    workflows = ordered_workflows(analysis.site_workflow, spec)
    crossed = analysis.site_workflow if by == "workflow" else analysis.site_lane
    known = _with_figure(crossed, sites)
    columns = workflows if by == "workflow" else sorted(_with_figure(crossed, sorted(set(crossed["lane"])), "lane"))
    few = known if len(known) <= folded_from else known[:shown]
    more = known[len(few) :]
    folded = [(count_text(len(more), "other site"), tuple(heat_tables(crossed, more, columns, by)))] if more else []
    for lane in columns if by == "lane" else ():
        own = [name for name in workflows if analysis.summary["by_workflow"][name].get("lane") == lane]
        there = _with_figure(analysis.site_workflow[analysis.site_workflow["workflow"].isin(own)], sites)
        if own:
            label = f"{lane}: {count_text(len(own), 'workflow')} at {count_text(len(there), 'site')}"
            folded.append((label, tuple(heat_tables(analysis.site_workflow, there, own, "workflow"))))
    return HeatMap(by, tuple(known), tuple(columns), tuple(heat_tables(crossed, few, columns, by)), tuple(folded))


def _with_figure(crossed: pd.DataFrame, names: Sequence[str], column: str = "site") -> list[str]:
    """Those of `names` that have a p95 anywhere."""
    known = set(crossed[column][crossed["p95_ms"].notna()].astype(str))
    return [name for name in names if name in known]


def ordered_workflows(site_workflow: pd.DataFrame, spec: RunSpec) -> list[str]:
    """The workflows with a p95 anywhere, in the order of the scenario's personas; those of no persona last, by name."""
    found = set(site_workflow["workflow"][site_workflow["p95_ms"].notna()].astype(str))
    known = [name for persona in spec.scenario.personas.values() for name in persona.workflows if name in found]
    return list(dict.fromkeys([*known, *sorted(found)]))


def requests_lacking(site_workflow: pd.DataFrame, load_s: float) -> str:
    """Why not one cell is filled: how many requests it takes, how many there were, and how long a run has enough."""
    takes = f"A p95 takes {REQUESTS_FOR_A_CELL} requests of a workflow at a site."
    if site_workflow.empty or not site_workflow["requests"].max():
        return f"{takes} There were none."
    most = site_workflow.iloc[int(site_workflow["requests"].to_numpy().argmax())]
    count, where = int(most["requests"]), f"{most['workflow']} at {most['site']}"
    if count >= REQUESTS_FOR_A_CELL:
        return f"{takes} {where} had {count:,}, but they resemble each other: they tell less than that many would."
    needed_s = load_s * REQUESTS_FOR_A_CELL / count
    return (
        f"{takes} At most there were {count} ({where}); "
        f"a run at this rate fills the first cell after about {duration_text(needed_s)}."
    )


def heat_tables(
    crossed: pd.DataFrame, sites: Sequence[str], columns: Sequence[str], by: str, most_columns: int = MOST_COLUMNS
) -> list[HeatTable]:
    """Tables of at most `most_columns` of the names in column `by`, rows in the order of `sites`; shades are those of
    the whole frame."""
    if not sites or not columns:
        return []
    keys = zip(crossed["site"].astype(str), crossed[by].astype(str), strict=True)
    p95_ms = {key: float(value) for key, value in zip(keys, crossed["p95_ms"], strict=True) if math.isfinite(value)}
    share = heat_share(list(p95_ms.values()))
    parts = -(-len(columns) // most_columns)
    width = -(-len(columns) // parts)
    tables = []
    for start in range(0, len(columns), width):
        own = tuple(columns[start : start + width])
        rows = tuple(HeatRow(site, tuple(_cell(p95_ms.get((site, name)), share) for name in own)) for site in sites)
        tables.append(HeatTable(f"p95 by site for {own[0]} to {own[-1]}", own, rows))
    return tables


def heat_share(values: Sequence[float]) -> Callable[[float], float]:
    """How dark a cell is, 0 to 1: its place between the least and the greatest value, by logarithm."""
    positive = [value for value in values if value > 0]
    if not positive:
        return lambda _: 0.0
    low, high = math.log(min(positive)), math.log(max(positive))
    # Below a factor of two, full contrast would make noise look like news.
    span = max(high - low, math.log(2.0))
    return lambda value: (math.log(value) - low) / span if value > 0 else 0.0


def _cell(p95_ms: float | None, share: Callable[[float], float]) -> HeatCell:
    if p95_ms is None:
        return HeatCell("", "#ffffff", ink_on("#ffffff"))
    colour = heat_colour(share(p95_ms))
    return HeatCell(latency_text(p95_ms), colour, ink_on(colour))
