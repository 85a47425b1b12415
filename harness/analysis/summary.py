"""From a run's folder to every figure of its report: `summary.json`, the curves over time, and what the verdict is
judged from."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.arrivals import arrival_rows, expected_by_persona, last_of_workers, processes_from
from harness.analysis.between_sites import between_sites
from harness.analysis.closed_loop import ClosedLoop, measure_closed_loop
from harness.analysis.concurrency import concurrency_figures, saturation_figures
from harness.analysis.faults import own_faults
from harness.analysis.groups import Row, empty_row, group_rows, outcome_counts, pair_frame
from harness.analysis.incidents import Incidents, find_incidents
from harness.analysis.instrument import Instrument, measure_instrument, slot_spans
from harness.analysis.intervals import LEVEL
from harness.analysis.lapse import lapse_figures
from harness.analysis.latencies import Latencies
from harness.analysis.measures import Measure, measure_objectives
from harness.analysis.requests import Requests, read_requests
from harness.analysis.saturation import Saturation
from harness.analysis.steady import load_changes, steady_figures
from harness.analysis.steal import steal_figures
from harness.analysis.tables import columns_of, open_tables
from harness.analysis.timeline import bin_edges, concurrency_frame, timeline_frame
from harness.analysis.workflows import workflow_rows
from harness.errors import JudgeError
from harness.plan import ArrivalProcess, timeline_of
from harness.rundir import RunDir
from harness.scenario.model import RunSpec

__all__ = ["Analysis", "analyse"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """One run, measured."""

    summary: dict[str, Any]
    """What summary.json holds."""
    timeline: pd.DataFrame
    """time_s site ("" = network) on_duty_planned on_duty visitors requests_per_s p50_ms p95_ms p99_ms errors in_flight;
    NaN where too few."""
    site_workflow: pd.DataFrame
    """site workflow requests errors p50_ms p95_ms."""
    site_lane: pd.DataFrame
    """site lane requests errors p50_ms p95_ms."""
    concurrency: pd.DataFrame
    """time_s on_duty in_flight requests_per_s p95_ms, of the network."""
    measures: tuple[Measure, ...]
    instrument: Instrument
    incidents: Incidents
    load_changes: str
    """Why the plan does not ask for the same load throughout; "" where it does."""
    closed_loop: ClosedLoop | None
    """Little's law around the loop of those on duty; None where the load changes, or nobody asked often enough."""
    saturation: Saturation
    links: Mapping[str, str]
    """Site → the name of its link, of those that have one."""

    @property
    def figures(self) -> dict[str, Any]:
        """Everything measured about the generator and the plan's fulfilment, as plain values."""
        return asdict(self.instrument)


def analyse(run_dir: RunDir, spec: RunSpec) -> Analysis:
    """Measure a run from its Parquet files, arrivals.json, expected.json and manifest. Reads only; writes nothing.

    Raises JudgeError where a file is missing or cannot be read.
    """
    expected = _read_expected(run_dir)
    manifest = run_dir.read_manifest()
    arrivals = _read_arrivals(run_dir)
    with open_tables(run_dir, spec.sites) as tables:
        requests = read_requests(tables, run_dir.samples)
        faults = own_faults(run_dir.failures)
        return _measured(tables, requests, spec, expected, manifest, arrivals, faults)


def _measured(
    tables: duckdb.DuckDBPyConnection,
    requests: Requests,
    spec: RunSpec,
    expected: Mapping[str, Any],
    manifest: Mapping[str, Any],
    arrivals: tuple[Sequence[ArrivalProcess], Mapping[int, float]],
    faults: Mapping[str, str],
) -> Analysis:
    planned_arrivals, arrivals_until_s = arrivals
    load_s = _load_s(tables, float(expected["length_s"]), finished=manifest.get("state") == "finished")
    latencies, waits = Latencies.of_requests(requests), Latencies.of_workflows(tables)
    rows = group_rows(tables, latencies, requests.server_ms, load_s)
    _add_silent(rows, spec, planned_arrivals, load_s)
    unsupported = _unsupported(manifest, spec)
    instrument = measure_instrument(tables, requests.start_lag_p99_ms, expected, unsupported, arrivals_until_s)
    spans, visits = slot_spans(tables), _visit_spans(tables)
    edges_s = bin_edges(load_s, rows[()][()]["requests"])
    timeline = timeline_frame(requests, edges_s, spans, visits)
    changes = load_changes(spans, planned_arrivals, spec, load_s)
    closed_loop = None if changes else measure_closed_loop(tables, load_s)
    saturation = saturation_figures(requests, edges_s, timeline, expected["objectives"], spec)
    by_site = {names[0]: row for names, row in rows[("site",)].items()}
    own_bounds = {site.name: site.bounds for site in spec.sites if site.bounds}
    expected_of = expected_by_persona(planned_arrivals, load_s)
    summary = {
        "load_s": load_s,
        "planned_s": expected["length_s"],
        "interval_level": LEVEL,
        "overall": {**rows[()][()], "outcomes": outcome_counts(tables)},
        **{
            f"by_{name}": {names[0]: row for names, row in sorted(rows[(name,)].items())}
            for name in ("site", "time_zone", "template", "workflow", "operation", "lane", "persona", "phase")
        },
        "between_sites": between_sites(by_site, expected),
        "open": arrival_rows(tables, Latencies.of_arrivals(requests), expected_of),
        "workflows": workflow_rows(tables, waits),
        "concurrency": concurrency_figures((requests.start_s, np.sort(requests.done_s)), spans, visits, spec, load_s),
        "closed_loop": closed_loop and closed_loop.to_json(),
        "saturation": saturation.to_json(),
        "steady": steady_figures(latencies, changes),
        "time_lapse": lapse_figures(tables, timeline_of(spec).time_lapse, spec.scenario.personas),
        "generator": {**_generator(instrument), **steal_figures(tables, load_s)},
    }
    return Analysis(
        summary=summary,
        timeline=timeline,
        site_workflow=pair_frame(rows[("site", "workflow")], ("site", "workflow")),
        site_lane=pair_frame(rows[("site", "lane")], ("site", "lane")),
        concurrency=concurrency_frame(timeline),
        measures=tuple(
            measure_objectives(tables, latencies, waits, spec.scenario.objectives, _scopes(expected), own_bounds)
        ),
        instrument=instrument,
        incidents=find_incidents(tables, requests, faults),
        load_changes=changes,
        closed_loop=closed_loop,
        saturation=saturation,
        links={site.name: site.link for site in spec.sites if site.link is not None},
    )


