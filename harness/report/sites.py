"""One row a site: what it carried, how it did against its objective, and why; the worst first.

Read from a finished summary and a finished verdict; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.wording import allowed_beyond, beyond_text, figure_text, interval_of, metric_text, share_text

__all__ = ["SiteRow", "site_rows", "slowest_failing_site"]

_ROW_ORDER = {"fail": 0, "insufficient": 1, "pass": 2, "advisory": 3}
_DECISIVE_ORDER = {"fail": 0, "insufficient": 1, "pass": 2, "advisory": 3}
"""Among one site's objectives: what is required decides, whatever an advisory one says."""


@dataclass(frozen=True)
class SiteRow:
    """A site in the report's first table."""

    site: str
    on_duty: int | None
    """Clinicians on duty at the site's own peak, as worked; None where that was not measured."""
    requests: int
    p95_ms: float | None
    p95_interval_ms: tuple[float | None, float | None] | None
    """Where the p95 lies at 90%; None without a p95, or where an earlier version measured."""
    p95_bound_ms: float | None
    """The tightest bound on the site's p95; None where it has none."""
    beyond: str
    """`0 of 142 over 1.00 s` where that was counted for want of a p95; else empty."""
    metric: str
    """Of the decisive objective, as the verdict names it; empty without one."""
    objective: str
    """The site's decisive objective in words: the one that went worst."""
    error_rate: float | None
    link_share: float | None
    """Share of its response time that its link took; None where it has none."""
    outcome: str
    """`fail`, `insufficient`, `advisory` (nothing required of it) or `pass`."""
    why: str
    trouble: float
    """How far the decisive figure is along its bound: 1 is at the bound; orders sites of the same outcome."""
    slowness_ms: float
    """The p95, or for want of one the slowest request; orders sites of the same trouble."""

    @property
    def silent(self) -> bool:
        """Nobody was there: a clinic at night."""
        return not self.requests and not self.on_duty


def site_rows(summary: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[SiteRow]:
    """Rows of every site: failing ones, those that could not be judged, those that passed, those of which nothing is
    required; within each the nearest to its bound first, then the slowest. Silent ones come last."""
    heads = summary["concurrency"].get("peak_clinicians_by_site", {})
    rows = [_row(site, figures, verdict, heads.get(site)) for site, figures in sorted(summary["by_site"].items())]
    return sorted(rows, key=lambda row: (row.silent, _ROW_ORDER[row.outcome], -row.trouble, -row.slowness_ms))


def slowest_failing_site(rows: Sequence[SiteRow]) -> str | None:
    """The first of `rows`, as `site_rows` orders them, that fails by its response time; None where none does."""
    return next((row.site for row in rows if row.outcome == "fail" and row.metric.endswith("_ms")), None)


def _row(site: str, figures: Mapping[str, Any], verdict: Mapping[str, Any], on_duty: int | None) -> SiteRow:
    objectives = [each for each in verdict.get("objectives", ()) if each["scope"] == {"site": site}]
    decisive = min(objectives, key=_severity, default=None)
    outcome = _outcome_of(decisive)
    findings = [each for each in verdict.get("findings", ()) if each["scope"].get("site") == site]
    p95_ms = figures.get("p95_ms")
    bounds_ms = [float(each["bound"]) for each in objectives if each["metric"] == "p95_ms"]
    return SiteRow(
        site=site,
        on_duty=on_duty,
        requests=int(figures["requests"]),
        p95_ms=p95_ms,
        p95_interval_ms=interval_of(figures, "p95_ms"),
        p95_bound_ms=min(bounds_ms, default=None),
        beyond=_beyond(objectives) if p95_ms is None else "",
        metric="" if decisive is None else str(decisive["metric"]),
        objective=_objective_text(decisive),
        error_rate=figures.get("error_rate"),
        link_share=figures.get("link_share"),
        outcome=outcome,
        why=_why(decisive, outcome, findings) if figures["requests"] else _silence(on_duty),
        trouble=0.0 if decisive is None else _trouble(decisive),
        slowness_ms=float(figures.get("p95_ms") or figures.get("max_ms") or 0.0),
    )


def _beyond(objectives: Sequence[Mapping[str, Any]]) -> str:
    """What was counted for the p95 of these objectives of one site; the tightest bound speaks."""
    of_p95 = sorted((each for each in objectives if each["metric"] == "p95_ms"), key=lambda each: each["bound"])
    return next(filter(None, map(beyond_text, of_p95)), "")


def _severity(objective: Mapping[str, Any]) -> tuple[int, float]:
    return _DECISIVE_ORDER[_outcome_of(objective)], -_trouble(objective)


def _outcome_of(objective: Mapping[str, Any] | None) -> str:
    if objective is None or not objective["required"]:
        return "advisory"
    return str(objective["outcome"])


def _trouble(objective: Mapping[str, Any]) -> float:
    figure, bound = objective.get("figure"), objective["bound"]
    if figure is None:
        allowed = allowed_beyond(objective["metric"])
        above, samples = objective.get("above"), objective["samples"]
        return float(above / samples / allowed) if allowed and above is not None and samples else 0.0
    return float(figure / bound) if bound else float(figure > 0)


def _objective_text(objective: Mapping[str, Any] | None) -> str:
    if objective is None:
        return "none"
    own = " (its own)" if objective.get("own_bound") else ""
    return f"{metric_text(objective['metric'])} ≤ {figure_text(objective['metric'], objective['bound'])}{own}"


def _silence(on_duty: int | None) -> str:
    return "those on duty asked nothing" if on_duty else "nobody was on duty, and nothing was asked"


def _why(objective: Mapping[str, Any] | None, outcome: str, findings: Sequence[Mapping[str, Any]]) -> str:
    if findings:
        return str(findings[0]["sentence"])
    if objective is None:
        return "no objective is set for this site"
    counted = beyond_text(objective)
    figure = figure_text(objective["metric"], objective.get("figure"))
    bound = figure_text(objective["metric"], objective["bound"])
    match outcome:
        case "fail":
            missed = f"{metric_text(objective['metric'])} is {figure}, allowed is {bound}"
            if counted:
                missed = f"{counted}, allowed are {share_text(allowed_beyond(objective['metric']))}"
            late = "; the load generator was late enough to explain it"
            return missed + (late if objective.get("explained_by_generator") else "")
        case "insufficient":
            lacking = f"{objective['samples']:,} samples do not suffice to judge {metric_text(objective['metric'])}"
            return f"{lacking}: {counted}" if counted else lacking
        case "advisory":
            return "its objective is advisory: the plan expects too few requests there"
        case _:
            name = metric_text(objective["metric"])
            return f"too few requests for a {name}; their count decides" if counted else ""
