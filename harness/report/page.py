"""report.html: the finished figures put into words and rows for the template, in the order in which a reader asks.

Nothing is judged and no figure is made here; what a reader needs to know to trust them stands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.report.cells import split
from harness.report.charts import Chart
from harness.report.facts import lapse_sentences, manifest_facts, network_sentence, rehearsal_sentence
from harness.report.fairness import fairness_sentence
from harness.report.filling import closed_loop_sentence, saturation_sentences, steady_sentence
from harness.report.generator import generator_sentences
from harness.report.grouped import arrivals_table, kinds_table, personas_table, phases_table, zones_table
from harness.report.heat import BY_WORDS, REQUESTS_FOR_A_CELL, HeatMap, heat_map, requests_lacking
from harness.report.rows import (
    objectives_table,
    operations_table,
    sites_table,
    timeline_table,
    validity_table,
    workflows_table,
)
from harness.report.sites import SiteRow
from harness.report.templating import chart_markup, pieces, template
from harness.report.timescale import TimeScale
from harness.report.wording import number_text, sentence
from harness.units import count_text, duration_text
from harness.verdict.guidance import next_steps
from harness.verdict.headline import headline

if TYPE_CHECKING:
    from harness.analysis import Analysis
    from harness.scenario.model import RunSpec

__all__ = ["page_of"]

FOLDED_FROM = 15
"""A table longer than this shows its first ten rows; the rest is folded (and open in print)."""
SHOWN_WHEN_FOLDED = 10


def page_of(
    manifest: Mapping[str, Any],
    analysis: Analysis,
    verdict: Mapping[str, Any],
    rows: Sequence[SiteRow],
    spec: RunSpec,
    scale: TimeScale,
    by_site: Chart,
    timeline: Chart,
    concurrency: Chart,
) -> tuple[str, HeatMap]:
    """The page, and its heat map (for the picture of it)."""
    summary = analysis.summary
    sites = [row.site for row in rows]
    heat = heat_map(analysis, spec, sites, FOLDED_FROM, SHOWN_WHEN_FOLDED)
    sites_file = (manifest.get("asked") or {}).get("sites_file", "")
    outcome = str(verdict["verdict"])
    context = {
        "outcome": outcome,
        "word": outcome.upper(),
        "headline": sentence(headline(verdict, summary), sites),
        "scenario": spec.scenario.title,
        "subline": _subline(spec, summary, manifest),
        "rehearsal": rehearsal_sentence(manifest) if verdict.get("rehearsal") else "",
        "lapse": lapse_sentences(summary),
        "aborted": _aborted(manifest),
        "next_steps": [pieces(text) for text in next_steps(verdict, summary, manifest)],
        "network": network_sentence(summary),
        "fairness": fairness_sentence(summary),
        "intervals": "intervals" in summary["overall"],
        **_folding("sites", sites_table(rows), "other sites"),
        "by_site": chart_markup(by_site),
        **_over_time(analysis, scale, timeline),
        **_by_group(summary, spec, scale),
        "linked": summary["overall"]["link_share"] is not None,
        "heat": heat,
        "heat_by": BY_WORDS[heat.by],
        "heat_left_out": count_text(len(sites) - len(heat.sites), "site") if len(sites) > len(heat.sites) else "",
        "heat_takes": REQUESTS_FOR_A_CELL,
        "heat_lacks": "" if heat.columns else requests_lacking(analysis.site_workflow, float(summary["load_s"])),
        "concurrency": chart_markup(concurrency),
        **_folding("operations", operations_table(summary), "faster operations"),
        **_folding("workflows", workflows_table(summary, spec), "more workflows"),
        **_folding("objectives", objectives_table(verdict, sites_file), "more objectives"),
        "unsupported": _unsupported(manifest),
        "findings": verdict["findings"][:FOLDED_FROM],
        "findings_rest": verdict["findings"][FOLDED_FROM:],
        "generator": generator_sentences(summary, manifest),
        "validity": validity_table(verdict),
        "time_lapse": scale.time_lapse,
        "speed": number_text(round(scale.time_lapse, 2)),
        "facts": manifest_facts(manifest, spec, scale),
    }
    return template("report.html.j2").render(context), heat


def _over_time(analysis: Analysis, scale: TimeScale, timeline: Chart) -> dict[str, Any]:
    """The picture over time, what it comes to, and the same in tables."""
    summary = analysis.summary
    table, note = timeline_table(analysis.timeline[analysis.timeline["site"] == ""], scale)
    return {
        "timeline": chart_markup(timeline),
        "timeline_table": table,
        "timeline_table_note": note,
        "phases": phases_table(summary, scale),
        "steady": steady_sentence(summary),
        "filling": saturation_sentences(summary),
        "closed_loop": closed_loop_sentence(summary),
    }


def _by_group(summary: Mapping[str, Any], spec: RunSpec, scale: TimeScale) -> dict[str, Any]:
    """The run by time zone, kind of site and persona, and what came by itself."""
    return {
        "zones": zones_table(summary, scale),
        "kinds": kinds_table(summary, spec),
        "personas": personas_table(summary, spec),
        "arrivals": arrivals_table(summary) if summary["open"]["by_persona"] else None,
    }


def _folding(name: str, table: Any, rest_words: str) -> dict[str, Any]:
    shown, rest = split(table, FOLDED_FROM, SHOWN_WHEN_FOLDED, rest_words)
    return {name: shown, f"{name}_rest": rest}


def _subline(spec: RunSpec, summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What the run was, in a few words each; a line breaks between them rather than within."""
    target = manifest.get("target") or {}
    own = target.get("endpoints") or ()
    parts = [
        spec.scenario.title,
        count_text(len(spec.sites), "site"),
        f"{count_text(round(summary['concurrency']['peak_clinicians']), 'clinician')} on duty at the peak",
        count_text(int(summary["overall"]["requests"]), "request"),
        duration_text(float(manifest["duration_s"])) if manifest.get("duration_s") else "",
        _minute(manifest.get("started_at")),
        f"against {target['software']}" if target.get("software") else "",
        f"and {count_text(len(own), 'endpoint')} of sites’ own" if own else "",
    ]
    return [part for part in parts if part]


def _minute(moment: object) -> str:
    """`2026-11-22 09:15 UTC` of an RFC 3339 time; nothing where there is none."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(moment, str) else ""


def _aborted(manifest: Mapping[str, Any]) -> str:
    state = manifest.get("state")
    if state == "aborted":
        return "The run was stopped before its end; every sample taken until then is in it."
    if state == "running":
        return "The run did not finish by itself; this is what it left."
    return ""


def _unsupported(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each workflow that was not played, with what it lacks, and where if not everywhere."""
    by_site: Mapping[str, Mapping[str, Any]] = manifest.get("unsupported_by_site") or {}
    told = []
    for name, missing in sorted(manifest.get("unsupported", {}).items()):
        sites = [site for site, lacking in by_site.items() if name in lacking]
        where = f"; at {', '.join(sites[:3])}{f' and {len(sites) - 3} more' if len(sites) > 3 else ''}" if sites else ""
        told.append((name, f"{', '.join(missing)}{where}"))
    return told
