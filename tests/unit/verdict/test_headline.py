"""The sentence a run ends with, and what it tells the user to do next."""

from __future__ import annotations

from typing import Any

import pytest

from harness.verdict import headline, next_steps

SUMMARY: dict[str, Any] = {
    "by_site": {"river": {}, "lake": {}, "hill": {}},
    "overall": {"requests": 5000},
    "concurrency": {"peak_clinicians": 240},
}
MANIFEST: dict[str, Any] = {
    "scenario": "morning-rush",
    "seed": 7,
    "sites": 3,
    "target": {"url": "http://127.0.0.1:8090/fhir", "sandbox": True},
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
    steps = next_steps(verdict("invalid", validity=checks), SUMMARY, MANIFEST)
    assert "--duration" in steps[0]
    assert steps[-1] == "Then run again: `emrload run morning-rush --sites 3 --seed 7 --target sandbox`"


def test_after_a_pass_the_next_question_is_whether_it_holds_more() -> None:
    steps = next_steps(verdict("pass"), SUMMARY, MANIFEST)
    assert "`emrload run morning-rush --sites 6 --seed 7 --target sandbox`" in steps[0]
    assert "emrload check" in steps[1]


def test_the_next_run_is_as_long_as_this_one() -> None:
    lapse = next_steps(verdict("pass"), SUMMARY, {**MANIFEST, "time_lapse": 240.0, "duration_s": 60.0})
    assert "--sites 6 --seed 7 --target sandbox --duration 60s`" in lapse[0]
    window = next_steps(verdict("fail"), SUMMARY, {**MANIFEST, "window": [31_500.0, 33_300.0]})
    assert window[-1].endswith("--window 08:45..09:15`")


def test_after_a_run_against_a_real_server_cleaning_up_is_named() -> None:
    manifest = {**MANIFEST, "target": {"url": "http://127.0.0.1:8080/fhir", "sandbox": False}}
    steps = next_steps(verdict("pass"), SUMMARY, manifest)
    assert "`emrload cleanup --target http://127.0.0.1:8080/fhir`" in steps[-1]
    assert "--target http://127.0.0.1:8080/fhir" in steps[0]


def test_a_rehearsal_points_to_true_speed() -> None:
    steps = next_steps(verdict("pass", rehearsal=True), SUMMARY, MANIFEST)
    assert any("--window" in step for step in steps)


def test_after_a_fail_each_kind_of_finding_says_where_to_look() -> None:
    findings = [
        {"kind": "outage", "scope": {}, "evidence": {"from_s": 20.3}, "sentence": "Gone."},
        {"kind": "operation-errors", "scope": {"operation": "Patient.read"}, "evidence": {}, "sentence": ""},
        {"kind": "slow-site", "scope": {"site": "river"}, "evidence": {}, "sentence": ""},
        {"kind": "failed-workflows", "scope": {"workflow": "find-history"}, "evidence": {}, "sentence": ""},
        {"kind": "conflicts", "scope": {}, "evidence": {}, "sentence": ""},
    ]
    steps = next_steps(verdict("fail", findings=findings), SUMMARY, MANIFEST)
    assert len(steps) == 5
    assert "20 s" in steps[0]
    assert "Patient.read" in steps[1]
    assert "river" in steps[2]
    assert "find-history" in steps[3]
    assert "emrload run" in steps[4]
    assert headline(verdict("fail", findings=findings), SUMMARY) == "Gone"
