"""What to do after a verdict: where to look, what to mend, what to type; every command can be pasted as it stands."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.plan import samples_for
from harness.units import DAY_S, count_text, factor_text, moment_text
from harness.verdict.objective import SAMPLES_BEYOND

__all__ = ["next_steps", "run_with_seed"]

_TOO_SHORT: Final = frozenset({"too-short", "enough-samples"})
"""Checks that a longer run may pass."""
RUSH_S: Final = (31_500, 33_300)
"""08:45..09:15, around the medication pass: the half hour that is worth true speed, where the scenario has it."""

HALF_AN_HOUR_S: Final = 1800.0
_HELD_UP: Final = frozenset({"generator-stall", "start-lateness", "workers", "clinician-time", "cpu"})
"""Checks that a workflow which stands still makes fail: nobody else of its load process gets on meanwhile."""


def next_steps(verdict: Mapping[str, Any], summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """What to do next, most useful first; commands stand in backticks."""
    if manifest.get("calibration"):  # its servers are gone with it
        return ["Hold it to what is known, and play it again: `emrload calibrate`; each row is in calibration.json"]
    sites = int(manifest.get("sites") or len(summary["by_site"]) or 1)
    target = manifest.get("target") or {}
    own_server = bool(_servers(manifest))
    again = _run(manifest, sites, _how_long(manifest))
    steps = []
    if verdict["verdict"] == "invalid":
        failed = [check["check"] for check in verdict["validity"] if check["outcome"] == "fail"]
        longer_s = 0.0 if _TOO_SHORT.isdisjoint(failed) else _long_enough_s(verdict, summary, manifest)
        longer = _run(manifest, sites, _how_long(manifest, longer_s))
        steps += [_look_at(finding) for finding in verdict["findings"] if finding["kind"] == "failed-workflows"]
        steps += [_mend(check, manifest) for check in failed if check not in _HELD_UP or not _stood_still(verdict)]
        steps.append(f"Then run again: `{longer}`")
    elif verdict["verdict"] == "fail":
        steps += [_look_at(finding) for finding in verdict["findings"] if finding["kind"] in _LOOK]
        steps += _look_at_links(verdict)
        steps.append(f"When it is mended, play the same again: `{again}`")
    else:
        steps += _hold_more(manifest, 2 * sites, own_server)
    if verdict["rehearsal"]:
        at_true_speed = _run(_thinking_as_in_life(manifest), sites, ["--window", _half_an_hour(manifest)])
        steps.append(f"This was a rehearsal; at true speed, such as half an hour of it: `{at_true_speed}`")
    elif verdict["verdict"] == "pass" and target.get("sandbox"):
        elsewhere = _command("check", manifest, sites, ["--target", "URL"])
        steps.append(f"The same against your own server: `{elsewhere}`")
    for server in _servers(manifest):
        command = shlex.join(["emrload", "cleanup", "--target", server.get("url", "URL"), *_owned([server])])
        steps.append(f"Remove what was created: `{command}`")
    return list(dict.fromkeys(steps))


def run_with_seed(manifest: Mapping[str, Any], seed: int) -> str:
    """The command that plays a run again with another seed, in backticks; on a server of one's own, another seed has
    people of its own, and the command that creates them stands before."""
    other, sites = {**manifest, "seed": seed}, int(manifest.get("sites") or 1)
    run = f"`{_run(other, sites, _how_long(manifest))}`"
    if not _servers(manifest) or _patients(manifest):
        return run
    sandbox = (manifest.get("target") or {}).get("sandbox")  # which is seeded by the run itself
    people = _command("seed", other, sites, _owned(_servers(manifest)) if sandbox else _target(manifest))
    return f"first `{people}` for its people, then {run}"


def _hold_more(manifest: Mapping[str, Any], sites: int, own_server: bool) -> list[str]:
    """The sandbox is seeded by the run itself; a server of the user's own has no people for the sites that are new."""
    more = _run(manifest, sites, _how_long(manifest))
    file = (manifest.get("asked") or {}).get("sites_file")
    add = f" Write more sites into {file} first." if file else ""
    if not own_server or _patients(manifest):
        return [f"See whether it holds more.{add} Then: `{more}`" if file else f"See whether it holds more: `{more}`"]
    sandbox = (manifest.get("target") or {}).get("sandbox")  # which is seeded by the run itself
    seed = _command("seed", manifest, sites, _owned(_servers(manifest)) if sandbox else _target(manifest))
    new = "the sites that are new" if file else count_text(sites, "site")
    first = f"See whether it holds more.{add} {'Then' if file else 'First'} create the people of {new}: `{seed}`"
    return [first, f"Then let them work: `{more}`"]


