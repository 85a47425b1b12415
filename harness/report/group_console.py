"""Several runs in the terminal: what they say together, row by row, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.analysis import Replications
from harness.report.group import Group, enough_text, group_headline
from harness.report.group_page import group_notes
from harness.report.wording import latency_text, range_text, share_text, span_text
from harness.units import count_text

__all__ = ["tell_group"]

SITES_SHOWN: Final = 10
"""Slowest sites that the terminal shows; the report has all."""


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
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    for head in ("  over runs", "runs from to", "mean", "95% interval", "half-width", "narrow enough"):
        number = head in ("mean", "half-width")
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for name, over in network.items():
        _add(table, f"  {name.removesuffix('_ms')} of all sites", over)
    for site, row in sites[:SITES_SHOWN]:
        _add(table, f"  p95 of {site}", row["p95_ms"])
    out.print(table, soft_wrap=False)
    if len(sites) > SITES_SHOWN:
        out.print(Text(f"  and {count_text(len(sites) - SITES_SHOWN, 'faster site')}"), soft_wrap=True)
    out.print()
    for label, lines in (("report", [str(report_path)]), ("next", [step.replace("`", "") for step in next_steps])):
        for place, line in enumerate(lines):
            out.print(Text(f"{label if place == 0 else '':<9}{line}"), soft_wrap=True)


def _add(table: Table, name: str, over: Replications) -> None:
    known = [figure for figure in over.figures_ms if figure is not None]
    ends = range_text(latency_text(min(known)), latency_text(max(known))) if known else latency_text(None)
    cells = (
        name,
        ends,
        latency_text(over.mean_ms if over.interval_ms else None),
        span_text(over.interval_ms) or latency_text(None),
        share_text(over.relative_half_width),
        enough_text(over),
    )
    table.add_row(*(Text(cell) for cell in cells))
