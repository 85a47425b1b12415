"""The heat map as tables: p95 of each site × workflow, a number in every cell, so that it reads in grey and aloud."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.intervals import enough_samples
from harness.report.palette import heat_colour, ink_on
from harness.report.wording import latency_text
from harness.units import duration_text

if TYPE_CHECKING:
    import pandas as pd

    from harness.scenario.model import RunSpec

__all__ = [
    "REQUESTS_FOR_A_CELL",
    "HeatCell",
    "HeatRow",
    "HeatTable",
    "heat_share",
    "heat_tables",
    "ordered_workflows",
    "requests_lacking",
]

MOST_COLUMNS = 14
"""What fits on a portrait A4 page at 7.5 pt; more workflows are parted into tables of like width."""
REQUESTS_FOR_A_CELL = round(enough_samples(0.95))
"""A cell holds a p95, printed from as many effective samples as every other."""


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
    workflows: tuple[str, ...]
    rows: tuple[HeatRow, ...]


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
    site_workflow: pd.DataFrame, sites: Sequence[str], workflows: Sequence[str], most_columns: int = MOST_COLUMNS
) -> list[HeatTable]:
    """Tables of at most `most_columns` workflows, rows in the order of `sites`; shades are those of the whole frame."""
    if not sites or not workflows:
        return []
    keys = zip(site_workflow["site"].astype(str), site_workflow["workflow"].astype(str), strict=True)
    p95_ms = {
        key: float(value) for key, value in zip(keys, site_workflow["p95_ms"], strict=True) if math.isfinite(value)
    }
    share = heat_share(list(p95_ms.values()))
    parts = -(-len(workflows) // most_columns)
    width = -(-len(workflows) // parts)
    tables = []
    for start in range(0, len(workflows), width):
        columns = tuple(workflows[start : start + width])
        rows = tuple(HeatRow(site, tuple(_cell(p95_ms.get((site, name)), share) for name in columns)) for site in sites)
        tables.append(HeatTable(f"p95 by site for {columns[0]} to {columns[-1]}", columns, rows))
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
