"""What a run tells its user to do next; what is to be typed works as it stands."""

from __future__ import annotations

from typing import Any

import pytest

from harness.verdict.guidance import next_steps, run_with_seed

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


@pytest.mark.parametrize(
    ("manifest", "more"),
    [
        ({}, "more processes: `--workers 2`"),
        ({"workers": 2}, "more processes: `--workers 4`"),
        ({"workers": 3, "fleet": {"bind": "10.0.0.1:5556"}}, "more hosts: `--expect-workers 6`"),
    ],
)
def test_a_busy_generator_is_to_have_more_than_it_had(manifest: dict[str, Any], more: str) -> None:
    steps = next_steps(verdict("invalid", validity=[{"check": "cpu", "outcome": "fail"}]), SUMMARY, MANIFEST | manifest)
    assert steps[0] == f"Give the load generator a machine with free cores, or {more}"


def test_a_run_that_was_too_short_is_not_repeated_as_short() -> None:
    def again(duration_s: float, check: str) -> str:
        manifest = {**MANIFEST, "time_lapse": 9.0, "duration_s": duration_s}
        checks = [{"check": check, "outcome": "fail", "detail": ""}]
        return next_steps(verdict("invalid", validity=checks), SUMMARY, manifest)[1].rpartition("--duration ")[2]

    assert again(10.0, "too-short") == "60s`"
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


def test_a_greedy_site_stays_greedy_when_it_is_played_again() -> None:
    steps = next_steps(verdict("fail"), SUMMARY, {**MANIFEST, "greedy": {"lake": 4.0}})
    assert steps[-1].endswith("--target sandbox --greedy lake=4`")


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


def test_the_servers_that_sites_have_of_their_own_are_cleaned_and_owned_too() -> None:
    own = [{"url": "https://east.example.org/r4", "i_own": "east.example.org"}]
    target = {"url": "http://127.0.0.1:8080/fhir", "sandbox": False, "i_own": "", "endpoints": own}
    steps = next_steps(verdict("pass"), SUMMARY, {**MANIFEST, "target": target})
    assert "--target http://127.0.0.1:8080/fhir --i-own east.example.org`" in steps[0]
    assert [step.partition("`")[2] for step in steps if "cleanup" in step] == [
        "emrload cleanup --target http://127.0.0.1:8080/fhir`",
        "emrload cleanup --target https://east.example.org/r4 --i-own east.example.org`",
    ]
    beside_a_sandbox = {**MANIFEST, "target": {**target, "sandbox": True}}
    steps = next_steps(verdict("pass"), SUMMARY, beside_a_sandbox)
    assert "`emrload seed morning-rush --sites 6 --seed 7 --i-own east.example.org`" in steps[0]
    assert "--target sandbox --i-own east.example.org`" in steps[1]


def test_a_run_with_patients_of_a_file_is_run_again_with_them_and_nobody_is_seeded() -> None:
    asked = {"scenario": "morning-rush", "sets": [], "patients": "my patients.csv"}
    steps = next_steps(verdict("pass"), SUMMARY, {**OWN_SERVER, "asked": asked})
    assert "--patients 'my patients.csv'`" in steps[0]
    assert not any("emrload seed" in step for step in steps)


def test_the_links_of_failing_sites_are_one_step_and_those_of_others_none() -> None:
    findings = [
        {
            "kind": "link-bound",
            "scope": {"link": "rural-dsl"},
            "evidence": {"link": "rural-dsl", "by_site": {"hill": 0.9, "lake": 0.8, "river": 0.6}},
        }
    ]
    missed = [
        {"scope": {"site": site}, "required": True, "outcome": outcome}
        for site, outcome in (("river", "fail"), ("lake", "fail"), ("hill", "pass"))
    ]
    steps = next_steps(verdict("fail", findings=findings, objectives=missed), SUMMARY, MANIFEST)
    assert steps[0] == "Look at the link of lake (rural-dsl) and of 1 other site before the server"
    assert len(steps) == 2


def test_a_window_on_a_later_day_is_told_with_its_day() -> None:
    days = {**MANIFEST, "window": [2 * 86_400 + 46_800, 2 * 86_400 + 50_400]}
    assert next_steps(verdict("fail"), SUMMARY, days)[-1].endswith("--window 2d13:00..2d14:00`")
    first = {**MANIFEST, "timeline": [0, 259_200], "window": [46_800, 50_400]}
    assert next_steps(verdict("fail"), SUMMARY, first)[-1].endswith("--window 0d13:00..0d14:00`")
    played = {**MANIFEST, "timeline": [0, 259_200], "played": [2 * 86_400 + 46_800, 2 * 86_400 + 61_200]}
    steps = next_steps(verdict("pass", rehearsal=True), SUMMARY, played)
    assert steps[-1].endswith("--window 2d14:45..2d15:15`")


def test_who_has_a_sites_file_is_told_to_use_it_again_and_to_write_more_sites_into_it() -> None:
    asked = {"asked": {"scenario": "morning-rush", "sets": [], "sites_file": "our sites.csv"}}
    more, *_ = next_steps(verdict("pass"), SUMMARY, {**MANIFEST, **asked})
    run = "emrload run morning-rush --sites-file 'our sites.csv' --seed 7 --target sandbox"
    assert more == f"See whether it holds more. Write more sites into our sites.csv first. Then: `{run}`"
    create, work, *_ = next_steps(verdict("pass"), SUMMARY, {**OWN_SERVER, **asked})
    assert "create the people of the sites that are new: `emrload seed morning-rush --sites-file" in create
    assert "--sites-file 'our sites.csv' --seed 7 --target http://127.0.0.1:8080/fhir`" in work


