from typing import Any

from harness.report.sites import site_rows, slowest_failing_site


def objective(site: str, figure: float | None, outcome: str, *, required: bool = True, **more: Any) -> dict[str, Any]:
    usual = {"id": "site-p95", "metric": "p95_ms", "bound": 1000.0, "samples": 900}
    return {**usual, "scope": {"site": site}, "figure": figure, "outcome": outcome, "required": required, **more}


def rows(
    objectives: list[dict[str, Any]],
    findings: list[dict[str, Any]] | None = None,
    sites: str = "abc",
    p95_ms: float | None = 120.0,
) -> Any:
    summary = {
        "by_site": {site: {"requests": 900, "p95_ms": p95_ms, "error_rate": 0.0, "max_ms": None} for site in sites},
        "concurrency": {"peak_clinicians_by_site": {"a": 80}},
    }
    return site_rows(summary, {"objectives": objectives, "findings": findings or []})


def test_failing_sites_come_first_then_those_not_judged_then_the_nearest_to_the_bound() -> None:
    found = rows(
        [
            objective("a", 200.0, "pass"),
            objective("b", 900.0, "pass"),
            objective("c", 1500.0, "fail"),
            objective("d", None, "insufficient", samples=12),
        ],
        sites="abcd",
    )
    assert [(row.site, row.outcome) for row in found] == [
        ("c", "fail"),
        ("d", "insufficient"),
        ("b", "pass"),
        ("a", "pass"),
    ]
    assert found[0].why == "p95 is 1.50 s, allowed is 1.00 s"
    assert found[1].why == "12 samples do not suffice to judge p95"
    assert found[2].why == ""


def test_the_finding_about_a_site_says_why_and_another_sites_does_not() -> None:
    finding = {"scope": {"site": "a"}, "sentence": "a is slow."}
    by_name = {
        row.site: row for row in rows([objective("a", 1500.0, "fail"), objective("b", 1200.0, "fail")], [finding])
    }
    assert by_name["a"].why == "a is slow."
    assert by_name["b"].why == "p95 is 1.20 s, allowed is 1.00 s"


def test_an_advisory_failure_does_not_make_a_site_fail() -> None:
    (row,) = rows([objective("a", 1500.0, "fail", required=False)], sites="a")
    assert row.outcome == "advisory"
    assert row.objective == "p95 ≤ 1.00 s"
    assert "too few" in row.why


def test_an_advisory_failure_does_not_hide_that_what_is_required_passed() -> None:
    advisory = objective("a", 5000.0, "fail", required=False, metric="p99_ms", bound=3000.0)
    (row,) = rows([advisory, objective("a", 200.0, "pass")], sites="a")
    assert (row.outcome, row.objective) == ("pass", "p95 ≤ 1.00 s")


def test_the_objective_that_fails_is_shown_rather_than_one_that_passes() -> None:
    errors = objective("a", 0.02, "fail", metric="error_rate", bound=0.001)
    (row,) = rows([objective("a", 200.0, "pass"), errors], sites="a")
    assert (row.outcome, row.objective) == ("fail", "errors ≤ 0.10%")


def test_a_site_without_an_objective_says_so() -> None:
    (row,) = rows([], sites="a")
    assert (row.outcome, row.objective, row.why) == ("advisory", "none", "no objective is set for this site")


def test_heads_at_the_peak_are_those_measured_and_a_dash_where_they_are_not() -> None:
    by_name = {row.site: row.on_duty for row in rows([], sites="ab")}
    assert by_name == {"a": 80, "b": None}


def test_errors_where_none_are_allowed_count_as_beyond_the_bound() -> None:
    some = objective("a", 0.01, "fail", metric="error_rate", bound=0.0)
    (row,) = rows([some], sites="a")
    assert row.trouble == 1.0


def test_where_a_count_decided_for_want_of_a_p95_the_count_is_shown() -> None:
    (row,) = rows([objective("a", None, "pass", samples=142, above=0)], sites="a", p95_ms=None)
    assert row.beyond == "0 of 142 over 1.00 s"
    assert row.why == "too few requests for a p95; their count decides"


def test_a_site_that_fails_by_its_count_says_the_count_and_what_is_allowed() -> None:
    (row,) = rows([objective("a", None, "fail", samples=142, above=60)], sites="a", p95_ms=None)
    assert row.why == "60 of 142 over 1.00 s, allowed are 5.0%"
    (unsure,) = rows([objective("a", None, "insufficient", samples=12, above=1)], sites="a", p95_ms=None)
    assert unsure.why == "12 samples do not suffice to judge p95: 1 of 12 over 1.00 s"


def test_a_site_with_a_p95_needs_no_count_and_one_without_requests_has_none() -> None:
    (known,) = rows([objective("a", 120.0, "pass", above=0)], sites="a")
    (silent,) = rows([objective("a", None, "insufficient", samples=0, above=0)], sites="a", p95_ms=None)
    assert (known.beyond, silent.beyond) == ("", "")


def test_of_sites_judged_by_their_count_the_one_with_most_over_the_bound_is_the_worst() -> None:
    found = rows(
        [
            objective(site, None, "fail", samples=100, above=above)
            for site, above in zip("abc", (20, 90, 50), strict=True)
        ]
    )
    assert [row.site for row in found] == ["b", "c", "a"]


def test_the_slowest_failing_site_is_the_worst_of_those_that_fail_by_time() -> None:
    errors = objective("a", 0.5, "fail", metric="error_rate", bound=0.001)
    found = rows([errors, objective("b", 1200.0, "fail"), objective("c", 1500.0, "fail")])
    assert slowest_failing_site(found) == "c"
    assert slowest_failing_site(rows([errors, objective("b", 120.0, "pass")])) is None


def test_a_site_where_nobody_was_is_told_and_comes_last() -> None:
    summary = {
        "by_site": {
            "a": {"requests": 0, "p95_ms": None, "error_rate": None},
            "b": {"requests": 900, "p95_ms": 120.0, "error_rate": 0.0},
        },
        "concurrency": {"peak_clinicians_by_site": {"a": 0, "b": 80}},
    }
    found = site_rows(summary, {"objectives": [objective("b", 120.0, "pass")], "findings": []})
    assert [(row.site, row.silent) for row in found] == [("b", False), ("a", True)]
    assert found[1].why == "nobody was on duty, and nothing was asked"


def test_a_bound_of_a_sites_own_is_shown_as_such() -> None:
    (row,) = rows([objective("a", 120.0, "pass", bound=2000.0, own_bound=True)], sites="a")
    assert row.objective == "p95 ≤ 2.00 s (its own)"


def test_sites_of_which_nothing_is_required_come_after_those_that_passed_the_slowest_first() -> None:
    summary = {
        "by_site": {
            site: {"requests": 90, "p95_ms": None, "max_ms": max_ms, "error_rate": 0.0}
            for site, max_ms in (("a", 40.0), ("b", 90.0), ("c", 20.0), ("d", 10.0))
        },
        "concurrency": {},
    }
    objectives = [
        *(objective(site, None, "pass", required=False, samples=90, above=0) for site in "ab"),
        objective("c", None, "pass", samples=90, above=0),
        objective("d", 100.0, "pass"),
    ]
    assert [row.site for row in site_rows(summary, {"objectives": objectives})] == ["d", "c", "b", "a"]