def _add_silent(
    rows: dict[tuple[str, ...], dict[tuple[str, ...], Row]],
    spec: RunSpec,
    planned_arrivals: Sequence[ArrivalProcess],
    load_s: float,
) -> None:
    """A row of nothing for each site, zone, kind of site and persona of the run that never asked: silence is told."""
    personas = {persona for site in spec.sites for persona, heads in site.heads.items() if heads}
    for dimension, names in (
        ("site", {site.name for site in spec.sites}),
        ("time_zone", {site.time_zone for site in spec.sites}),
        ("template", {site.template for site in spec.sites}),
        ("persona", personas | {process.persona for process in planned_arrivals}),
    ):
        for name in names:
            rows[(dimension,)].setdefault((name,), empty_row(load_s))


def _read_expected(run_dir: RunDir) -> dict[str, Any]:
    hint = "the plan writes it before the load; without it nobody can say what was required"
    try:
        expected: dict[str, Any] = json.loads(run_dir.expected.read_bytes())
    except (OSError, ValueError) as error:
        raise JudgeError(f"{run_dir.expected.name}: missing or unreadable ({type(error).__name__})", hint) from error
    lacking = [key for key in ("length_s", "requests", "by_workflow", "objectives") if key not in expected]
    if lacking:
        raise JudgeError(f"{run_dir.expected.name}: {', '.join(lacking)} is missing", hint)
    return expected


def _scopes(expected: Mapping[str, Any]) -> dict[str, list[Mapping[str, str]]]:
    """Objective → the scopes that the plan has it for."""
    planned: dict[str, list[Mapping[str, str]]] = {}
    for objective in expected["objectives"]:
        planned.setdefault(objective["id"], []).append(objective["scope"])
    return planned


def _read_arrivals(run_dir: RunDir) -> tuple[tuple[ArrivalProcess, ...], dict[int, float]]:
    """The processes, and worker → run second up to which somebody may come to it."""
    try:
        told = json.loads(run_dir.arrivals.read_bytes())
        return processes_from(told), last_of_workers(told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "the plan writes it before the load; without it nobody can say who was to come by himself"
        raise JudgeError(f"{run_dir.arrivals.name}: missing or unreadable ({type(error).__name__})", hint) from error


def _visit_spans(tables: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
    """Columns site, start_s, end_s of every run that came by itself."""
    return columns_of(
        tables,
        """SELECT site::VARCHAR AS site, start_s, start_s + duration_ms / 1000 AS end_s FROM workflows
           WHERE open AND outcome <> 'skipped'""",
    )


def _unsupported(manifest: Mapping[str, Any], spec: RunSpec) -> dict[str, Collection[str]]:
    """Site → workflows that its endpoint cannot serve; where all are alike, the manifest says it once."""
    anywhere = manifest.get("unsupported") or {}
    by_site = manifest.get("unsupported_by_site") or {}
    return {site.name: by_site.get(site.name, anywhere) for site in spec.sites}


def _load_s(tables: duckdb.DuckDBPyConnection, planned_s: float, *, finished: bool) -> float:
    """How long the load lasted: as planned where the run came to its end, else up to the last sign of life."""
    if finished:
        return planned_s
    query = "SELECT greatest((SELECT max(done_s) FROM requests), (SELECT max(time_s) FROM health))"
    last_s: float | None = tables.execute(query).fetchall()[0][0]
    return min(planned_s, max(last_s or 0.0, 0.0))


def _generator(instrument: Instrument) -> dict[str, float | None]:
    return {
        "start_lag_p99_ms": instrument.start_lag_p99_ms,
        "arrival_lag_p99_ms": instrument.arrival_lag_p99_ms,
        "loop_lag_p99_ms": instrument.loop_lag_p99_ms,
        "loop_lag_max_ms": instrument.loop_lag_max_ms,
        "cpu_max": instrument.cpu_max,
        "cpu_mean_10s_max": instrument.cpu_mean_max,
        "steal_max": instrument.steal_max,
        "steal_mean_10s_max": instrument.steal_mean_max,
    }
