"""From a run's folder to every figure of its report: `summary.json`, the curves over time, and what the verdict is
judged from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.groups import group_rows, outcome_counts, site_workflow_frame
from harness.analysis.incidents import Incidents, find_incidents
from harness.analysis.instrument import Instrument, measure_instrument, slot_spans
from harness.analysis.latencies import Latencies
from harness.analysis.measures import Measure, measure_objectives
from harness.analysis.occupancy import peak_open
from harness.analysis.tables import open_tables
from harness.analysis.timeline import bin_edges, concurrency_frame, moments_by_site, timeline_frame
from harness.analysis.workflows import workflow_rows
from harness.errors import JudgeError
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
    """time_s site ("" = network) on_duty_planned on_duty requests_per_s p50_ms p95_ms p99_ms errors in_flight; NaN
    where too few."""
    site_workflow: pd.DataFrame
    """site workflow requests errors p50_ms p95_ms."""
    concurrency: pd.DataFrame
    """time_s on_duty in_flight requests_per_s p95_ms, of the network."""
    measures: tuple[Measure, ...]
    instrument: Instrument
    incidents: Incidents

    @property
    def figures(self) -> dict[str, Any]:
        """Everything measured about the generator and the plan's fulfilment, as plain values."""
        return asdict(self.instrument)


def analyse(run_dir: RunDir, spec: RunSpec) -> Analysis:
    """Measure a run from its Parquet files, expected.json and manifest. Reads only; writes nothing.

    Raises JudgeError where a file is missing or cannot be read.
    """
    expected = _read_expected(run_dir)
    manifest = run_dir.read_manifest()
    try:
        with open_tables(run_dir) as tables:
            return _measured(tables, spec, expected, manifest)
    except duckdb.Error as error:
        hint = "the run's folder is damaged, or this is a defect of the harness; the samples themselves are kept"
        raise JudgeError(f"the run could not be analysed: {error}", hint) from error


def _measured(
    tables: duckdb.DuckDBPyConnection, spec: RunSpec, expected: Mapping[str, Any], manifest: Mapping[str, Any]
) -> Analysis:
    load_s = _load_s(tables, float(expected["length_s"]), finished=manifest.get("state") == "finished")
    latencies, waits = Latencies.of_requests(tables), Latencies.of_workflows(tables)
    rows = group_rows(tables, latencies, load_s)
    instrument = measure_instrument(tables, expected, manifest.get("unsupported") or {})
    spans = slot_spans(tables)
    moments = moments_by_site(tables)
    timeline = timeline_frame(tables, bin_edges(load_s, rows[()][()]["requests"]), spans, moments)
    planned: dict[str, list[Mapping[str, str]]] = {}
    for objective in expected["objectives"]:
        planned.setdefault(objective["id"], []).append(objective["scope"])
    summary = {
        "load_s": load_s,
        "planned_s": expected["length_s"],
        "overall": {**rows[()][()], "outcomes": outcome_counts(tables)},
        **{
            f"by_{name}": {names[0]: row for names, row in sorted(rows[(name,)].items())}
            for name in ("site", "workflow", "operation", "lane", "persona", "phase")
        },
        "workflows": workflow_rows(tables, waits),
        "concurrency": _concurrency(moments[""], spans, load_s),
        "generator": _generator(instrument),
    }
    return Analysis(
        summary=summary,
        timeline=timeline,
        site_workflow=site_workflow_frame(rows[("site", "workflow")]),
        concurrency=concurrency_frame(timeline),
        measures=tuple(measure_objectives(tables, latencies, waits, spec.scenario.objectives, planned)),
        instrument=instrument,
        incidents=find_incidents(tables),
    )


def _read_expected(run_dir: RunDir) -> dict[str, Any]:
    hint = "the plan writes it before the load; without it nobody can say what was required"
    try:
        expected: dict[str, Any] = json.loads(run_dir.expected.read_bytes())
    except (OSError, ValueError) as error:
        raise JudgeError(f"{run_dir.expected.name}: missing or unreadable ({type(error).__name__})", hint) from error
    lacking = [key for key in ("length_s", "by_workflow", "objectives") if key not in expected]
    if lacking:
        raise JudgeError(f"{run_dir.expected.name}: {', '.join(lacking)} is missing", hint)
    return expected


def _load_s(tables: duckdb.DuckDBPyConnection, planned_s: float, *, finished: bool) -> float:
    """How long the load lasted: as planned where the run came to its end, else up to the last sign of life."""
    if finished:
        return planned_s
    query = "SELECT greatest((SELECT max(done_s) FROM requests), (SELECT max(time_s) FROM health))"
    last_s: float | None = tables.execute(query).fetchall()[0][0]
    return min(planned_s, max(last_s or 0.0, 0.0))


def _concurrency(moments: tuple[Floats, Floats], spans: Mapping[str, Any], load_s: float) -> dict[str, Any]:
    """Heads and requests at once. In flight comes from the samples: the mean by Little's law, Σ latency / time."""
    start_s, done_s = moments
    worked = ~np.isnan(spans["start_s"])
    duty_s = float((spans["end_s"] - spans["start_s"])[worked].sum())
    return {
        "peak_clinicians": peak_open(spans["start_s"][worked], spans["end_s"][worked]),
        "peak_clinicians_by_site": {
            site: peak_open(spans["start_s"][at], spans["end_s"][at])
            for site in sorted(set(spans["site"].tolist()))
            for at in [worked & (spans["site"] == site)]
        },
        "peak_clinicians_planned": peak_open(spans["planned_start_s"], spans["planned_end_s"]),
        "mean_clinicians": duty_s / load_s if load_s else None,
        "mean_in_flight": float((done_s - start_s).sum()) / load_s if load_s else None,
        "peak_in_flight": peak_open(start_s, done_s),
    }


def _generator(instrument: Instrument) -> dict[str, float | None]:
    return {
        "start_lag_p99_ms": instrument.start_lag_p99_ms,
        "loop_lag_p99_ms": instrument.loop_lag_p99_ms,
        "loop_lag_max_ms": instrument.loop_lag_max_ms,
        "cpu_max": instrument.cpu_max,
        "cpu_mean_10s_max": instrument.cpu_mean_max,
        "steal_max": instrument.steal_max,
        "steal_mean_10s_max": instrument.steal_mean_max,
    }
