"""One row a site: what it carried, how it did against its objective, and why; the worst first.

Read from a finished summary and a finished verdict; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.wording import figure_text, metric_text

__all__ = ["SiteRow", "site_rows"]

_ROW_ORDER = {"fail": 0, "insufficient": 1, "advisory": 2, "pass": 3}
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
    objective: str
    """The site's decisive objective in words: the one that went worst."""
    error_rate: float | None
    outcome: str
    """`fail`, `insufficient`, `advisory` (nothing required of it) or `pass`."""
    why: str
    trouble: float
    """How far the decisive figure is along its bound: 1 is at the bound; orders sites of the same outcome."""


def site_rows(summary: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[SiteRow]:
    """Rows of every site, failing ones first, then by how near they are to their bound."""
    heads = summary["concurrency"].get("peak_clinicians_by_site", {})
    rows = [_row(site, figures, verdict, heads.get(site)) for site, figures in sorted(summary["by_site"].items())]
    return sorted(rows, key=lambda row: (_ROW_ORDER[row.outcome], -row.trouble))


def _row(site: str, figures: Mapping[str, Any], verdict: Mapping[str, Any], on_duty: int | None) -> SiteRow:
    objectives = [each for each in verdict.get("objectives", ()) if each["scope"] == {"site": site}]
    decisive = min(objectives, key=_severity, default=None)
    outcome = _outcome_of(decisive)
    findings = [each for each in verdict.get("findings", ()) if each["scope"].get("site") == site]
    return SiteRow(
        site=site,
        on_duty=on_duty,
        requests=int(figures["requests"]),
        p95_ms=figures.get("p95_ms"),
        objective=_objective_text(decisive),
        error_rate=figures.get("error_rate"),
        outcome=outcome,
        why=_why(decisive, outcome, findings),
        trouble=0.0 if decisive is None else _trouble(decisive),
    )


def _severity(objective: Mapping[str, Any]) -> tuple[int, float]:
    return _DECISIVE_ORDER[_outcome_of(objective)], -_trouble(objective)


def _outcome_of(objective: Mapping[str, Any] | None) -> str:
    if objective is None or not objective["required"]:
        return "advisory"
    return str(objective["outcome"])


def _trouble(objective: Mapping[str, Any]) -> float:
    figure, bound = objective.get("figure"), objective["bound"]
    if figure is None:
        return 0.0
    return float(figure / bound) if bound else float(figure > 0)


def _objective_text(objective: Mapping[str, Any] | None) -> str:
    if objective is None:
        return "none"
    return f"{metric_text(objective['metric'])} ≤ {figure_text(objective['metric'], objective['bound'])}"


def _why(objective: Mapping[str, Any] | None, outcome: str, findings: Sequence[Mapping[str, Any]]) -> str:
    if findings:
        return str(findings[0]["sentence"])
    if objective is None:
        return "no objective is set for this site"
    figure = figure_text(objective["metric"], objective.get("figure"))
    bound = figure_text(objective["metric"], objective["bound"])
    match outcome:
        case "fail":
            missed = f"{metric_text(objective['metric'])} is {figure}, allowed is {bound}"
            late = "; the load generator was late enough to explain it"
            return missed + (late if objective.get("explained_by_generator") else "")
        case "insufficient":
            return f"{objective['samples']:,} samples do not suffice to judge {metric_text(objective['metric'])}"
        case "advisory":
            return "its objective is advisory: the plan expects too few requests there"
        case _:
            return ""
