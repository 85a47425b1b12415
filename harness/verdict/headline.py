"""The verdict as one sentence, and what to do next, from a finished verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.units import clock_text, count_text
from harness.verdict.wording import METRIC_WORDS, figure_text, scope_text

__all__ = ["headline", "next_steps"]


def headline(verdict: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """One sentence without a full stop, such as `2 of 10 sites miss their objective`."""
    sites = len(summary["by_site"])
    if verdict["verdict"] == "pass":
        clinicians = count_text(summary["concurrency"]["peak_clinicians"], "clinician")
        return f"{count_text(sites, 'site')} with {clinicians} at once kept every required objective"
    if verdict["verdict"] == "invalid":
        return _invalid(verdict)
    missed = [each for each in verdict["objectives"] if each["required"] and each["outcome"] == "fail"]
    failing_sites = {each["scope"]["site"] for each in missed if "site" in each["scope"]}
    outage = next((each for each in verdict["findings"] if each["kind"] == "outage"), None)
    if outage is not None:
        return str(outage["sentence"]).rstrip(".")
    if failing_sites:
        return f"{len(failing_sites)} of {count_text(sites, 'site')} {_miss(len(failing_sites))} objective"
    return _missed_text(missed[0])


def next_steps(verdict: Mapping[str, Any], summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What to do next, most useful first; commands stand in backticks."""
    scenario, seed = manifest.get("scenario", "SCENARIO"), manifest.get("seed", 0)
    sites = len(summary["by_site"]) or manifest.get("sites", 1)
    target = manifest.get("target") or {}
    again = f"emrload run {scenario} --sites {sites if isinstance(sites, int) else len(sites)} --seed {seed}"
    again += " --target sandbox" if target.get("sandbox") else f" --target {target.get('url', 'URL')}"
    at_true_speed = f"{again} --window 08:45..09:15"
    again += _how_long(manifest)
    steps = []
    if verdict["verdict"] == "invalid":
        steps += [_mend(check["check"]) for check in verdict["validity"] if check["outcome"] == "fail"]
        steps.append(f"Then run again: `{again}`")
    elif verdict["verdict"] == "fail":
        steps += [_look_at(finding) for finding in verdict["findings"] if finding["kind"] in _LOOK]
        steps.append(f"When it is mended, play the same morning again: `{again}`")
    else:
        larger = 2 * (sites if isinstance(sites, int) else len(sites))
        steps.append(f"See whether it holds more: `{again.replace(f'--sites {larger // 2}', f'--sites {larger}')}`")
    if verdict["rehearsal"]:
        steps.append(f"This was a rehearsal; at true speed, such as the half hour of the rush: `{at_true_speed}`")
    elif verdict["verdict"] == "pass" and target.get("sandbox"):
        steps.append(f"The same against your own server: `emrload check {scenario} --target URL`")
    if not target.get("sandbox") and target.get("url"):
        steps.append(f"Remove what was created: `emrload cleanup --target {target['url']}`")
    return list(dict.fromkeys(steps))


def _how_long(manifest: Mapping[str, Any]) -> str:
    """The option that made the run as long as it was; none where the whole timeline was played at true speed."""
    window = manifest.get("window")
    if window:
        return f" --window {clock_text(window[0])}..{clock_text(window[1])}"
    if float(manifest.get("time_lapse") or 1.0) != 1.0 and manifest.get("duration_s"):
        return f" --duration {manifest['duration_s']:g}s"
    return ""


def _invalid(verdict: Mapping[str, Any]) -> str:
    failed: Sequence[Mapping[str, Any]] = [each for each in verdict["validity"] if each["outcome"] == "fail"]
    if not failed:
        return "this run cannot be trusted"
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"this run cannot be trusted: {failed[0]['detail']}{more}"


def _miss(count: int) -> str:
    return "misses its" if count == 1 else "miss their"


def _missed_text(objective: Mapping[str, Any]) -> str:
    metric = objective["metric"]
    words = f"the {METRIC_WORDS[metric]} of {scope_text(objective['scope'])}"
    bound = figure_text(metric, objective["bound"])
    if objective["figure"] is None:
        return f"{words} is above {bound}"
    return f"{words} is {figure_text(metric, objective['figure'])}, allowed are {bound}"


_LOOK: Mapping[str, str] = {
    "outage": "Find out why the server went away, in its own log, {from_s:.0f} s into the run",
    "operation-errors": "Look for {operation} in the server's log: failures.jsonl has the ids of its failed requests",
    "server-errors": "Look for the server's errors in its log: failures.jsonl has the ids of the failed requests",
    "slow-everywhere": "Look at the server's capacity: try fewer sites to find where it begins",
    "slow-site": "Look at what {site} has to itself: its link, its endpoint, its data",
    "failed-workflows": "Look at what {workflow} was answered: failures.jsonl has the ids of the requests",
}


def _look_at(finding: Mapping[str, Any]) -> str:
    return _LOOK[finding["kind"]].format(**{**finding["scope"], **finding["evidence"]})


_MEND: Mapping[str, str] = {
    "completed": "Let the run come to its end",
    "too-short": "Play for longer: `--duration 60s` or more",
    "enough-samples": "Play for longer or with more sites: `emrload plan` says how many samples each objective has",
    "workers": "Look at logs/ for why a load process was lost or late",
    "clock": "Synchronise the clocks of the load generators' hosts",
    "started-finished": "Look at logs/ for why a load process did not finish what it began",
    "samples-written": "Look at logs/ for why a load process broke off, and at the space left on the disk",
}


def _mend(check: str) -> str:
    generator = "Give the load generator a machine with free cores, or more processes: `--workers 2`"
    return _MEND.get(check, generator)
