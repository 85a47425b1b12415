"""The sentence a run ends with."""

from __future__ import annotations

from typing import Any

import pytest

from harness.verdict.headline import headline

SUMMARY: dict[str, Any] = {
    "by_site": {"river": {}, "lake": {}, "hill": {}},
    "overall": {"requests": 5000},
    "concurrency": {"peak_clinicians": 240},
}


def verdict(outcome: str, **more: Any) -> dict[str, Any]:
    return {"verdict": outcome, "rehearsal": False, "objectives": [], "validity": [], "findings": [], **more}


def objective(scope: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "id": "it",
        "scope": scope,
        "metric": "p95_ms",
        "bound": 1000.0,
        "figure": 1320.0,
        "required": True,
        "outcome": "fail",
        **more,
    }


def test_sites_that_miss_their_objective_are_counted_once_each() -> None:
    missed = [objective({"site": "river"}), objective({"site": "river"}, id="p99"), objective({"site": "lake"})]
    advisory = objective({"site": "hill"}, required=False)
    assert headline(verdict("fail", objectives=[*missed, advisory]), SUMMARY) == "2 of 3 sites miss their objective"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "the p95 response time of the network is 1.32 s, allowed are 1.00 s"),
        ({"figure": None}, "the p95 response time of the network is above 1.00 s"),
        (
            {"metric": "error_rate", "bound": 0.001, "figure": 0.0213},
            "the error rate of the network is 2.1%, allowed are 0.10%",
        ),
    ],
)
def test_a_network_that_misses_its_objective_is_told_in_figures(more: dict[str, Any], sentence: str) -> None:
    assert headline(verdict("fail", objectives=[objective({}, **more)]), SUMMARY) == sentence


def test_an_invalid_run_says_why_first_and_how_many_reasons_more() -> None:
    checks = [
        {"check": "too-short", "outcome": "fail", "detail": "the load lasted 5 s, at least 10 s are needed"},
        {"check": "cpu", "outcome": "pass", "detail": "fine"},
        {"check": "slots", "outcome": "fail", "detail": "one was cut off"},
    ]
    text = headline(verdict("invalid", validity=checks), SUMMARY)
    assert text == "this run cannot be trusted: the load lasted 5 s, at least 10 s are needed (and 1 more)"
    assert headline(verdict("invalid"), SUMMARY) == "this run cannot be trusted"


def test_an_outage_is_told_before_all_else() -> None:
    findings = [{"kind": "outage", "scope": {}, "evidence": {"from_s": 20.3}, "sentence": "Gone."}]
    assert headline(verdict("fail", findings=findings), SUMMARY) == "Gone"


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        (["pass", "pass", "pass"], ""),
        (["pass", "pass", "advisory"], "; 2 of 3 sites had enough requests to be judged each on its own"),
        (["pass", "advisory", "advisory"], "; 1 of 3 sites had enough requests to be judged on its own"),
        (["advisory"] * 3, "; no site had enough requests to be judged on its own"),
        ([], ""),
    ],
)
def test_a_pass_says_how_many_sites_were_judged_each_on_its_own(outcomes: list[str], told: str) -> None:
    objectives = [
        objective({"site": site}, required=outcome != "advisory", outcome="pass")
        for site, outcome in zip(SUMMARY["by_site"], outcomes, strict=False)
    ]
    text = headline(verdict("pass", objectives=objectives), SUMMARY)
    assert text == f"3 sites with 240 clinicians at once kept every required objective{told}"
