"""What a reader should know of the machine that the load came from: one sentence a fact, whichever way it comes out.

The manifest and the summary are read with what older versions left out of them in mind: what was not asked is not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.wording import number_text, share_text
from harness.units import count_text, duration_text
from harness.verdict.bounds import CLOCK_DROP_SHARE, PLANNED_SHARE, STEAL_MARK_SHARE

__all__ = ["asks_too_much", "generator_sentences", "self_test_sentence", "steal_sentence", "stolen_spans"]


def generator_sentences(summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """How much the machine can generate, whether its clock fell, and how often others took its CPU."""
    told, host = manifest.get("self_test"), manifest.get("host") or {}
    said = [f"Self-test before the load: {self_test_sentence(told)}." if told else "", _clock_sentence(host)]
    return [text for text in (*said, steal_sentence(summary["generator"])) if text]


def self_test_sentence(told: Mapping[str, Any]) -> str:
    """`this machine can generate about 41,000 requests/s; the plan asks for 52 at most`, of a manifest's `self_test`;
    where that is too much, also what to do."""
    asked = f"{_per_s(told['planned_peak_per_s'])} at most"
    if told["can_generate_per_s"] is None:
        why = told.get("failed") or "no reason is known"
        return f"the self-test failed ({why}), nobody knows what this machine can generate; the plan asks for {asked}"
    can = f"this machine can generate about {_per_s(told['can_generate_per_s'])} requests/s"
    if not asks_too_much(told):
        return f"{can}; the plan asks for {asked}"
    loaded = f"with {count_text(told['workers'], 'load process', 'load processes')}"
    return (
        f"{can} {loaded}, and the plan asks for {asked}: {share_text(told['share'])} of it, where more than "
        f"{PLANNED_SHARE:.0%} leaves too little for bursts; {_way_out(told)}"
    )


def asks_too_much(told: Mapping[str, Any]) -> bool:
    """Whether the plan asks for more than half of what the machine can generate; not known where the test failed."""
    share = told["share"]
    return share is not None and share > PLANNED_SHARE


def _way_out(told: Mapping[str, Any]) -> str:
    """More load processes as far as there are CPUs for them; beyond that, another machine or less load."""
    less = "play fewer sites, or generate the load on a machine with more or faster CPUs"
    wanted = int(told["planned_peak_per_s"] / (PLANNED_SHARE * told["requests_per_cpu_s"])) + 1
    most = int(told["cpus"])
    if wanted <= most:
        return f"spread the load with --workers {wanted}"
    if told["workers"] < most:
        return f"--workers {most} helps, but does not suffice: {less}"
    return less


def stolen_spans(generator: Mapping[str, Any]) -> Sequence[Sequence[float]]:
    """[from_s, to_s] of each stretch that is marked; none in what an older version measured."""
    spans: Sequence[Sequence[float]] = generator.get("steal_seconds") or ()
    return spans


def steal_sentence(generator: Mapping[str, Any]) -> str:
    """How much of the load is marked; nothing where that was not measured."""
    if "steal_seconds" not in generator:
        return ""
    spans, mark = stolen_spans(generator), f"{STEAL_MARK_SHARE:.0%} of this machine’s CPU (steal)"
    if not spans:
        return f"In no second of the load did others take more than {mark}."
    seconds = duration_text(sum(end_s - begin_s for begin_s, end_s in spans))
    share, times = share_text(generator["steal_seconds_share"]), count_text(len(spans), "stretch", "stretches")
    return (
        f"Others took more than {mark} for {seconds} of the load ({share}, {times}); these are cross-hatched in the "
        "pictures over time. What was slow in them may have been slow for that."
    )


def _clock_sentence(host: Mapping[str, Any]) -> str:
    """Whether the CPUs' clock fell between the load's start and its end."""
    if "cpu_mhz_start" not in host:
        return ""
    start, end = host["cpu_mhz_start"], host["cpu_mhz_end"]
    if not start or not end:
        return "This machine does not tell how fast its CPUs’ clock runs."
    first, last = (number_text(round(each["mean"])) for each in (start, end))
    change = f"{first} MHz at the start of the load and {last} MHz at its end"
    fell = 1 - end["mean"] / start["mean"]
    if fell <= CLOCK_DROP_SHARE:
        return f"The CPUs’ clock ran at {change}."
    return (
        f"The CPUs’ clock fell by {share_text(fell)}: {change}. What was measured late had a slower machine, and a "
        "server on the same machine was slower, too."
    )


def _per_s(rate: float) -> str:
    """Two digits, as what is told as about so much deserves no more."""
    digits = 1 if rate < 10 else min(0, 2 - len(str(int(rate))))
    return number_text(round(rate, digits))
