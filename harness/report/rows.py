"""The report's tables as values: a heading with its alignment, rows of cells, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.report.cells import Cell, Table, bar_cell, make_table, outcome_cell, percentile_cell
from harness.report.checks import check_bound_text, check_figure_text
from harness.report.sites import SiteRow
from harness.report.timescale import TimeScale
from harness.report.wording import (
    MISSING,
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
    span_text,
    waited_text,
)

if TYPE_CHECKING:
    import pandas as pd

    from harness.scenario.model import RunSpec

__all__ = [
    "objectives_table",
    "operations_table",
    "sites_table",
    "timeline_table",
    "validity_table",
    "workflows_table",
]

TIMELINE_ROWS = 24


def sites_table(rows: Sequence[SiteRow]) -> Table:
    """One row a site, the worst first; how much of the time its link took, where any site has one."""
    linked = any(row.link_share is not None for row in rows)
    heads = "site | outcome | p95# | objective | errors# | requests# | on duty at peak# | "
    return make_table(
        "Sites",
        heads + ("link’s share | why" if linked else "why"),
        [
            (
                row.site,
                Cell("nobody there", "advisory") if row.silent else outcome_cell(row.outcome),
                Cell(row.beyond or latency_text(row.p95_ms), below=span_text(row.p95_interval_ms)),
                row.objective,
                share_text(row.error_rate),
                f"{row.requests:,}",
                number_text(row.on_duty),
                *((bar_cell(row.link_share),) if linked else ()),
                row.why,
            )
            for row in rows
        ],
        css="sites",
    )


def timeline_table(network: pd.DataFrame, scale: TimeScale) -> tuple[Table, str]:
    """At most 24 rows of the network's timeline, and how many were left out."""
    every = -(-len(network) // TIMELINE_ROWS) or 1
    rows = network.iloc[::every]
    note = "" if every == 1 else f" (one window in {every}; all are in concurrency.csv)"
    came = bool(network["visitors"].any())
    heads = f"time of the run | local time | on duty# | planned# | {'by themselves# | ' if came else ''}requests/s# | "
    heads += "p50# | p95# | p99# | errors#"
    return (
        make_table(
            "The run over time",
            heads,
            [
                (
                    run_time_text(row["time_s"]),
                    scale.text(row["time_s"]),
                    number_text(round(row["on_duty"])),
                    number_text(round(row["on_duty_planned"])),
                    *((number_text(round(row["visitors"], 1)),) if came else ()),
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

    return make_table(
        "Operations",
        "operation | requests# | errors# | p50# | p95# | p99# | slowest#",
        [(name, *_latencies(figures)) for name, figures in sorted(summary["by_operation"].items(), key=slowness)],
    )


def _latencies(figures: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    return (
        f"{figures['requests']:,}",
        share_text(figures["error_rate"]),
        latency_text(figures["p50_ms"]),
        percentile_cell(figures, "p95_ms"),
        latency_text(figures["p99_ms"]),
        latency_text(figures["max_ms"]),
    )


def workflows_table(summary: Mapping[str, Any], spec: RunSpec) -> Table:
    """Runs of each workflow by outcome: those of which most were lost first, else in the order of the personas."""
    found: Mapping[str, Mapping[str, Any]] = summary.get("workflows", {}).get("by_workflow", {})
    owners: dict[str, list[str]] = {}
    for persona in spec.scenario.personas.values():
        for workflow in persona.workflows:
            owners.setdefault(workflow, []).append(persona.name)
    order = [name for name in owners if name in found] + sorted(set(found) - set(owners))
    order.sort(key=lambda name: -found[name]["lost"])
    outcomes = ("ok", "failed", "abandoned", "cut", "skipped", "back_entries")
    return make_table(
        "Workflows",
        "workflow | persona | ok# | failed# | abandoned# | cut# | skipped# | done again# | waited p50# | waited p95#",
        [
            (
                name,
                ", ".join(owners.get(name, [MISSING])),
                *(f"{found[name].get(outcome, 0):,}" for outcome in outcomes),
                waited_text(found[name], 0.50),
                percentile_cell(found[name], "waited_p95_ms", waited_text(found[name], 0.95)),
            )
            for name in order
        ],
        css="workflows",
    )


def objectives_table(verdict: Mapping[str, Any], sites_file: str = "") -> Table:
    """Required ones first, and in each half what failed, what could not be judged, what passed.

    `sites_file` is where sites came from with bounds of their own; else these stand in the scenario.
    """
    own_source = f"the site’s own, in {sites_file or 'its entry in the scenario'}"
    rank = {"fail": 0, "insufficient": 1, "pass": 2}
    ordered = sorted(verdict["objectives"], key=lambda each: (not each["required"], rank.get(each["outcome"], 3)))
    table = make_table(
        "Objectives",
        "scope | metric | figure# | interval# | bound# | samples# | required | outcome | source",
        [
            (
                scope_text(each["scope"]),
                metric_text(each["metric"]),
                _figure(each),
                _interval(each),
                figure_text(each["metric"], each["bound"]) + (" (its own)" if each.get("own_bound") else ""),
                f"{each['samples']:,}",
                "yes" if each["required"] else "advisory",
                _objective_outcome(each),
                own_source if each.get("own_bound") else each["source"],
            )
            for each in ordered
        ],
    )
    return replace(table, css="sourced")


def _figure(objective: Mapping[str, Any]) -> str:
    """The figure, or the count that stands for it; and how many runs count as longer than any, since they were lost."""
    lost = objective.get("lost", 0)
    shown = beyond_text(objective) or figure_text(objective["metric"], objective["figure"])
    return f"{shown} ({lost:,} lost)" if lost else shown


def _interval(objective: Mapping[str, Any]) -> str:
    """The figure's interval; where a count stands for the figure, that of the share of samples over the bound."""
    if beyond_text(objective) and "above_share_interval" in objective:
        return f"{range_text(*map(share_text, objective['above_share_interval']))} over"
    return interval_text(objective["metric"], objective["interval"])


def _objective_outcome(objective: Mapping[str, Any]) -> Cell:
    cell = outcome_cell(objective["outcome"])
    return replace(cell, text="fail, by the generator") if objective.get("explained_by_generator") else cell


def validity_table(verdict: Mapping[str, Any]) -> Table:
    """Every check, those that failed first; those that had nothing to compare last."""
    ordered = sorted(verdict["validity"], key=lambda check: check["outcome"] != "fail")
    required = sum(each["required"] for each in verdict["objectives"])
    rows: list[tuple[str | Cell, ...]] = [
        (
            check["check"],
            outcome_cell(check["outcome"]),
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
    return make_table("Validity", "check | outcome | figure# | bound# | what it says", rows)
