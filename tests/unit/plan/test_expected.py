"""What a plan expects agrees with sums done by hand, and with every clinician played on the virtual clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.clinic.canned import CannedAnswers, CannedClinician
from harness.clinic.post import Habits, Pace
from harness.clinic.shift import first_wait_s, work_shift
from harness.clinic.virtual import VirtualWorld, virtual_post
from harness.errors import InputError
from harness.plan import ExpectedLoad, Plan, compile_plan, costs_of, expected_load, mean_run_s, weights_at
from harness.plan.costs import Cost
from harness.plan.expected import Work, integrate
from harness.scenario import habits_of, load_scenario, resolve, think_factor_of
from harness.scenario.model import RunSpec

HOUR = 3600.0
FULL = [(8 * HOUR, 1.0), (10 * HOUR, 1.0)]
LANES = {"chart": "charting", "medicate": "orders", "review": "labs"}
QUICK_RUSH = Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml"
Make = Callable[..., RunSpec]


def work_of(plan: Plan, costs: dict[str, Cost]) -> dict[str, Work]:
    return {
        name: Work(
            habits_of(persona), {workflow: costs[workflow] for workflow in (*persona.on_arrival, *persona.workflows)}
        )
        for name, persona in plan.spec.scenario.personas.items()
    }


def test_a_cycle_is_a_pause_thinking_and_two_answers(costs: dict[str, Cost]) -> None:
    pause = Pace(30.0, 0.5)
    work = Work(Habits("nurse", pause, pause, {}), costs)
    assert work.cycle_s({"chart": 1.0, "medicate": 3.0}, 1.0) == pytest.approx(50.0)


def test_who_thinks_longer_has_longer_cycles(costs: dict[str, Cost]) -> None:
    pause = Pace(30.0, 0.5)
    work = Work(Habits("nurse", pause, pause, {}), costs)
    # 30 s between and 19.6 s of thinking twice as long, the answers as quick as before
    assert work.cycle_s({"chart": 1.0}, 2.0) == pytest.approx(2 * 49.6 + 0.4)


def test_what_is_done_on_arrival_is_done_once_by_each_who_arrives(make_spec: Make, costs: dict[str, Cost]) -> None:
    spec = make_spec(personas={"nurse": {"on_arrival": ("review",)}})
    plan = compile_plan(spec)
    expected = integrate(plan, work_of(plan, costs), LANES)
    # nobody is there at 08:00; ten nurses come until 09:00, and five of them leave and none comes back
    assert expected.by_workflow["lake", "nurse", "review"] == pytest.approx(10, rel=0.05)
    assert expected.by_workflow_finished["lake", "nurse", "review"] == pytest.approx(10, rel=0.05)


ARRIVALS = {"arrivals": {"nurse": {"rate_per_s": 0.05, "source": "assumption, a test"}}}


def test_arrivals_are_expected_at_their_rate(make_spec: Make, costs: dict[str, Cost]) -> None:
    plan = compile_plan(make_spec(sites=["lake"], heads={"physician": 1}, template=ARRIVALS, personas={"nurse": {}}))
    expected = integrate(plan, work_of(plan, costs), LANES)
    # 0.05 a second over two hours, one in four charts; a run of 20 s that begins in the last 20 s is cut
    assert expected.by_workflow["lake", "nurse", "chart"] == pytest.approx(90)
    assert expected.by_workflow["lake", "nurse", "medicate"] == pytest.approx(270)
    assert expected.by_workflow_finished["lake", "nurse", "chart"] == pytest.approx(90 * (7200 - 20) / 7200)
    assert expected.requests["lake", "charting"] == pytest.approx(90 * 2, rel=0.01)


def test_what_cannot_be_done_at_a_site_is_not_expected_there(make_spec: Make, costs: dict[str, Cost]) -> None:
    plan = compile_plan(make_spec(points=FULL, personas={"nurse": {"on_arrival": ("medicate",)}}))
    expected = integrate(plan, work_of(plan, costs), LANES, {"lake": ("medicate",)})
    assert ("lake", "nurse", "medicate") not in expected.by_workflow
    assert not any(site == "lake" and operation.startswith("Medication") for site, operation in expected.by_operation)
    # all 1,440 cycles of ten nurses are charts there, and a quarter of them elsewhere
    assert expected.by_workflow["lake", "nurse", "chart"] == pytest.approx(1440, rel=0.02)
    assert expected.by_workflow["river", "nurse", "chart"] == pytest.approx(360, rel=0.02)


def test_who_can_do_nothing_but_what_is_done_on_arrival_does_that(make_spec: Make, costs: dict[str, Cost]) -> None:
    nothing = {"nurse": {"medicate": 0.0, "chart": 0.0}}
    phase = {"name": "idle", "start_s": 8 * HOUR, "end_s": 10 * HOUR, "emphasis": nothing}
    plan = compile_plan(make_spec(phases=[phase], personas={"nurse": {"on_arrival": ("review",)}}))
    expected = integrate(plan, work_of(plan, costs), LANES)
    assert expected.by_workflow["lake", "nurse", "review"] == pytest.approx(10, rel=0.05)
    assert not any(persona == "nurse" and workflow != "review" for _, persona, workflow in expected.by_workflow)


def test_who_can_do_nothing_at_all_at_any_site_is_expected_to_do_nothing(
    make_spec: Make, costs: dict[str, Cost]
) -> None:
    plan = compile_plan(make_spec(personas={"nurse": {"on_arrival": ("chart",)}}))
    expected = integrate(plan, work_of(plan, costs), LANES, dict.fromkeys(("lake", "river"), ("chart", "medicate")))
    assert not any(persona == "nurse" for _, persona, _ in expected.by_workflow)


def test_what_is_passed_over_on_arrival_takes_no_time(make_spec: Make, costs: dict[str, Cost]) -> None:
    def medications(*on_arrival: str) -> float:
        plan = compile_plan(make_spec(sites=["lake"], personas={"nurse": {"on_arrival": on_arrival}}, duration_s=200.0))
        expected = integrate(plan, work_of(plan, costs), LANES, {"lake": ("review",)})
        assert ("lake", "nurse", "review") not in expected.by_workflow
        return expected.by_workflow["lake", "nurse", "medicate"]

    # in slots of two minutes, ten runs of 20 s of what nobody does there would be most of the time
    assert medications(*["review"] * 10) == pytest.approx(medications(), rel=0.05)


def test_workflows_that_take_no_time_are_refused(make_spec: Make, costs: dict[str, Cost]) -> None:
    instant = replace(costs["chart"], requests={}, pauses=0.0, moments={})
    spec = make_spec(think_factor=0.0)
    work = {name: Work(habits_of(persona), costs) for name, persona in spec.scenario.personas.items()}
    work["nurse"] = Work(work["nurse"].habits, dict.fromkeys(costs, instant))
    with pytest.raises(InputError, match="'nurse' no time at all") as caught:
        integrate(compile_plan(spec), work, LANES)
    assert [problem.where for problem in caught.value.problems] == ["personas.nurse.between.mean"]


def test_long_slots_are_in_the_steady_state(make_spec: Make, costs: dict[str, Cost]) -> None:
    plan = compile_plan(make_spec(points=FULL))
    expected = integrate(plan, work_of(plan, costs), LANES)
    # 10 nurses for 7,200 s in cycles of 50 s: 1,440 runs of two requests, three quarters of them medications.
    assert expected.by_workflow["lake", "nurse", "medicate"] == pytest.approx(1080, rel=0.02)
    assert expected.requests["lake", "orders"] == pytest.approx(2160, rel=0.02)
    assert expected.peak_per_s["lake", "orders"] == pytest.approx(0.3, rel=0.02)
    assert expected.busiest_per_s["", ""] == pytest.approx(2 * (0.4 + 0.2), rel=0.02)


def test_parts_sum_to_wholes(make_spec: Make, costs: dict[str, Cost]) -> None:
    plan = compile_plan(make_spec(duration_s=120.0))
    expected = integrate(plan, work_of(plan, costs), LANES)
    total = sum(expected.requests.values())
    assert sum(expected.by_operation.values()) == pytest.approx(total)
    assert sum(expected.by_workflow_requests.values()) == pytest.approx(total)
    assert all(count <= expected.by_workflow[key] + 1e-9 for key, count in expected.by_workflow_finished.items())


def test_a_phase_changes_the_mix_while_it_lasts(make_spec: Make, costs: dict[str, Cost]) -> None:
    only_charts = {"nurse": {"medicate": 0.0}}
    phase = {"name": "charts", "start_s": 8 * HOUR, "end_s": 9 * HOUR, "emphasis": only_charts}
    plan = compile_plan(make_spec(points=FULL, phases=[phase]))
    expected = integrate(plan, work_of(plan, costs), LANES)
    # 720 cycles in each hour: only charts in the first, a quarter of them in the second.
    assert expected.by_workflow["lake", "nurse", "chart"] == pytest.approx(720 + 180, rel=0.02)
    assert expected.by_workflow["lake", "nurse", "medicate"] == pytest.approx(540, rel=0.02)


def test_a_phase_in_which_nothing_is_begun_expects_nothing(make_spec: Make, costs: dict[str, Cost]) -> None:
    nothing = {"nurse": {"medicate": 0.0, "chart": 0.0}}
    phase = {"name": "idle", "start_s": 8 * HOUR, "end_s": 10 * HOUR, "emphasis": nothing}
    plan = compile_plan(make_spec(points=FULL, phases=[phase]))
    expected = integrate(plan, work_of(plan, costs), LANES)
    assert not any(persona == "nurse" for _, persona, _ in expected.by_workflow)
    assert expected.requests["lake", "labs"] > 0


def test_an_idle_phase_ends_even_for_people_who_never_pause(make_spec: Make, costs: dict[str, Cost]) -> None:
    nothing = {"nurse": {"medicate": 0.0, "chart": 0.0}}
    phase = {"name": "idle", "start_s": 8 * HOUR, "end_s": 9 * HOUR, "emphasis": nothing}
    plan = compile_plan(make_spec(points=FULL, phases=[phase], duration_s=400.0, think_factor=0.0))
    expected = integrate(plan, work_of(plan, costs), LANES)
    # 200 s are left for ten nurses; runs take two answers of 0.2 s, back to back.
    runs = sum(expected.by_workflow["lake", "nurse", workflow] for workflow in ("chart", "medicate"))
    assert runs == pytest.approx(5000, rel=0.02)


def test_the_busiest_tenth_is_where_most_are_on_duty(make_spec: Make, costs: dict[str, Cost]) -> None:
    plan = compile_plan(make_spec())
    expected = integrate(plan, work_of(plan, costs), LANES)
    mean_per_s = expected.requests["lake", "labs"] / plan.length_s
    # The ramp is above 90% for a tenth of the time and more, 62.5% on average.
    assert expected.peak_per_s["lake", "labs"] / mean_per_s == pytest.approx(0.97 / 0.625, rel=0.05)


@pytest.mark.parametrize(
    ("duration_s", "window", "sites"),
    [(10.0, None, 8), (45.0, None, 5), (None, (8.9 * HOUR, 8.95 * HOUR), 2)],
    ids=["ten seconds", "a time lapse", "true speed"],
)
def test_it_is_what_every_clinician_played_on_the_virtual_clock_does(
    duration_s: float | None,
    window: tuple[float, float] | None,
    sites: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scenario = load_scenario(str(QUICK_RUSH))
    plan = compile_plan(resolve(scenario, sites=sites, seed=3, duration_s=duration_s, window=window))
    expected = expected_load(plan)
    begun, finished, requests = play(plan)
    assert requests.total() == pytest.approx(sum(expected.requests.values()), rel=0.07)
    assert begun.total() == pytest.approx(sum(expected.by_workflow.values()), rel=0.07)
    assert finished.total() == pytest.approx(sum(expected.by_workflow_finished.values()), rel=0.1)
    assert set(begun) <= {workflow for _, _, workflow in expected.by_workflow}
    # Every workflow, within four standard deviations of a Poisson count and what its lengths' sample is off.
    for workflow, count in by_workflow(expected).items():
        assert abs(begun[workflow] - count) < 4 * count**0.5 + 0.1 * count

    for operation, count in by_operation(expected).items():
        assert abs(requests[operation] - count) < 5 * count**0.5 + 0.15 * count + 1, operation


def by_operation(expected: ExpectedLoad) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (_, operation), count in expected.by_operation.items():
        totals[operation] += count  # type: ignore[assignment]
    return totals


def by_workflow(expected: ExpectedLoad) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (_, _, workflow), count in expected.by_workflow.items():
        totals[workflow] += count  # type: ignore[assignment]
    return totals


def play(plan: Plan) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Every slot on a virtual clock of its own, as the load works it: runs begun and finished by workflow, requests by
    operation."""
    scenario = plan.spec.scenario
    begun: Counter[str] = Counter()
    finished: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for slot in plan.slots:
        site = next(site for site in plan.spec.sites if site.name == slot.site)
        factor = think_factor_of(scenario, plan.spec.seed, site, slot.persona, slot.clinician)
        habits = habits_of(scenario.personas[slot.persona], factor)
        world = VirtualWorld(CannedAnswers(slot.slot), end_s=slot.end_s)
        world.now_s = slot.start_s
        clinician = CannedClinician(
            virtual_post(slot.persona, plan.spec.seed), habits, slot.clinician, world, slot.slot
        )
        weights_of = weights_at(plan, slot.site, slot.persona)
        run_s = mean_run_s(costs_of(habits), weights_of(slot.start_s), habits.think.mean_s)
        wait_s = first_wait_s(clinician.draws, habits, opening=slot.opening, run_s=run_s)
        work_shift(clinician, wait_s, weights_of, (), arrives=not slot.opening)
        for played in world.played:
            begun[played.workflow] += 1
            finished[played.workflow] += played.outcome == "ok"
            requests.update(call.operation for call in played.calls)
    return begun, finished, requests
