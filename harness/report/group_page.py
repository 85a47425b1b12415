"""The page of several runs: what they say together, how sure that is, and whether more are needed.

Nothing is judged here: each run has a verdict of its own, in its own folder, which is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.analysis.replications import FEWEST_RUNS, MOST_RUNS, NARROW_ENOUGH, Replications
from harness.report.cells import Cell, Table, make_table, outcome_cell, split
from harness.report.charts import Chart, draw_site_times
from harness.report.facts import rehearsal_sentence
from harness.report.group import Group, enough_text, group_headline, half_width_text
from harness.report.page import FOLDED_FROM, SHOWN_WHEN_FOLDED
from harness.report.site_times import SiteTime
from harness.report.templating import chart_markup, pieces, template
from harness.report.wording import MISSING, latency_text, share_text, span_text
from harness.units import count_text

if TYPE_CHECKING:
    from harness.scenario.model import RunSpec

__all__ = ["group_notes", "group_page_of"]

Row = Mapping[str, Replications]


def group_page_of(group: Group, spec: RunSpec, next_steps: Sequence[str]) -> str:
    """The page. `spec` is that of any of the runs, which differ by their seed only."""
    rows = group.rows()
    network = rows["overall"][""]
    rehearsals = [run for run in group.runs if run.verdict.get("rehearsal")]
    context = {
        "headline": group_headline(network["p95_ms"], len(group.counted)),
        "scenario": spec.scenario.title,
        "subline": _subline(group, spec),
        "rehearsal": rehearsal_sentence(rehearsals[0].manifest) if rehearsals else "",
        "notes": group_notes(group),
        "next_steps": [pieces(step) for step in next_steps],
        "runs": _runs_table(group),
        "network": _network_table(group, network),
        **_folding("sites", _scopes_table(group, "site", rows["by_site"])),
        "by_site": chart_markup(_picture(rows["by_site"])),
        **_folding("workflows", _scopes_table(group, "workflow", rows["by_workflow"])),
        "fewest_runs": FEWEST_RUNS,
        "most_runs": MOST_RUNS,
        "narrow_enough": f"{NARROW_ENOUGH:.0%}",
    }
    text: str = template("group.html.j2").render(context)
    return text


def group_notes(group: Group) -> list[str]:
    """What a reader must know before the figures: who was left out, what was played twice, too few runs."""
    notes = []
    if group.left_out:
        names = ", ".join(f"run {run.number} ({run.path.name})" for run in group.left_out)
        them = "It is" if len(group.left_out) == 1 else "They are"
        notes.append(f"Invalid: {names}. {them} shown below and left out of every mean and interval.")
    again = group.seeds_played_again()
    if again:
        seeds = ", ".join(map(str, again))
        notes.append(
            f"Played more than once with seed {seeds}: the same people at the same times. What differs between such "
            "runs is the server's chance only, and the intervals are too narrow for people who come by chance."
        )
    counted = len(group.counted)
    if counted < FEWEST_RUNS:
        notes.append(
            f"{count_text(counted, 'run')} of at least {FEWEST_RUNS}: so few can lie close together by chance, and "
            "their interval is wide."
        )
    return notes


def _subline(group: Group, spec: RunSpec) -> list[str]:
    requests = sum(int(run.summary["overall"]["requests"]) for run in group.counted)
    software = (group.runs[0].manifest.get("target") or {}).get("software")
    parts = [
        spec.scenario.title,
        count_text(len(spec.sites), "site"),
        f"{count_text(len(group.runs), 'run')}, {len(group.counted)} of them valid",
        count_text(requests, "request"),
        f"against {software}" if software else "",
    ]
    return [part for part in parts if part]


def _runs_table(group: Group) -> Table:
    """One row a run, in the order given, with the verdict of its own."""
    return make_table(
        "The runs",
        "run | verdict | seed# | started (UTC) | requests# | errors# | p50# | p95# | p99# | folder",
        [
            (
                f"run {run.number}",
                outcome_cell(str(run.verdict["verdict"])),
                str(run.manifest.get("seed", MISSING)),
                str(run.manifest.get("started_at") or MISSING)[:16].replace("T", " "),
                f"{run.summary['overall']['requests']:,}",
                share_text(run.summary["overall"]["error_rate"]),
                *(latency_text(run.summary["overall"][name]) for name in ("p50_ms", "p95_ms", "p99_ms")),
                run.path.name,
            )
            for run in group.runs
        ],
    )


def _network_table(group: Group, network: Row) -> Table:
    """A row a percentile of all sites together."""
    return make_table(
        "All sites together",
        f"all sites | mean# | half-width# | narrow enough | {_run_heads(group)}",
        [(name.removesuffix("_ms"), *_together(over), *_by_run(over)) for name, over in network.items()],
    )


def _scopes_table(group: Group, kind: str, rows: Mapping[str, Row]) -> Table:
    """A row a site or workflow, the slowest p95 first: it over runs, the means of p50 and p99, then it run by run."""

    def slowness(item: tuple[str, Row]) -> float:
        return -(item[1]["p95_ms"].mean_ms or 0.0)

    return make_table(
        f"p95 by {kind}",
        f"{kind} | mean p95# | half-width# | narrow enough | mean p50# | mean p99# | {_run_heads(group, 'p95 of ')}",
        [
            (
                name,
                *_together(row["p95_ms"]),
                _mean_cell(row["p50_ms"]),
                _mean_cell(row["p99_ms"]),
                *_by_run(row["p95_ms"]),
            )
            for name, row in sorted(rows.items(), key=slowness)
        ],
    )


def _run_heads(group: Group, of: str = "") -> str:
    """The first column says what the figures are, the others only whose."""
    return " | ".join(f"{of if not at else ''}run {run.number}#" for at, run in enumerate(group.counted))


def _together(over: Replications) -> tuple[str | Cell, ...]:
    return _mean_cell(over), half_width_text(over), enough_text(over)


def _by_run(over: Replications) -> tuple[str, ...]:
    return tuple(latency_text(figure) for figure in over.figures_ms)


def _mean_cell(over: Replications) -> Cell:
    """The mean, its interval beneath; a dash where not every run has a figure, since a mean of some says too little."""
    return Cell(latency_text(over.mean_ms) if over.interval_ms else MISSING, below=span_text(over.interval_ms))


def _folding(name: str, table: Table) -> dict[str, Table | None]:
    shown, rest = split(table, FOLDED_FROM, SHOWN_WHEN_FOLDED, f"more {name}")
    return {name: shown, f"{name}_rest": rest}


def _picture(sites: Mapping[str, Row]) -> Chart:
    """p95 of each site over runs, the slowest first; none where fewer than two sites have one."""
    times = [
        SiteTime(name, over.mean_ms, over.interval_ms, runs_ms=tuple(ms for ms in over.figures_ms if ms is not None))
        for name, row in sites.items()
        for over in [row["p95_ms"]]
        if over.mean_ms is not None and over.interval_ms is not None
    ]
    if len(times) < 2:
        return Chart("", "", "", "")
    times.sort(key=lambda row: -row.p95_ms)
    reading = "A dot is the mean over runs, a bar its 95% interval, a ring the p95 of one run."
    return draw_site_times(times, "p95 by site over runs", reading)
