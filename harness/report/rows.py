"""The report's tables as values: a heading with its alignment, rows of cells, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.report.checks import check_bound_text, check_figure_text
from harness.report.sites import SiteRow
from harness.report.timescale import TimeScale
from harness.report.wording import (
    MISSING,
    OUTCOME_WORDS,
    beyond_text,
    figure_text,
    interval_text,
    latency_text,
    metric_text,
    number_text,
    range_text,
    rate_text,
    run_time_text,
    scope_text,
    share_text,
)
from harness.units import clock_text

if TYPE_CHECKING:
    import pandas as pd

    from harness.scenario.model import RunSpec

__all__ = [
    "Cell",
    "Head",
    "Table",
    "objectives_table",
    "operations_table",
    "sites_table",
    "split",
    "timeline_table",
    "validity_table",
    "workflows_table",
]

TIMELINE_ROWS = 24


@dataclass(frozen=True)
class Head:
    text: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    text: str
    outcome: str = ""
    """Shown as a shape and a word where it is set."""


@dataclass(frozen=True)
class Table:
    """`label` names it to a screen reader, or, where it is the folded rest, on the fold."""

    label: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    css: str = ""


def split(table: Table, folded_from: int, shown: int, rest_words: str) -> tuple[Table, Table | None]:
    """The table, and its rest where it has more than `folded_from` rows."""
    if len(table.rows) <= folded_from:
        return table, None
    rest = table.rows[shown:]
    return replace(table, rows=table.rows[:shown]), replace(table, rows=rest, label=f"{len(rest)} {rest_words}")


def sites_table(rows: Sequence[SiteRow]) -> Table:
    """One row a site, the worst first."""
    return _table(
        "Sites",
        "site | outcome | p95# | objective | errors# | requests# | on duty at peak# | why",
        [
            (
                row.site,
                _outcome(row.outcome),
                row.beyond or latency_text(row.p95_ms),
                row.objective,
                share_text(row.error_rate),
                f"{row.requests:,}",
                number_text(row.on_duty),
                row.why,
            )
            for row in rows
        ],
    )


def timeline_table(network: pd.DataFrame, scale: TimeScale) -> tuple[Table, str]:
    """At most 24 rows of the network's timeline, and how many were left out."""
    every = -(-len(network) // TIMELINE_ROWS) or 1
    rows = network.iloc[::every]
    note = "" if every == 1 else f" (one window in {every}; all are in concurrency.csv)"
    heads = "time of the run | local time | on duty# | planned# | requests/s# | p50# | p95# | p99# | errors#"
    return (
        _table(
            "The run over time",
            heads,
            [
                (
                    run_time_text(row["time_s"]),
                    clock_text(scale.local_s(row["time_s"])),
                    number_text(round(row["on_duty"])),
                    number_text(round(row["on_duty_planned"])),
                    rate_text(row["requests_per_s"]),
                    latency_text(row["p50_ms"]),
                    latency_text(row["p95_ms"]),
                    latency_text(row["p99_ms"]),
                    number_text(row["errors"]),
                )
                for row in rows.to_dict("records")
            ],
        ),
        note,
    )


def operations_table(summary: Mapping[str, Any]) -> Table:
    """The slowest p95 first; those with too few samples for a p95 come last, by their slowest request."""

    def slowness(item: tuple[str, Mapping[str, Any]]) -> tuple[float, float]:
        figures = item[1]
        return -(figures["p95_ms"] or 0.0), -(figures["max_ms"] or 0.0)

    return _table(
        "Operations",
        "operation | requests# | errors# | p50# | p95# | p99# | slowest#",
        [(name, *_latencies(figures)) for name, figures in sorted(summary["by_operation"].items(), key=slowness)],
    )


def _latencies(figures: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{figures['requests']:,}",
        share_text(figures["error_rate"]),
        latency_text(figures["p50_ms"]),
        latency_text(figures["p95_ms"]),
        latency_text(figures["p99_ms"]),
        latency_text(figures["max_ms"]),
    )


def workflows_table(summary: Mapping[str, Any], spec: RunSpec) -> Table:
    """Runs of each workflow by outcome, in the order of the scenario's personas."""
    found: Mapping[str, Mapping[str, Any]] = summary.get("workflows", {}).get("by_workflow", {})
    owners: dict[str, list[str]] = {}
    for persona in spec.scenario.personas.values():
        for workflow in persona.workflows:
            owners.setdefault(workflow, []).append(persona.name)
    order = [name for name in owners if name in found] + sorted(set(found) - set(owners))
    return _table(
        "Workflows",
        "workflow | persona | ok# | failed# | cut# | abandoned# | skipped# | waited p50# | waited p95#",
        [
            (
                name,
                ", ".join(owners.get(name, [MISSING])),
                *(f"{found[name].get(outcome, 0):,}" for outcome in ("ok", "failed", "cut", "abandoned", "skipped")),
                latency_text(found[name].get("waited_p50_ms")),
                latency_text(found[name].get("waited_p95_ms")),
            )
            for name in order
        ],
    )


def objectives_table(verdict: Mapping[str, Any]) -> Table:
    """Required ones first, and in each half what failed, what could not be judged, what passed."""
    rank = {"fail": 0, "insufficient": 1, "pass": 2}
    ordered = sorted(verdict["objectives"], key=lambda each: (not each["required"], rank.get(each["outcome"], 3)))
    table = _table(
        "Objectives",
        "scope | metric | figure# | interval# | bound# | samples# | required | outcome | source",
        [
            (
                scope_text(each["scope"]),
                metric_text(each["metric"]),
                beyond_text(each) or figure_text(each["metric"], each["figure"]),
                _interval(each),
                figure_text(each["metric"], each["bound"]),
                f"{each['samples']:,}",
                "yes" if each["required"] else "advisory",
                _objective_outcome(each),
                each["source"],
            )
            for each in ordered
        ],
    )
    return replace(table, css="sourced")


def _interval(objective: Mapping[str, Any]) -> str:
    """The figure's interval; where a count stands for the figure, that of the share of samples over the bound."""
    if beyond_text(objective) and "above_share_interval" in objective:
        return f"{range_text(*map(share_text, objective['above_share_interval']))} over"
    return interval_text(objective["metric"], objective["interval"])


def _objective_outcome(objective: Mapping[str, Any]) -> Cell:
    cell = _outcome(objective["outcome"])
    return replace(cell, text="fail, by the generator") if objective.get("explained_by_generator") else cell


def validity_table(verdict: Mapping[str, Any]) -> Table:
    """Every check, those that failed first; those that had nothing to compare last."""
    ordered = sorted(verdict["validity"], key=lambda check: check["outcome"] != "fail")
    required = sum(each["required"] for each in verdict["objectives"])
    rows: list[tuple[str | Cell, ...]] = [
        (
            check["check"],
            _outcome(check["outcome"]),
            check_figure_text(check, required),
            check_bound_text(check),
            check["detail"],
        )
        for check in ordered
    ]
    rows.extend(
        (check["check"], Cell("not checked", "advisory"), MISSING, MISSING, check["detail"])
        for check in verdict.get("validity_skipped", ())
    )
    return _table("Validity", "check | outcome | figure# | bound# | what it says", rows)


def _outcome(outcome: str) -> Cell:
    return Cell(OUTCOME_WORDS.get(outcome, outcome), outcome if outcome in OUTCOME_WORDS else "advisory")


def _table(label: str, heads: str, rows: Sequence[Sequence[str | Cell]]) -> Table:
    """`heads` are parted by ` | `; one that ends in # is a number, set to the right."""
    return Table(
        label,
        tuple(Head(head.rstrip("#"), head.endswith("#")) for head in heads.split(" | ")),
        tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows),
    )