def _run(manifest: Mapping[str, Any], sites: int, how_long: Sequence[str]) -> str:
    workers = int(manifest.get("workers") or 1)
    processes = _on_other_hosts(manifest, workers) or (["--workers", str(workers)] if workers > 1 else [])
    return _command("run", manifest, sites, _target(manifest), [*_patients(manifest), *processes, *how_long])


def _on_other_hosts(manifest: Mapping[str, Any], workers: int) -> list[str]:
    fleet = manifest.get("fleet") or {}
    secret = ["--secret-file", str(fleet["secret_file"])] if "secret_file" in fleet else []
    return ["--expect-workers", str(workers), "--bind", str(fleet["bind"]), *secret] if fleet else []


def _command(
    verb: str, manifest: Mapping[str, Any], sites: int, target: Sequence[str], more: Sequence[str] = ()
) -> str:
    """`emrload verb …` for the scenario as the user named and changed it, quoted for a shell."""
    asked = manifest.get("asked") or {}
    scenario = asked.get("scenario") or manifest.get("scenario", "SCENARIO")
    file = asked.get("sites_file")
    which = ["--sites-file", file] if file else ["--sites", str(sites)]
    words = ["emrload", verb, scenario, *which, "--seed", str(manifest.get("seed", 0)), *target]
    for change in asked.get("sets", ()):
        words += ["--set", change]
    for site, times in (manifest.get("greedy") or {}).items():
        words += ["--greedy", f"{site}={factor_text(float(times))}"]
    return shlex.join([*words, *more])


def _target(manifest: Mapping[str, Any]) -> list[str]:
    """What names the run's servers on a command line; sites bring their own endpoints along."""
    target = manifest.get("target") or {}
    owned = _owned(_servers(manifest))
    return ["--target", "sandbox" if target.get("sandbox") else target.get("url", "URL"), *owned]