def lacking(metric: str, bound: float, samples: int, above: int = 0) -> dict[str, Any]:
    """A required objective that could not be told."""
    row = {"metric": metric, "bound": bound, "samples": samples, "effective_samples": float(samples), "above": above}
    return {**row, "scope": {}, "required": True, "outcome": "insufficient"}


@pytest.mark.parametrize(
    ("objectives", "again"),
    [
        ([lacking("error_rate", 0.01, 150)], "300s"),  # 450 are needed, at 1.5 a second
        ([lacking("error_rate", 0.01, 150, above=1)], "720s"),  # 1,000, so that the rate itself decides
        ([lacking("p95_ms", 1000.0, 40), lacking("error_rate", 0.01, 100)], "480s"),
        ([lacking("error_rate", 0.01, 0)], "200s"),
        ([lacking("error_rate", 0.0, 100)], "200s"),
    ],
)
def test_after_too_few_samples_the_time_proposed_follows_from_the_rate_that_was_seen(
    objectives: list[dict[str, Any]], again: str
) -> None:
    checks = [{"check": "enough-samples", "outcome": "fail", "detail": ""}]
    manifest = {**MANIFEST, "time_lapse": 9.0, "duration_s": 100.0}
    summary = {**SUMMARY, "load_s": 100.0}
    steps = next_steps(verdict("invalid", validity=checks, objectives=objectives), summary, manifest)
    assert steps[-1].endswith(f"--duration {again}`")


def test_a_window_with_too_few_samples_is_made_longer_within_its_timeline() -> None:
    checks = [{"check": "enough-samples", "outcome": "fail", "detail": ""}]
    objectives = [lacking("error_rate", 0.01, 45)]

    def window(start_s: float, timeline: list[float]) -> str:
        manifest = {**MANIFEST, "window": [start_s, start_s + 60], "timeline": timeline, "duration_s": 60.0}
        invalid = verdict("invalid", validity=checks, objectives=objectives)
        return next_steps(invalid, {**SUMMARY, "load_s": 60.0}, manifest)[-1].rpartition(" --")[2]

    assert window(32_400.0, [23_400.0, 37_800.0]) == "window 09:00..09:10`"
    assert window(32_400.0, [23_400.0, 32_460.0]) == "window 08:51..09:01`"
    assert window(32_400.0, [32_400.0, 32_460.0]) == "duration 600s`"


def test_at_true_speed_clinicians_think_as_in_life_and_a_minute_becomes_half_an_hour() -> None:
    manifest = {
        **MANIFEST,
        "asked": {"scenario": "morning-rush", "sets": ["think_factor=0.05", "story=a"]},
        "timeline": [23_400, 37_800],
        "played": [32_400, 32_460],
        "window": [32_400, 32_460],
    }
    step = next_steps(verdict("pass", rehearsal=True), SUMMARY, manifest)[-1]
    assert step.endswith("--target sandbox --set story=a --window 08:45:30..09:15:30`")
    assert "think_factor" not in step


def test_a_workflow_that_stands_still_is_to_be_mended_and_no_machine_to_be_bought() -> None:
    names = ("generator-stall", "workers", "clinician-time")
    checks = [{"check": name, "outcome": "fail", "detail": ""} for name in names]

    def steps(fault: str) -> list[str]:
        found = {
            "kind": "failed-workflows",
            "scope": {"workflow": "shots"},
            "evidence": {"own_fault": fault} if fault else {},
            "sentence": "",
        }
        return next_steps(verdict("invalid", validity=checks, findings=[found]), SUMMARY, MANIFEST)

    still, raised, other = steps("stood still for 3 s, mine.py:10"), steps("ValueError at mine.py:10"), steps("")
    assert still[0] == "Mend shots in its own file: stood still for 3 s, mine.py:10"
    assert len(still) == 2
    assert raised[0] == "Mend shots in its own file: ValueError at mine.py:10"
    assert any("free cores" in step for step in raised)
    assert other[0] == "Look at what shots was answered: failures.jsonl has the ids of the requests"


def test_after_a_calibration_there_is_nothing_to_clean_up():
    (step,) = next_steps({"verdict": "pass", "rehearsal": False}, {"by_site": {}}, {"calibration": True})
    assert "`emrload calibrate`" in step


def test_another_seed_has_people_of_its_own_who_must_be_created_on_a_server_of_ones_own() -> None:
    assert run_with_seed(MANIFEST, 8) == "`emrload run morning-rush --sites 3 --seed 8 --target sandbox`"
    target = "--sites 3 --seed 8 --target http://127.0.0.1:8080/fhir"
    assert run_with_seed(OWN_SERVER, 8) == (
        f"first `emrload seed morning-rush {target}` for its people, then `emrload run morning-rush {target}`"
    )
    with_patients = {**OWN_SERVER, "asked": {"scenario": "morning-rush", "patients": "patients.csv"}}
    assert "emrload seed" not in run_with_seed(with_patients, 8)
