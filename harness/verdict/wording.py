"""Figures and scopes in the sentences of a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from harness.units import duration_text

__all__ = ["METRIC_WORDS", "figure_text", "ms_text", "scope_text", "share_text"]

METRIC_WORDS: Mapping[str, str] = {
    "p50_ms": "median response time",
    "p90_ms": "p90 response time",
    "p95_ms": "p95 response time",
    "p99_ms": "p99 response time",
    "error_rate": "error rate",
    "waited_p95_ms": "p95 waiting time of a workflow",
    "failed_workflow_rate": "rate of failed workflows",
}


def ms_text(milliseconds: float) -> str:
    """`412 ms`, `3.91 s`."""
    return f"{milliseconds:.1f} ms" if 0 < milliseconds < 10 else duration_text(milliseconds / 1000)


def share_text(share: float) -> str:
    """`0%`, `0.02%`, `4.1%`."""
    if share == 0:
        return "0%"
    return "<0.01%" if share < 0.0001 else f"{share:.2%}" if share < 0.01 else f"{share:.1%}"


def figure_text(metric: str, value: float) -> str:
    return ms_text(value) if metric.endswith("_ms") else share_text(value)


def scope_text(scope: Mapping[str, str]) -> str:
    """`the network`, `river`."""
    return ", ".join(scope.values()) or "the network"
