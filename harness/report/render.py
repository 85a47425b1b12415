"""A finished analysis and verdict become report.html, latency.csv, concurrency.csv and figures/*.png."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.report.charts import draw_concurrency, draw_heat_map, draw_sites, draw_timeline
from harness.report.marks import marks_of
from harness.report.page import page_of
from harness.report.sites import site_rows, slowest_failing_site
from harness.report.tables import write_concurrency_csv, write_latency_csv
from harness.report.timescale import time_scale
from harness.rundir import RunDir
from harness.scenario import read_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.analysis import Analysis
    from harness.scenario.model import RunSpec

__all__ = ["render"]


def render(run_dir: RunDir, analysis: Analysis, verdict: Mapping[str, Any], spec: RunSpec | None = None) -> None:
    """Write all rendered files of `run_dir`, over older ones. `spec` defaults to the run's own scenario.yaml.

    Raises InputError where the manifest or the scenario cannot be read, OSError where the folder cannot be written.
    """
    spec = spec or read_spec(run_dir.scenario)
    scale = time_scale(spec)
    network = analysis.timeline[analysis.timeline["site"] == ""]
    run_dir.figures.mkdir(exist_ok=True)
    rows = site_rows(analysis.summary, verdict)
    slow = slowest_failing_site(rows)
    own = analysis.timeline[analysis.timeline["site"] == slow]
    linked = analysis.summary["overall"]["link_share"] is not None
    by_site = draw_sites(rows, run_dir.figures)
    timeline = draw_timeline(network, scale, run_dir.figures, own, marks_of(analysis.summary))
    concurrency = draw_concurrency(analysis.concurrency, run_dir.figures, linked=linked)
    manifest = run_dir.read_manifest()
    page, heat = page_of(manifest, analysis, verdict, rows, spec, scale, by_site, timeline, concurrency)
    if heat.columns:
        crossed = analysis.site_lane if heat.by == "lane" else analysis.site_workflow
        draw_heat_map(crossed, heat.sites, heat.columns, heat.by, run_dir.figures)
    write_latency_csv(analysis.summary, run_dir.latency_csv)
    write_concurrency_csv(analysis.timeline, run_dir.concurrency_csv)
    draft = run_dir.report.with_name(run_dir.report.name + ".part")
    draft.write_text(page, encoding="utf-8")
    draft.replace(run_dir.report)
