"""What a run can be held to is fixed before the load, and the reason is given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness.analysis.intervals import share_interval
from harness.plan import ExpectedLoad, Requirement, compile_plan, required_objectives
from harness.plan.objectives import fewest_samples, samples_needed
from harness.scenario.model import Objective, RunSpec

Make = Callable[..., RunSpec]
EXPECTED = ExpectedLoad(
    requests={("lake", "charting"): 200.0, ("river", "charting"): 80.0},
    peak_per_s={},
    busiest_per_s={},
    by_operation={("lake", "Patient.read"): 150.0, ("lake", "Encounter.update"): 50.0, ("river", "Patient.read"): 80.0},
    by_workflow={("lake", "nurse", "chart"): 100.0, ("river", "nurse", "chart"): 40.0},
    by_workflow_finished={("lake", "nurse", "chart"): 60.0, ("river", "nurse", "chart"): 20.0},
    by_workflow_requests={("lake", "nurse", "chart"): 200.0, ("river", "nurse", "chart"): 80.0},
)


def requirements(
    make_spec: Make, scope: str, metric: str, bound: float = 1000.0, **more: object
) -> Sequence[Requirement]:
    objective = {"id": "it", "scope": scope, "metric": metric, "bound": bound, **more}
    return required_objectives(compile_plan(make_spec(objectives=[objective])), EXPECTED)


@pytest.mark.parametrize(
    ("metric", "bound", "needed"),
    [
        ("p50_ms", 1.0, 9),
        ("p95_ms", 1.0, 90),
        ("waited_p95_ms", 1.0, 90),
        ("p99_ms", 1.0, 450),
        ("error_rate", 0.01, 450),
    ],
)
def test_samples_needed_are_four_and_a_half_beyond_the_percentile(metric: str, bound: float, needed: int) -> None:
    objective = Objective.model_validate(
        {"id": "it", "scope": "network", "metric": metric, "bound": bound, "required": True, "source": "assumption"}
    )
    assert samples_needed(objective) == pytest.approx(needed)


def test_a_bound_of_no_errors_at_all_cannot_be_shown_by_any_number() -> None:
    objective = Objective(
        id="it", scope="each-site", metric="error_rate", bound=0.0, required=True, source="assumption"
    )
    assert samples_needed(objective) == math.inf


def test_a_site_that_expects_too_few_is_advisory_and_the_others_are_not(make_spec: Make) -> None:
    found = requirements(make_spec, "each-site", "p95_ms")
    assert [(each.scope, each.required, each.expected_samples) for each in found] == [
        ({"site": "lake"}, True, 200.0),
        ({"site": "river"}, False, 80.0),
    ]
    assert [each.why for each in found] == ["enough samples", "too few samples"]


@pytest.mark.parametrize(("metric", "bound"), [("p95_ms", 1000.0), ("error_rate", 0.0001)])
def test_the_networks_p95_and_error_rate_are_required_however_few(make_spec: Make, metric: str, bound: float) -> None:
    (found,) = requirements(make_spec, "network", metric, bound)
    assert (found.scope, found.required, found.why) == ({}, True, "always, for the network")


def test_the_networks_p99_is_not(make_spec: Make) -> None:
    (found,) = requirements(make_spec, "network", "p99_ms")
    assert (found.required, found.expected_samples) == (False, 280.0)


def test_what_the_scenario_calls_advisory_stays_so(make_spec: Make) -> None:
    found = requirements(make_spec, "network", "error_rate", 0.5, required=False)
    assert [(each.required, each.why) for each in found] == [(False, "the scenario says so")]


def test_a_metric_over_workflows_counts_the_runs_that_finish(make_spec: Make) -> None:
    (found,) = requirements(make_spec, "each-workflow", "waited_p95_ms")
    assert (found.scope, found.expected_samples, found.required) == ({"workflow": "chart"}, 80.0, False)
    (found,) = requirements(make_spec, "each-workflow", "p95_ms")
    assert (found.expected_samples, found.required) == (280.0, True)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("each-operation", {"Patient.read": 230.0, "Encounter.update": 50.0}),
        ("each-lane", {"charting": 280.0}),
        ("each-persona", {"nurse": 280.0}),
    ],
)
def test_scopes_are_what_the_plan_expects_anything_of(make_spec: Make, scope: str, expected: dict[str, float]) -> None:
    key = scope.removeprefix("each-")
    found = requirements(make_spec, scope, "p50_ms")
    assert {each.scope[key]: each.expected_samples for each in found} == expected


def test_only_narrows_the_scopes_and_a_name_that_never_comes_is_advisory(make_spec: Make) -> None:
    found = requirements(make_spec, "each-operation", "p50_ms", only=["Patient.read", "Coverage.read"])
    assert [(each.scope["operation"], each.required) for each in found] == [
        ("Patient.read", True),
        ("Coverage.read", False),
    ]


@pytest.mark.parametrize(
    ("scope", "required"), [("each-operation", False), ("each-workflow", False), ("each-site", True)]
)
def test_what_follows_from_charts_that_are_not_ours_is_advisory(make_spec: Make, scope: str, required: bool) -> None:
    objective = {"id": "it", "scope": scope, "metric": "p95_ms", "bound": 1000.0}
    plan = compile_plan(make_spec(objectives=[objective]))
    found = required_objectives(replace(plan, spec=plan.spec.model_copy(update={"seeded": False})), EXPECTED)
    lake = next(one for one in found if next(iter(one.scope.values())) in ("lake", "Patient.read", "chart"))
    assert lake.required is required


@pytest.mark.parametrize(
    ("metric", "bound", "fewest"),
    [("p95_ms", 1.0, 59), ("p99_ms", 1.0, 299), ("error_rate", 0.01, 299), ("error_rate", 0.0, math.inf)],
)
def test_below_the_fewest_samples_even_a_faultless_run_proves_nothing(metric: str, bound: float, fewest: float) -> None:
    assert fewest_samples(metric, bound) == fewest
    if math.isfinite(fewest):
        allowed = 1 / 20 if metric == "p95_ms" else 0.01
        assert share_interval(0, fewest)[1] < allowed < share_interval(0, fewest - 1)[1]
