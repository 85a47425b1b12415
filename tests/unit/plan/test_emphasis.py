"""A phase shifts what a persona does while it lasts, at each site in its own time."""

from __future__ import annotations

from collections.abc import Callable

from harness.plan import NO_PHASE, compile_plan, phase_at, weights_at
from harness.scenario.model import RunSpec

HOUR = 3600.0
Make = Callable[..., RunSpec]
PASS = {
    "name": "pass",
    "start_s": 8.5 * HOUR,
    "end_s": 9 * HOUR,
    "emphasis": {"nurse": {"medicate": 2.0, "chart": 0.0}},
}


def test_a_phase_holds_from_its_start_up_to_its_end(make_spec: Make) -> None:
    phase = phase_at(compile_plan(make_spec(phases=[PASS])), "lake")
    assert [phase(time_s) for time_s in (0.0, 1799.9, 1800.0, 3599.9, 3600.0)] == [
        NO_PHASE,
        NO_PHASE,
        "pass",
        "pass",
        NO_PHASE,
    ]


def test_a_site_whose_day_is_put_off_is_in_the_phase_later(make_spec: Make) -> None:
    phase = phase_at(compile_plan(make_spec(phases=[PASS], offsets_s={"river": HOUR})), "river")
    assert (phase(1800.0), phase(HOUR + 1800.0)) == (NO_PHASE, "pass")


def test_a_phase_without_a_day_comes_every_day(make_spec: Make) -> None:
    phase = phase_at(compile_plan(make_spec(phases=[PASS], timeline=(0.0, 72 * HOUR))), "lake")
    assert [phase((day * 24 + 8.75) * HOUR) for day in range(3)] == ["pass"] * 3


def test_a_phase_of_one_day_comes_on_that_day_only(make_spec: Make) -> None:
    last = {**PASS, "start_s": 56.5 * HOUR, "end_s": 57 * HOUR}
    phase = phase_at(compile_plan(make_spec(phases=[last], timeline=(0.0, 72 * HOUR))), "lake")
    assert [phase((day * 24 + 8.75) * HOUR) for day in range(3)] == [NO_PHASE, NO_PHASE, "pass"]


def test_a_weight_by_hour_holds_from_its_time_on_and_over_midnight(make_spec: Make) -> None:
    shares = {
        "chart": {"weight": 1.0, "source": "assumption"},
        "medicate": {"weight": 2.0, "by_hour": ((6 * HOUR, 0.5), (9 * HOUR, 3.0)), "source": "assumption"},
    }
    spec = make_spec(personas={"nurse": {"workflows": shares}}, timeline=(0.0, 24 * HOUR))
    weights = weights_at(compile_plan(spec), "lake", "nurse")
    assert [weights(hour * HOUR)["medicate"] for hour in (1, 7, 8.9, 9.1, 23)] == [6.0, 1.0, 1.0, 6.0, 6.0]


def test_the_last_phase_holds_for_whoever_finishes_after_the_end(make_spec: Make) -> None:
    late = {**PASS, "name": "late", "start_s": 9 * HOUR, "end_s": 10 * HOUR}
    assert phase_at(compile_plan(make_spec(phases=[late])), "lake")(2 * HOUR + 10) == "late"


def test_of_phases_that_overlap_the_one_that_began_last_holds(make_spec: Make) -> None:
    inner = {"name": "inner", "start_s": 8.6 * HOUR, "end_s": 8.7 * HOUR}
    phase = phase_at(compile_plan(make_spec(phases=[PASS, inner])), "lake")
    assert [phase(share * HOUR) for share in (0.55, 0.65, 0.75)] == ["pass", "inner", "pass"]


def test_emphasis_multiplies_weights_and_zero_leaves_a_workflow_out(make_spec: Make) -> None:
    weights = weights_at(compile_plan(make_spec(phases=[PASS])), "lake", "nurse")
    assert weights(0.0) == {"chart": 1.0, "medicate": 3.0}
    assert weights(2000.0) == {"medicate": 6.0}


def test_other_personas_are_not_touched(make_spec: Make) -> None:
    assert weights_at(compile_plan(make_spec(phases=[PASS])), "lake", "physician")(2000.0) == {"review": 1.0}
