"""What stands around the figures: what this run was, on what and against what, whether it was a rehearsal, and what
squeezing time did to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.timescale import TimeScale
from harness.report.wording import MISSING, interval_of, latency_text, number_text, share_text, span_text
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.scenario.model import RunSpec

__all__ = ["lapse_sentences", "manifest_facts", "network_sentence", "percentile_words", "rehearsal_sentence"]

_PERCENTILES_TOLD = ("p50", "p95", "p99")

SITES_NAMED = 5
"""Sites of an endpoint that a fact names; the others are counted."""


def rehearsal_sentence(manifest: Mapping[str, Any]) -> str:
    """Why the run is a rehearsal and what that means for its figures."""
    reasons = []
    time_lapse, think_factor = float(manifest.get("time_lapse", 1.0)), float(manifest.get("think_factor", 1.0))
    if time_lapse > 1.0:
        reasons.append(f"Time ran {_times(time_lapse)} faster than in life.")
    if think_factor != 1.0:
        reasons.append(f"Clinicians thought {number_text(think_factor)} times as long as in life.")
    return " ".join([*reasons, "It shows whether the parts work together; it is not a result to sign for."])


def network_sentence(summary: Mapping[str, Any]) -> str:
    """`All sites together: p50 38 ms (37–39 ms), …`; the percentiles that too few requests carry are named last."""
    figures = summary["overall"]
    said = percentile_words(figures)
    lacking = [name for name in _PERCENTILES_TOLD if figures[f"{name}_ms"] is None]
    if lacking:
        said.append(f"too few requests for {' and '.join(lacking)}")
    return f"All sites together: {', '.join(said)}."


def percentile_words(figures: Mapping[str, Any]) -> list[str]:
    """`p50 38 ms (37–39 ms)`, likewise p95 and p99, of a row of figures; those that too few requests carry are left
    out."""
    said = []
    for name in _PERCENTILES_TOLD:
        figure = figures[f"{name}_ms"]
        if figure is not None:
            span = span_text(interval_of(figures, f"{name}_ms"))
            said.append(f"{name} {latency_text(figure)}{f' ({span})' if span else ''}")
    return said


def lapse_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What a time lapse did to this run, in figures; nothing where it was played at true speed, or slower."""
    told = summary["time_lapse"]
    factor = float(told["factor"])
    if factor <= 1.0:
        return []
    times = _times(factor)
    said = [
        "As in life: how many are there, how long they think, what the server takes, requests a second. Not as in "
        f"life: opening hours, changes of shift and all else that follows the clock came {times} faster."
    ]
    if told["logins"]:
        said.append(
            f"Logins: {told['logins_busiest_minute']:,} of {told['logins']:,} came within the busiest minute of the "
            f"run; in the busiest minute of life it would be {told['logins_busiest_minute_in_life']:,}."
        )
    if told["cut_share"] is not None and told["shifts"]:
        by_persona = list(told["cut_share_by_persona"].items())
        most = f" (most of all {by_persona[0][0]}: {share_text(by_persona[0][1])})" if len(by_persona) > 1 else ""
        said.append(
            f"Shifts were {times} shorter: their end cut {share_text(told['cut_share'])} of the workflows{most}, and "
            f"{told['shifts_without_a_finished_run']:,} of {count_text(told['shifts'], 'shift')} ended without one "
            "finished workflow."
        )
    share = told["on_arrival_share"]
    if share:
        in_life = share / (share + (1 - share) * factor)
        said.append(
            "What a shift begins with, such as signing on, is done as often as in life, and all other work "
            f"{times} less often: it made up {share_text(share)} of the workflows, in life about {share_text(in_life)}."
        )
    return said


def _times(factor: float) -> str:
    return f"{number_text(round(factor, 1))} times"


def manifest_facts(manifest: Mapping[str, Any], spec: RunSpec, scale: TimeScale) -> list[tuple[str, str]]:
    """Label and value of what was run, on what, against what, in reading order; absent facts are left out."""
    target = manifest.get("target") or {}
    lapse = float(manifest.get("time_lapse", 1.0))
    duration_s = manifest.get("duration_s")
    facts: list[tuple[str, object]] = [
        ("scenario", f"{spec.scenario.title} ({spec.scenario.name})"),
        ("played", f"{scale.text(0.0)} to {scale.text(scale.length_s)} in {spec.clock_zone}, {lapse:g}× speed"),
        ("story", " ".join(spec.scenario.story.split())),
        ("seed", manifest.get("seed")),
        ("sites", len(spec.sites)),
        ("times as much asked at", manifest.get("greedy")),
        ("target", target.get("url")),
        ("server software", target.get("software")),
        ("FHIR version", target.get("fhir_version")),
        ("resources there before the run", target.get("volumes")),
        ("embedded sandbox", target.get("sandbox")),
        *((f"own endpoint of {_some(each.get('sites', ()))}", _server(each)) for each in target.get("endpoints", ())),
        ("run", manifest.get("run_id")),
        ("state", manifest.get("state")),
        ("started", manifest.get("started_at")),
        ("ended", manifest.get("ended_at")),
        ("length", duration_text(float(duration_s)) if duration_s else None),
        ("load processes", manifest.get("workers")),
        ("hot path", manifest.get("engine")),
        ("load hosts", _hosts(manifest)),
        ("turned away", (manifest.get("fleet") or {}).get("refused")),
        ("think factor", manifest.get("think_factor")),
        ("scenario digest", manifest.get("scenario_digest")),
        ("roster digest", manifest.get("roster_digest")),
    ]
    for prefix, key in (("label", "labels"), ("host", "host"), ("version", "versions")):
        facts += [(f"{prefix}: {name}", value) for name, value in (manifest.get(key) or {}).items()]
    return [(label, _plain(value)) for label, value in facts if value not in (None, "", {}, [])]


def _hosts(manifest: Mapping[str, Any]) -> str:
    """Workers on other hosts, each with its address, the first few; nothing where the load came from this machine."""
    workers = (manifest.get("fleet") or {}).get("workers") or ()
    return _some([f"{each['name']} ({each['address']})" for each in workers])


def _some(sites: Sequence[str]) -> str:
    more = f" and {len(sites) - SITES_NAMED} more" if len(sites) > SITES_NAMED else ""
    return f"{', '.join(sites[:SITES_NAMED])}{more}"


def _server(endpoint: Mapping[str, Any]) -> str:
    version = f"FHIR {endpoint['fhir_version']}" if endpoint.get("fhir_version") else ""
    return ", ".join(filter(None, (endpoint.get("url"), endpoint.get("software"), version)))


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or MISSING
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or MISSING
    return number_text(value) if isinstance(value, float) else str(value)
