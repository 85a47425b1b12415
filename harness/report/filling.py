"""In sentences: whether the server was getting full, when the run was steady, and Little's law around the loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.report.facts import percentile_words
from harness.report.wording import latency_text, number_text, run_time_text, share_text
from harness.units import count_text, duration_text

__all__ = ["closed_loop_sentence", "saturation_sentences", "steady_sentence"]


def saturation_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What the stretches with most people took, held to those with fewest; the alarms, and what broke."""
    it = summary.get("saturation")
    if it is None:  # judged by a version that did not look
        return []
    if it["slowdown_max"] is None:
        return [
            "Whether the server was filling up cannot be told: about as many people were there throughout, or too few "
            "requests came while few were."
        ]
    said = [
        f"Held to when few people were there, operation by operation, requests took at most "
        f"{number_text(round(it['slowdown_max'], 1))} times as long: {share_text(it['queueing_share_max'])} of the "
        "response time was waiting then, as at a single server that is busy for this share of the time."
    ]
    if it["onset_s"] is not None:
        said.append(f"From {run_time_text(it['onset_s'])} on they took twice as long, and more than half was waiting.")
    return [*said, _warning(it)]


def _warning(it: Mapping[str, Any]) -> str:
    broken, alarm_s = it["broken"], it["alarm_s"]
    what = {"concurrency": "requests took half as long again", "slope": "p95 was on its way to its bound"}
    alarm = "" if alarm_s is None else f"The first alarm came at {run_time_text(alarm_s)}: {what[it['alarm']]}."
    if broken is None:
        return alarm or "No alarm came, and no stretch of the run was over a required bound."
    whose = f" at {broken['site']}" if broken["site"] else ""
    missed = f"{broken['objective']}{whose} was first missed at {run_time_text(broken['from_s'])}"
    if not it["lead_s"]:
        return f"{missed}; no alarm came before."
    return f"{alarm} {missed}: a lead of {duration_text(it['lead_s'])}."


def steady_sentence(summary: Mapping[str, Any]) -> str:
    """From when on the run was steady, and its figures from there; or why it has no steady part."""
    it = summary.get("steady")
    if it is None or not it["planned"]:
        return ""
    if it["refused"]:
        return (
            f"The plan asks for the same load throughout, yet no part of the run can be called steady: {it['refused']}."
        )
    parts = percentile_words(it["overall"])
    begin = (
        f"from {run_time_text(it['from_s'])} on, {count_text(it['left_out'], 'request')} after its start"
        if it["left_out"]
        else "from its start"
    )
    return (
        f"The run was steady {begin}: {', '.join(parts) or 'too few requests for a percentile'}. Judged is all of it."
    )


def closed_loop_sentence(summary: Mapping[str, Any]) -> str:
    """`20 people = 16.8/s × (190 ms + 1.0 s)`; nothing where it was not reckoned."""
    it = summary.get("closed_loop")
    if it is None:
        return ""
    return (
        f"Little’s law, N = X(R + Z): {number_text(round(it['n'], 1))} people on duty; "
        f"{number_text(round(it['x_per_s'], 1))} requests/s × ({latency_text(it['r_s'] * 1000)} of waiting + "
        f"{latency_text(it['z_s'] * 1000)} between) = "
        f"{number_text(round(it['x_per_s'] * (it['r_s'] + it['z_s']), 1))}."
    )
