"""The run by phase, by time zone, by kind of site, by persona, and what came by itself: one table each.

A zone's row says what its clocks showed, since 09:00 in one is 07:00 in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.cells import Cell, Table, bar_cell, make_table, percentile_cell
from harness.report.timescale import TimeScale
from harness.report.wording import MISSING, latency_text, number_text, share_text

if TYPE_CHECKING:
    from harness.scenario.model import RunSpec

__all__ = ["arrivals_table", "kinds_table", "personas_table", "phases_table", "zones_table"]

Figures = Mapping[str, Any]

_RUNS = "ok# | failed# | abandoned# | cut#"
"""How workflows came out, but for those that were skipped."""


def zones_table(summary: Mapping[str, Any], scale: TimeScale) -> Table:
    """One row a time zone, from east to west, with what its clocks showed at the run's start and end."""
    rows, heads = summary["by_time_zone"], summary["concurrency"]["peak_clinicians_by_time_zone"]
    linked = _any_link(rows)
    return make_table(
        "Time zones",
        f"time zone | its clocks showed | sites# | on duty at peak# | {_heads(linked)}",
        [
            (
                zone.zone,
                f"{scale.text(0.0, zone)} to {scale.text(scale.length_s, zone)}",
                f"{zone.sites:,}",
                number_text(heads.get(zone.zone)),
                *_cells(rows[zone.zone], linked=linked),
            )
            for zone in scale.zones
        ],
        css="grouped",
    )


def kinds_table(summary: Mapping[str, Any], spec: RunSpec) -> Table:
    """One row a kind of site (a template), in the order of the scenario's sites."""
    rows, heads = summary["by_template"], summary["concurrency"]["peak_clinicians_by_template"]
    linked = _any_link(rows)
    templates = list(dict.fromkeys(site.template for site in spec.sites))
    return make_table(
        "Kinds of sites",
        f"kind of site | sites# | on duty at peak# | {_RUNS} | {_heads(linked)}",
        [
            (
                spec.scenario.templates[name].title,
                f"{sum(site.template == name for site in spec.sites):,}",
                number_text(heads.get(name)),
                *_runs(summary["workflows"]["by_template"].get(name, {})),
                *_cells(rows[name], linked=linked),
            )
            for name in templates
        ],
        css="grouped",
    )


def personas_table(summary: Mapping[str, Any], spec: RunSpec) -> Table:
    """One row a persona, in the order of the scenario: those on duty and those who come by themselves."""
    rows, heads = summary["by_persona"], summary["concurrency"]["peak_clinicians_by_persona"]
    runs, came = summary["workflows"]["by_persona"], summary["open"]["by_persona"]
    known = [name for name in spec.scenario.personas if name in rows]
    linked = _any_link(rows)
    return make_table(
        "Personas",
        f"persona | on duty at peak# | {_RUNS} | {_heads(linked)}",
        [
            (
                name,
                "come by themselves" if name in came and not heads.get(name) else number_text(heads.get(name, 0)),
                *_runs(runs.get(name, {})),
                *_cells(rows[name], linked=linked),
            )
            for name in [*known, *sorted(set(rows) - set(known))]
        ],
        css="grouped",
    )


def phases_table(summary: Mapping[str, Any], scale: TimeScale) -> Table:
    """One row a phase that was played, in the order of time, with the local time of the figures' clock; what fell into
    none comes last."""
    rows = summary["by_phase"]
    linked = _any_link(rows)
    local = {band.name: band.local for band in scale.bands}
    names = [*(name for name in local if name in rows), *sorted(set(rows) - set(local))]
    return make_table(
        "Phases",
        f"phase | local time | {_heads(linked)}",
        [
            (
                name or "outside of all phases",
                local.get(name, MISSING),
                *_cells(rows[name], linked=linked),
            )
            for name in names
        ],
        css="grouped",
    )


def arrivals_table(summary: Mapping[str, Any]) -> Table:
    """One row a persona: how many were to be expected and came, how it ended for them, how late the load began them."""
    heads = f"who | sites where somebody came# | expected# | came# | {_RUNS} | p50# | p95#"
    return make_table(
        "Who came by themselves",
        f"{heads} | late by (median)# | late at most#",
        [
            (
                name,
                number_text(row["sites"]),
                number_text(round(row["expected"], 0 if row["expected"] >= 10 else 1)),
                f"{row['begun']:,}",
                *_runs(row),
                latency_text(row["p50_ms"]),
                percentile_cell(row, "p95_ms"),
                *(latency_text(row[key]) for key in ("start_lag_p50_ms", "start_lag_max_ms")),
            )
            for name, row in summary["open"]["by_persona"].items()
        ],
        css="grouped",
    )


def _runs(counts: Figures) -> tuple[str, ...]:
    return tuple(f"{counts.get(outcome, 0):,}" for outcome in ("ok", "failed", "abandoned", "cut"))


def _any_link(rows: Mapping[str, Figures]) -> bool:
    return any(row["link_share"] is not None for row in rows.values())


def _heads(linked: bool) -> str:
    return f"requests# | errors# | p50# | p95#{' | p95 without link# | link’s share' if linked else ''}"


def _cells(row: Figures, *, linked: bool) -> tuple[str | Cell, ...]:
    """A dash for the server's part where no link is: it is the whole."""
    cells: tuple[str | Cell, ...] = (
        f"{row['requests']:,}",
        share_text(row["error_rate"]),
        latency_text(row["p50_ms"]),
        percentile_cell(row, "p95_ms"),
    )
    if not linked:
        return cells
    without = MISSING if row["link_share"] is None else percentile_cell(row, "server_p95_ms")
    return (*cells, without, bar_cell(row["link_share"]))
