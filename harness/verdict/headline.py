"""A finished verdict as one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.units import count_text
from harness.verdict.wording import METRIC_WORDS, figure_text, scope_text

__all__ = ["headline"]


def headline(verdict: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """One sentence without a full stop, such as `2 of 10 sites miss their objective`."""
    sites = len(summary["by_site"])
    if verdict["verdict"] == "pass":
        clinicians = count_text(summary["concurrency"]["peak_clinicians"], "clinician")
        kept = f"{count_text(sites, 'site')} with {clinicians} at once kept every required objective"
        return kept + _judged_alone(verdict, sites)
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


def _judged_alone(verdict: Mapping[str, Any], sites: int) -> str:
    """How many of several sites were judged each on its own, where objectives of sites are, and not of all sites."""
    of_sites = [each for each in verdict["objectives"] if set(each["scope"]) == {"site"}]
    told = {each["scope"]["site"] for each in of_sites if each["required"] and each["outcome"] != "insufficient"}
    if not of_sites or sites < 2 or len(told) >= sites:
        return ""
    counted = f"{len(told)} of {sites} sites" if told else "no site"
    return f"; {counted} had enough requests to be judged {'each ' if len(told) > 1 else ''}on its own"


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
