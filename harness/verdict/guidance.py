"""What to do after a verdict: where to look, what to mend, what to type; every command can be pasted as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.units import clock_text, count_text

__all__ = ["next_steps"]

_TOO_SHORT: Final = frozenset({"too-short", "enough-samples"})
"""Checks that a longer run may pass."""
RUSH_S: Final = (31_500, 33_300)
"""08:45..09:15, around the medication pass: the half hour that is worth true speed, where the scenario has it."""


def next_steps(verdict: Mapping[str, Any], summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What to do next, most useful first; commands stand in backticks."""
    sites = int(manifest.get("sites") or len(summary["by_site"]) or 1)
    target = manifest.get("target") or {}
    own_server = bool(target.get("url")) and not target.get("sandbox")
    again = _run(manifest, sites, _how_long(manifest))
    steps = []
    if verdict["verdict"] == "invalid":
        failed = [check["check"] for check in verdict["validity"] if check["outcome"] == "fail"]
        longer = _run(manifest, sites, _how_long(manifest, longer=not _TOO_SHORT.isdisjoint(failed)))
        steps += [*map(_mend, failed), f"Then run again: `{longer}`"]
    elif verdict["verdict"] == "fail":
        steps += [_look_at(finding) for finding in verdict["findings"] if finding["kind"] in _LOOK]
        steps.append(f"When it is mended, play the same morning again: `{again}`")
    else:
        steps += _hold_more(manifest, 2 * sites, own_server)
    if verdict["rehearsal"]:
        at_true_speed = _run(manifest, sites, ["--window", _half_an_hour(manifest)])
        steps.append(f"This was a rehearsal; at true speed, such as half an hour of it: `{at_true_speed}`")
    elif verdict["verdict"] == "pass" and target.get("sandbox"):
        elsewhere = _command("check", manifest, sites, ["--target", "URL"])
        steps.append(f"The same against your own server: `{elsewhere}`")
    if own_server:
        steps.append(f"Remove what was created: `{shlex.join(['emrload', 'cleanup', *_target(manifest)])}`")
    return list(dict.fromkeys(steps))


def _hold_more(manifest: Mapping[str, Any], sites: int, own_server: bool) -> list[str]:
    """The sandbox is seeded by the run itself; a server of the user's own has no people for the sites that are new."""
    more = _run(manifest, sites, _how_long(manifest))
    if not own_server:
        return [f"See whether it holds more: `{more}`"]
    seed = _command("seed", manifest, sites, _target(manifest))
    first = f"See whether it holds more. First create the people of {count_text(sites, 'site')}: `{seed}`"
    return [first, f"Then let them work: `{more}`"]


def _run(manifest: Mapping[str, Any], sites: int, how_long: Sequence[str]) -> str:
    workers = int(manifest.get("workers") or 1)
    processes = ["--workers", str(workers)] if workers > 1 else []
    return _command("run", manifest, sites, _target(manifest), [*processes, *how_long])


def _command(
    verb: str, manifest: Mapping[str, Any], sites: int, target: Sequence[str], more: Sequence[str] = ()
) -> str:
    """`emrload verb …` for the scenario as the user named and changed it, quoted for a shell."""
    asked = manifest.get("asked") or {}
    scenario = asked.get("scenario") or manifest.get("scenario", "SCENARIO")
    words = ["emrload", verb, scenario, "--sites", str(sites), "--seed", str(manifest.get("seed", 0)), *target]
    for change in asked.get("sets", ()):
        words += ["--set", change]
    return shlex.join([*words, *more])


def _target(manifest: Mapping[str, Any]) -> list[str]:
    target = manifest.get("target") or {}
    if target.get("sandbox"):
        return ["--target", "sandbox"]
    own = ["--i-own", target["i_own"]] if target.get("i_own") else []
    return ["--target", target.get("url", "URL"), *own]


def _how_long(manifest: Mapping[str, Any], *, longer: bool = False) -> list[str]:
    """The option that made the run as long as it was; none where the whole timeline was played at true speed.

    With `longer` a time lapse is given twice the time, and a minute at least.
    """
    window = manifest.get("window")
    if window:
        return ["--window", f"{clock_text(window[0])}..{clock_text(window[1])}"]
    if float(manifest.get("time_lapse") or 1.0) != 1.0 and manifest.get("duration_s"):
        duration_s = float(manifest["duration_s"])
        return ["--duration", f"{max(60.0, 2 * duration_s) if longer else duration_s:g}s"]
    return []


def _half_an_hour(manifest: Mapping[str, Any]) -> str:
    """The rush, or where the scenario's timeline is another, half an hour in its middle; all of it if it is shorter."""
    opening_s, end_s = manifest.get("timeline") or RUSH_S
    start_s, stop_s = map(float, RUSH_S)
    if start_s < opening_s or end_s < stop_s:
        middle_s = (opening_s + end_s) / 2
        start_s, stop_s = max(opening_s, middle_s - 900), min(end_s, middle_s + 900)
    return f"{clock_text(start_s)}..{clock_text(stop_s)}"


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
