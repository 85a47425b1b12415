"""What a run tells its user to do next; what is to be typed works as it stands."""

from __future__ import annotations

from typing import Any

from harness.verdict import next_steps

SUMMARY: dict[str, Any] = {"by_site": {"river": {}, "lake": {}, "hill": {}}}
MANIFEST: dict[str, Any] = {
    "scenario": "morning-rush",
    "seed": 7,
    "sites": 3,
    "target": {"url": "http://127.0.0.1:8090/fhir", "sandbox": True},
}
OWN_SERVER: dict[str, Any] = {**MANIFEST, "target": {"url": "http://127.0.0.1:8080/fhir", "sandbox": False}}


def verdict(outcome: str, **more: Any) -> dict[str, Any]:
    return {"verdict": outcome, "rehearsal": False, "objectives": [], "validity": [], "findings": [], **more}


def test_an_invalid_run_says_how_to_mend_it_and_how_to_run_it_again() -> None:
    checks = [{"check": "too-short", "outcome": "fail", "detail": ""}, {"check": "cpu", "outcome": "pass"}]
    steps = next_steps(verdict("invalid", validity=checks), SUMMARY, MANIFEST)
    assert steps == [
        "Play for longer: `--duration 60s` or more",
        "Then run again: `emrload run morning-rush --sites 3 --seed 7 --target sandbox`",
    ]


def test_a_run_that_was_too_short_is_not_repeated_as_short() -> None:
    def again(duration_s: float, check: str) -> str:
        manifest = {**MANIFEST, "time_lapse": 9.0, "duration_s": duration_s}
        checks = [{"check": check, "outcome": "fail", "detail": ""}]
        return next_steps(verdict("invalid", validity=checks), SUMMARY, manifest)[1].rpartition("--duration ")[2]

    assert again(10.0, "too-short") == "60s`"
    assert again(90.0, "enough-samples") == "180s`"
    assert again(90.0, "cpu") == "90s`"


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


def test_more_sites_on_a_server_of_ones_own_need_their_people_first() -> None:
    steps = next_steps(verdict("pass"), SUMMARY, OWN_SERVER)
    people = "--sites 6 --seed 7 --target http://127.0.0.1:8080/fhir"
    assert (
        steps[0]
        == f"See whether it holds more. First create the people of 6 sites: `emrload seed morning-rush {people}`"
    )
    assert steps[1] == f"Then let them work: `emrload run morning-rush {people}`"


def test_the_same_sites_again_need_nobody_new() -> None:
    steps = next_steps(verdict("fail"), SUMMARY, OWN_SERVER)
    assert not any("emrload seed" in step for step in steps)


def test_what_is_to_be_typed_repeats_what_was_typed() -> None:
    """The scenario's own file, its changes, the processes, and the word that the host may be loaded."""
    manifest = {
        **MANIFEST,
        "asked": {"scenario": "my clinics/früh.yaml", "sets": ["think_factor=0.5"]},
        "workers": 2,
        "target": {"url": "https://ehr.example.org/r4", "sandbox": False, "i_own": "ehr.example.org"},
    }
    where = "--target https://ehr.example.org/r4 --i-own ehr.example.org"
    people = f"'my clinics/früh.yaml' --sites 6 --seed 7 {where} --set think_factor=0.5"
    steps = next_steps(verdict("pass"), SUMMARY, manifest)
    assert f"`emrload seed {people}`" in steps[0]
    assert f"`emrload run {people} --workers 2`" in steps[1]
    assert f"`emrload cleanup {where}`" in steps[-1]


def test_the_people_to_look_for_on_ones_own_server_are_those_of_this_run() -> None:
    step = next_steps(verdict("pass"), SUMMARY, MANIFEST)[-1]
    assert step == "The same against your own server: `emrload check morning-rush --sites 3 --seed 7 --target URL`"


def test_true_speed_is_shown_in_a_window_that_the_scenario_has() -> None:
    def window(*timeline_h: float) -> str:
        manifest = {**MANIFEST, "timeline": [hour * 3600 for hour in timeline_h]}
        return next_steps(verdict("pass", rehearsal=True), SUMMARY, manifest)[-1].rpartition("--window ")[2].rstrip("`")

    assert window(6.5, 10.5) == "08:45..09:15"
    assert window(14.0, 18.0) == "15:45..16:15"
    assert window(14.0, 14.25) == "14:00..14:15"
