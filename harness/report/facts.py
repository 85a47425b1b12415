"""What stands around the figures: what this run was, on what and against what, and whether it was a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.wording import MISSING, number_text
from harness.units import clock_text, duration_text

if TYPE_CHECKING:
    from harness.scenario.model import RunSpec

__all__ = ["manifest_facts", "rehearsal_sentence"]


def rehearsal_sentence(manifest: Mapping[str, Any]) -> str:
    """Why the run is a rehearsal and what that means for its figures."""
    reasons = []
    time_lapse, think_factor = float(manifest.get("time_lapse", 1.0)), float(manifest.get("think_factor", 1.0))
    if time_lapse > 1.0:
        reasons.append(
            f"The day ran {number_text(round(time_lapse, 1))} times faster than in life: head counts, think times and "
            "request rates are true, but ramps and logins at a change of shift came that much faster."
        )
    if think_factor != 1.0:
        reasons.append(f"Clinicians thought {number_text(think_factor)} times as long as in life.")
    return " ".join([*reasons, "It shows whether the parts work together; it is not a result to sign for."])


def manifest_facts(manifest: Mapping[str, Any], spec: RunSpec) -> list[tuple[str, str]]:
    """Label and value of what was run, on what, against what, in reading order; absent facts are left out."""
    target = manifest.get("target") or {}
    opening_s, closing_s = spec.window or spec.scenario.timeline
    lapse = float(manifest.get("time_lapse", 1.0))
    duration_s = manifest.get("duration_s")
    facts: list[tuple[str, object]] = [
        ("scenario", f"{spec.scenario.title} ({spec.scenario.name})"),
        ("played", f"{clock_text(opening_s)} to {clock_text(closing_s)} local time, {lapse:g}× speed"),
        ("story", " ".join(spec.scenario.story.split())),
        ("seed", manifest.get("seed")),
        ("sites", len(spec.sites)),
        ("target", target.get("url")),
        ("server software", target.get("software")),
        ("FHIR version", target.get("fhir_version")),
        ("resources there before the run", target.get("volumes")),
        ("embedded sandbox", target.get("sandbox")),
        ("run", manifest.get("run_id")),
        ("state", manifest.get("state")),
        ("started", manifest.get("started_at")),
        ("ended", manifest.get("ended_at")),
        ("length", duration_text(float(duration_s)) if duration_s else None),
        ("load processes", manifest.get("workers")),
        ("think factor", manifest.get("think_factor")),
        ("scenario digest", manifest.get("scenario_digest")),
        ("roster digest", manifest.get("roster_digest")),
    ]
    for prefix, key in (("label", "labels"), ("host", "host"), ("version", "versions")):
        facts += [(f"{prefix}: {name}", value) for name, value in (manifest.get(key) or {}).items()]
    return [(label, _plain(value)) for label, value in facts if value not in (None, "", {}, [])]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or MISSING
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or MISSING
    return number_text(value) if isinstance(value, float) else str(value)
