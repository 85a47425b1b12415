"""What is slow, and where: everywhere, at one site, on a link, or more and more as people come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from harness.analysis import Analysis
from harness.units import duration_text
from harness.verdict import bounds
from harness.verdict.check import Check
from harness.verdict.objective import Judged
from harness.verdict.wording import METRIC_WORDS, figure_text, ms_text, share_text

__all__ = ["Found", "link_bound", "saturation", "slow_everywhere", "slow_sites"]

Found = Iterator[tuple[dict[str, str], dict[str, Any], str]]
"""Scope, the figures that it rests on, the sentence."""

MOST_NAMED: Final = 8
"""Sites that a sentence names; the others are counted."""
LATENCY_METRICS: Final = ("p50_ms", "p90_ms", "p95_ms", "p99_ms")


def slow_everywhere(analysis: Analysis, judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    slow = _sites_over_bound(judged)
    total = len(analysis.summary["by_site"])
    if _most(slow, total):
        evidence = {"sites_over_bound": len(slow), "sites": total, "p95_ms": analysis.summary["overall"]["p95_ms"]}
        yield (
            {},
            evidence,
            f"{len(slow)} of {total} sites are slower than their objective allows: it is the server, not one site.",
        )


def slow_sites(analysis: Analysis, judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    p95_ms: dict[str, float] = {
        site: row["p95_ms"] for site, row in analysis.summary["by_site"].items() if row["p95_ms"] is not None
    }
    over_bound = _sites_over_bound(judged)
    everywhere = _most(over_bound, len(analysis.summary["by_site"]))
    for site in analysis.summary["by_site"]:
        others = [figure for name, figure in p95_ms.items() if name != site]
        usual = median(others) if others else None
        stands_out = site in p95_ms and usual is not None and _far_above(p95_ms[site], usual)
        missed = over_bound.get(site)
        if not stands_out and (missed is None or everywhere):
            continue
        evidence: dict[str, Any] = {"p95_ms": p95_ms.get(site), "other_sites_p95_ms": usual}
        if missed is not None:
            evidence |= {
                "objective": missed.measure.objective.id,
                "bound": missed.measure.objective.bound,
                "above": missed.measure.beyond,
            }
        yield {"site": site}, evidence, _slow_sentence(site, p95_ms.get(site), usual, missed)


def _slow_sentence(site: str, p95_ms: float | None, usual_ms: float | None, missed: Judged | None) -> str:
    parts = []
    if p95_ms is not None:
        parts.append(f"1 answer in 20 takes longer than {ms_text(p95_ms)}")
    if usual_ms is not None:
        parts.append(f"at the other sites {ms_text(usual_ms)}")
    if missed is not None:
        objective = missed.measure.objective
        parts.append(
            f"allowed is a {METRIC_WORDS[objective.metric]} of {figure_text(objective.metric, objective.bound)}"
        )
        if p95_ms is None:
            parts.append(f"{missed.measure.beyond:,} of {missed.measure.samples:,} requests took longer")
    return f"{site} is slow: {', '.join(parts)}."


def _sites_over_bound(judged: Sequence[Judged]) -> dict[str, Judged]:
    """Sites that miss a latency objective of their own, with the first that they miss."""
    found: dict[str, Judged] = {}
    for each in judged:
        site = each.measure.scope.get("site")
        if site and each.outcome == "fail" and each.measure.objective.metric in LATENCY_METRICS:
            found.setdefault(site, each)
    return found


def _most(slow: Mapping[str, Judged], sites: int) -> bool:
    """More than half of several sites: then the sites are not what is slow."""
    return len(slow) >= 2 and 2 * len(slow) > sites


def _far_above(figure_ms: float, usual_ms: float) -> bool:
    return figure_ms > bounds.OUTLIER_FACTOR * usual_ms and figure_ms - usual_ms > bounds.OUTLIER_MS


def saturation(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    """The server filled up as people came; with it, how long before the first broken objective that could be seen."""
    it = analysis.saturation
    if it.onset_s is None or it.slowdown_max is None:
        return
    sentence = (
        f"The server was filling up: from {duration_text(it.onset_s)} into the run requests took twice as long as when "
        f"few people were there, {it.slowdown_max:.1f} times at most"
    )
    if it.broken is not None:
        whose = f" at {it.broken.site}" if it.broken.site else ""
        sentence += f"; {it.broken.objective}{whose} was first missed {duration_text(it.broken.from_s)} into the run"
        if it.lead_s and it.alarm_s is not None:
            sentence += f", and {duration_text(it.lead_s)} before that it could be seen coming"
    yield {}, it.to_json(), f"{sentence}."


def link_bound(analysis: Analysis, _judged: Sequence[Judged], _failed: Mapping[str, Check]) -> Found:
    """One finding a link, whichever sites have it; the site that spends most there comes first."""
    by_link: dict[str, dict[str, Mapping[str, Any]]] = {}
    for site, row in analysis.summary["by_site"].items():
        if row["link_share"] is not None and row["link_share"] > bounds.LINK_SHARE:
            by_link.setdefault(analysis.links.get(site, ""), {})[site] = row
    for link, rows in by_link.items():
        worst_first = sorted(rows, key=lambda site: -rows[site]["link_share"])
        shares = {site: rows[site]["link_share"] for site in worst_first}
        scope = {"site": worst_first[0]} if len(rows) == 1 else {"link": link}
        yield scope, {"link": link, "by_site": shares}, f"{_link_sentence(link, rows, worst_first)}."


def _link_sentence(link: str, rows: Mapping[str, Mapping[str, Any]], sites: Sequence[str]) -> str:
    most, least = (share_text(rows[site]["link_share"]) for site in (sites[0], sites[-1]))
    if len(sites) > 1:
        span = most if most == least else f"{least} to {most}"
        named = f"{', '.join(sites[:MOST_NAMED])}{f' and {len(sites) - MOST_NAMED} more' if sites[MOST_NAMED:] else ''}"
        return (
            f"{len(sites)} sites spend {span} of their response time on their link ({link}), not in the server: {named}"
        )
    sentence = f"{sites[0]} spends {most} of its response time on its link ({link}), not in the server"
    row = rows[sites[0]]
    if row["p95_ms"] is None or row["server_p95_ms"] is None:
        return sentence
    return f"{sentence}: without it p95 would be {ms_text(row['server_p95_ms'])} instead of {ms_text(row['p95_ms'])}"