def _servers(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The servers of the user's own that the run used, the target first."""
    target = manifest.get("target") or {}
    own = [target] if target.get("url") and not target.get("sandbox") else []
    return [*own, *target.get("endpoints", ())]


def _owned(servers: Sequence[Mapping[str, Any]]) -> list[str]:
    hosts = dict.fromkeys(server["i_own"] for server in servers if server.get("i_own"))
    return [word for host in hosts for word in ("--i-own", host)]


def _patients(manifest: Mapping[str, Any]) -> list[str]:
    """The option that names the file whose patients the run worked with, if it did."""
    file = (manifest.get("asked") or {}).get("patients")
    return ["--patients", file] if file else []


def _how_long(manifest: Mapping[str, Any], longer_s: float = 0.0) -> list[str]:
    """The option that made the run as long as it was, or lets it last `longer_s` seconds; none where the whole timeline
    was played at true speed, and is long enough."""
    window, timeline = manifest.get("window"), manifest.get("timeline")
    duration_s = float(manifest.get("duration_s") or 0.0)
    if window:
        start_s, end_s = map(float, window)
        if longer_s > end_s - start_s:
            if not timeline or longer_s > timeline[1] - timeline[0]:
                return ["--duration", f"{longer_s:g}s"]
            start_s = min(start_s, float(timeline[1]) - longer_s)
            end_s = start_s + longer_s
        return ["--window", _window_text(manifest, start_s, end_s)]
    if longer_s > duration_s > 0:
        return ["--duration", f"{longer_s:g}s"]
    if float(manifest.get("time_lapse") or 1.0) != 1.0 and duration_s:
        return ["--duration", f"{duration_s:g}s"]
    return []


def _long_enough_s(verdict: Mapping[str, Any], summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> float:
    """How long the run must be for every required objective, at the rate that was seen; whole minutes.

    Where that cannot be told, twice as long as it was, and a minute at least.
    """
    load_s = float(summary.get("load_s") or manifest.get("duration_s") or 0.0)
    lacking = [each for each in verdict["objectives"] if each["required"] and each["outcome"] == "insufficient"]
    seen = [each["effective_samples"] for each in lacking]
    needed = [_samples_needed(each) for each in lacking]
    if not lacking or not all(seen) or math.inf in needed:
        return max(60.0, 2 * load_s)
    factor: float = max(of_it / had for of_it, had in zip(needed, seen, strict=True))
    return 60.0 * max(1, math.ceil(load_s * max(factor, 1.0) / 60))


def _samples_needed(objective: Mapping[str, Any]) -> float:
    """As many as the plan wants; where some lie beyond the bound, as many as make the figure itself decide."""
    wanted = (SAMPLES_BEYOND,) if objective["above"] else ()
    return samples_for(objective["metric"], objective["bound"], *wanted)


def _thinking_as_in_life(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without the settings that change how long clinicians think, which make a rehearsal of any run."""
    asked = dict(manifest.get("asked") or {})
    asked["sets"] = [change for change in asked.get("sets", ()) if not change.startswith("think_factor=")]
    return {**manifest, "asked": asked}


def _half_an_hour(manifest: Mapping[str, Any]) -> str:
    """The rush, or where what was played is another time, half an hour around its middle; all of the timeline if that
    is shorter."""
    opening_s, end_s = manifest.get("played") or manifest.get("timeline") or RUSH_S
    if end_s - opening_s < HALF_AN_HOUR_S:
        first_s, last_s = manifest.get("timeline") or (opening_s, end_s)
        opening_s = max(first_s, min((opening_s + end_s - HALF_AN_HOUR_S) / 2, last_s - HALF_AN_HOUR_S))
        end_s = min(last_s, opening_s + HALF_AN_HOUR_S)
    start_s, stop_s = map(float, RUSH_S)
    if start_s < opening_s or end_s < stop_s:
        middle_s = (opening_s + end_s) / 2
        start_s, stop_s = max(opening_s, middle_s - HALF_AN_HOUR_S / 2), min(end_s, middle_s + HALF_AN_HOUR_S / 2)
    return _window_text(manifest, start_s, stop_s)


def _window_text(manifest: Mapping[str, Any], start_s: float, end_s: float) -> str:
    """`08:45..09:15`; on the first of several days with its day, since the scenario may play another by itself."""
    days = (manifest.get("timeline") or (0.0, 0.0))[1] / DAY_S
    first_day = "0d" if days > 1 and end_s <= DAY_S else ""
    return "..".join(f"{first_day}{moment_text(edge_s)}" for edge_s in (start_s, end_s))


_LOOK: Mapping[str, str] = {
    "outage": "Find out why the server went away, in its own log, {from_s:.0f} s into the run",
    "operation-errors": "Look for {operation} in the server's log: failures.jsonl has the ids of its failed requests",
    "server-errors": "Look for the server's errors in its log: failures.jsonl has the ids of the failed requests",
    "slow-everywhere": "Look at the server's capacity: try fewer sites to find where it begins",
    "slow-site": "Look at what {site} has to itself: its link, its endpoint, its data",
    "failed-workflows": "Look at what {workflow} was answered: failures.jsonl has the ids of the requests",
    "abandoned-work": "Look at what took so long at {worst_site} that people gave up; failures.jsonl has the ids",
}


def _look_at(finding: Mapping[str, Any]) -> str:
    fault = finding["evidence"].get("own_fault")
    if fault:
        return f"Mend {finding['scope']['workflow']} in its own file: {fault}"
    return _LOOK[finding["kind"]].format(**{**finding["scope"], **finding["evidence"]})


def _look_at_links(verdict: Mapping[str, Any]) -> list[str]:
    """One step for all sites that miss an objective and spend most of their response time on their links."""
    missed: set[str] = {
        each["scope"]["site"]
        for each in verdict["objectives"]
        if each["required"] and each["outcome"] == "fail" and "site" in each["scope"]
    }
    bound = {
        site: (share, finding["evidence"]["link"])
        for finding in verdict["findings"]
        if finding["kind"] == "link-bound"
        for site, share in finding["evidence"].get("by_site", {}).items()
        if site in missed
    }
    if not bound:
        return []
    worst = max(bound, key=lambda site: bound[site][0])
    others = f" and of {count_text(len(bound) - 1, 'other site')}" if len(bound) > 1 else ""
    return [f"Look at the link of {worst} ({bound[worst][1]}){others} before the server"]


def _stood_still(verdict: Mapping[str, Any]) -> bool:
    """A workflow's own code kept its load process from anything else."""
    faults = (each["evidence"].get("own_fault", "") for each in verdict["findings"])
    return any(fault.startswith("stood still") for fault in faults)


_MEND: Mapping[str, str] = {
    "completed": "Let the run come to its end",
    "too-short": "Play for longer: `--duration 60s` or more",
    "enough-samples": "Play for longer or with more sites: `emrload plan` says how many samples each objective has",
    "workers": "Look at logs/ for why a load process was lost or late",
    "arrivals": "Let fewer come, or find out why so many stayed that the load had to turn some away",
    "clock": "Synchronise the clocks of the load generators' hosts, such as with chrony",
    "started-finished": "Look at logs/ for why a load process did not finish what it began",
    "own-limits": "Give the machine that the load comes from what it ran out of; the check says what that was",
    "samples-written": "Look at logs/ for why a load process broke off, and at the space left on the disk",
}


def _mend(check: str, manifest: Mapping[str, Any]) -> str:
    twice = 2 * int(manifest.get("workers") or 1)
    more = (
        f"more hosts: `--expect-workers {twice}`" if manifest.get("fleet") else f"more processes: `--workers {twice}`"
    )
    return _MEND.get(check, f"Give the load generator a machine with free cores, or {more}")
