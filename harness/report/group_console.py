"""Several runs in the terminal: what they say together, row by row, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from harness.analysis import Replications
from harness.report.columns import narrowed_table
from harness.report.group import Group, enough_text, group_headline, half_width_text
from harness.report.group_page import group_notes
from harness.report.wording import MISSING, latency_text, range_text, span_text
from harness.units import count_text

__all__ = ["tell_group"]

SITES_SHOWN: Final = 10
"""Slowest sites that the terminal shows; the report has all."""

_HEADS: Final = ("  over runs", "runs from to", "mean", "95% interval", "half-width", "narrow enough")
_NUMBERS: Final = (2, 4)
_DROPPED_FIRST: Final = (1, 4, 3)
"""Columns that a narrow terminal goes without, the first first."""


def tell_group(group: Group, report_path: Path, next_steps: Sequence[str], console: Console | None = None) -> None:
    """Print the p95 of all sites as a sentence, a row a percentile and site, the report's path, what to do next."""
    out = console or Console(highlight=False)
    rows = group.rows()
    network = rows["overall"][""]
    out.print()
    out.print(Text(group_headline(network["p95_ms"], len(group.counted))), soft_wrap=True)
    for note in group_notes(group):
        out.print(Text(f"  {note}"), soft_wrap=True)
    out.print()
    sites = sorted(rows["by_site"].items(), key=lambda item: -(item[1]["p95_ms"].mean_ms or 0.0))
    lines = [_cells(f"  {name.removesuffix('_ms')} of all sites", over) for name, over in network.items()]
    lines += [_cells(f"  p95 of {site}", row["p95_ms"]) for site, row in sites[:SITES_SHOWN]]
    out.print(narrowed_table(_HEADS, lines, out.width, _DROPPED_FIRST, _NUMBERS), crop=False, no_wrap=True)
    if len(sites) > SITES_SHOWN:
        out.print(Text(f"  and {count_text(len(sites) - SITES_SHOWN, 'more site')}"), soft_wrap=True)
    out.print()
    for label, told in (("report", [str(report_path)]), ("next", [step.replace("`", "") for step in next_steps])):
        for place, line in enumerate(told):
            out.print(Text(f"{label if place == 0 else '':<9}{line}"), soft_wrap=True)


def _cells(name: str, over: Replications) -> list[str]:
    known = [figure for figure in over.figures_ms if figure is not None]
    return [
        name,
        range_text(latency_text(min(known)), latency_text(max(known))) if known else MISSING,
        latency_text(over.mean_ms if over.interval_ms else None),
        span_text(over.interval_ms) or MISSING,
        half_width_text(over),
        enough_text(over),
    ]
