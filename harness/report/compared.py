"""A comparison as it reads: what changed as a sentence, and one row each for the network, sites, workflows and waits.

Rows that differ come first, the slowest change on top; many that do not are one line of how many they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.analysis.compare import ComparedRow
from harness.report.wording import MISSING, latency_text, range_text, share_text
from harness.units import count_text

__all__ = ["change_text", "headline_of", "print_comparison", "ratio_text", "row_name", "worst_first"]

SAME_ROWS_SHOWN: Final = 6
"""Rows of a kind that do not differ, in a table; more are counted in one line."""
_GAP: Final = 2
_HEADS: Final = ("", "samples", "p95 A", "p95 B", "change (95% interval)", "", "errors")
_OUTCOME: Final = 5
_DROPPED_FIRST: Final = (1, 6, 2, 3)
"""Columns that a narrow terminal goes without, the first first."""
_KIND_TITLES: Final = {"network": "", "site": "sites", "workflow": "workflows", "waiting": "waiting"}
_STYLES: Final = {"slower": "bold red", "faster": "green", "no difference seen": "", "too few samples": "dim"}


def row_name(row: ComparedRow) -> str:
    """`the network`, `river`, `waiting, find-history`: as it is named where rows of all kinds stand together."""
    if row.key.kind == "network":
        return "the network"
    return f"waiting, {row.key.name}" if row.key.kind == "waiting" else row.key.name


def ratio_text(ratio: float) -> str:
    """A ratio as a change: `+12%`, `-3.4%`, `0.0%`, and from three times on `×4.2`."""
    if not math.isfinite(ratio):
        return MISSING
    if ratio >= 3:
        return f"×{ratio:,.1f}" if ratio < 100 else f"×{ratio:,.0f}"
    percent = (ratio - 1) * 100
    text = f"{percent:+.1f}%" if abs(percent) < 9.95 else f"{percent:+.0f}%"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text


def change_text(row: ComparedRow) -> str:
    """`+12% (+4.1% to +21%)`; a dash where it is not known."""
    if row.p95.difference is None:
        return MISSING
    ratio, low, high = (ratio_text(one) for one in row.p95.difference.ratio)
    return f"{ratio} ({range_text(low, high)})"


def worst_first(rows: Iterable[ComparedRow]) -> list[ComparedRow]:
    """The slower ones, then those that do not differ, the faster ones, those with too few samples; within each the
    greatest change first."""
    order = ("slower", "no difference seen", "faster", "too few samples")
    return sorted(rows, key=lambda row: (order.index(row.outcome), -_estimate(row)))


def headline_of(rows: Sequence[ComparedRow]) -> tuple[str, str]:
    """A word and a sentence: `SLOWER`, `2 of 9 rows, most of all river: +55% (+48% to +63%)`."""
    known = [row for row in rows if row.outcome != "too few samples"]
    named = worst_first(rows)
    slower = [row for row in named if row.outcome == "slower"]
    faster = [row for row in reversed(named) if row.outcome == "faster"]
    failing = [row_name(row) for row in rows if row.errors_outcome == "more"]
    more = f"more errors: {_listed(failing)}" if failing else ""
    also = f"{len(faster)} faster" if faster else ""
    of = f"of {count_text(len(known), 'row')}"
    if slower:
        first = f"{len(slower)} {of}, most of all {row_name(slower[0])}: {change_text(slower[0])}"
        return "SLOWER", "; ".join(filter(None, (first, also, more)))
    if failing:
        return "MORE ERRORS", "; ".join(filter(None, (_listed(failing), also)))
    if faster:
        return "FASTER", f"{len(faster)} {of}, most of all {row_name(faster[0])}: {change_text(faster[0])}"
    if not known:
        return "CANNOT TELL", "no row has samples enough for a p95 in both"
    return "NO DIFFERENCE SEEN", f"in {count_text(len(known), 'row')}; a change within the intervals below is possible"


def print_comparison(
    rows: Sequence[ComparedRow], heads: Mapping[str, str], method: Sequence[str], console: Console | None = None
) -> None:
    """Print the sentence, `heads` (label → what A, B and their differences are), the rows, and how it was done."""
    out = console or Console(highlight=False)
    word, sentence = headline_of(rows)
    style = {"SLOWER": "bold red", "MORE ERRORS": "bold red", "FASTER": "bold green"}.get(word, "bold")
    out.print()
    out.print(Text.assemble((word, style), "  ", sentence), soft_wrap=True)
    out.print()
    width = max(map(len, heads), default=0)
    for label, text in heads.items():
        out.print(Text(f"{label:<{width}}  {text}"), soft_wrap=True)
    out.print()
    out.print(_table(rows, out.width), crop=False, no_wrap=True)
    out.print()
    for line in method:
        out.print(Text(line, style="dim"), soft_wrap=True)


def _estimate(row: ComparedRow) -> float:
    return row.p95.difference.estimate if row.p95.difference else -math.inf


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _table(rows: Sequence[ComparedRow], width: int) -> Table:
    lines: list[tuple[tuple[str, ...], str]] = []
    for kind, title in _KIND_TITLES.items():
        own = worst_first(row for row in rows if row.key.kind == kind)
        if own and title:
            lines.append((_only(title), "bold"))
        lines += _lines_of(own)
    kept = list(range(len(_HEADS)))
    all_cells = [_HEADS, *(cells for cells, _ in lines)]
    for dropped in _DROPPED_FIRST:
        if _width(all_cells, kept) > width:
            kept.remove(dropped)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim", width=_width(all_cells, kept))
    for place in kept:
        table.add_column(_HEADS[place], justify="right" if place in (1, 2, 3) else "left", no_wrap=True)
    for cells, style in lines:
        table.add_row(*(Text(cells[place], style=style) for place in kept))
    return table


def _lines_of(rows: Sequence[ComparedRow]) -> list[tuple[tuple[str, ...], str]]:
    same = [row for row in rows if row.outcome not in ("slower", "faster") and not row.errors_outcome]
    counted = same if len(same) > SAME_ROWS_SHOWN else []
    lines = [(_cells(row), _style(row)) for row in rows if row not in counted]
    for outcome, count in Counter(row.outcome for row in counted).items():
        cells = list(_only(f"  {count_text(count, 'other')}"))
        cells[_OUTCOME] = outcome
        lines.append((tuple(cells), _STYLES[outcome]))
    return lines


def _cells(row: ComparedRow) -> tuple[str, ...]:
    name = "the network" if row.key.kind == "network" else f"  {row.key.name}"
    shares = range_text(share_text(row.errors.a), share_text(row.errors.b)).replace(" to ", " → ")
    return (
        name,
        range_text(*(f"{count:,}" for count in row.samples)).replace(" to ", " → "),
        latency_text(row.p95.a),
        latency_text(row.p95.b),
        change_text(row),
        _outcome(row),
        shares,
    )


def _outcome(row: ComparedRow) -> str:
    if not row.errors_outcome:
        return row.outcome
    what = f"{row.errors_outcome} {'lost' if row.key.kind == 'waiting' else 'errors'}"
    return f"{row.outcome}, {what}" if row.outcome in ("slower", "faster") else what


def _style(row: ComparedRow) -> str:
    return _STYLES["slower"] if row.errors_outcome == "more" else _STYLES[row.outcome]


def _only(text: str) -> tuple[str, ...]:
    return (text, *[""] * (len(_HEADS) - 1))


def _width(lines: Sequence[Sequence[str]], kept: Sequence[int]) -> int:
    return sum(max(cell_len(line[place]) for line in lines) + _GAP for place in kept) - _GAP
