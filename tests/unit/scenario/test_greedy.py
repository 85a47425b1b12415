import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.plan import compile_plan, expected_arrivals, manifest_facts, peaks_on_duty
from harness.scenario import dump_spec, load_scenario, population_of, read_spec, resolve
from harness.scenario.greedy import greedy_text, multiplied
from harness.scenario.model import RunSpec, Scenario

HEADS = st.dictionaries(st.sampled_from(["nurse", "physician", "clerk", "biller"]), st.integers(0, 500), min_size=1)


@pytest.fixture(scope="module")
def morning_rush() -> Scenario:
    return load_scenario("morning-rush")


def played(scenario: Scenario, greedy: Mapping[str, float], sites: int = 4) -> RunSpec:
    return resolve(scenario, sites=sites, seed=3, duration_s=120.0, greedy=greedy)


@given(HEADS, st.floats(1e-3, 100))
def test_heads_are_multiplied_to_the_nearest_whole_and_shared_out_by_largest_remainder(
    heads: dict[str, int], factor: float
) -> None:
    found, whole = multiplied(heads, factor), sum(heads.values())
    assert list(found) == list(heads)
    assert sum(found.values()) == (max(1, math.floor(whole * factor + 0.5)) if whole else 0)
    for persona, count in found.items():
        exact = sum(found.values()) * heads[persona] / whole if whole else 0
        assert abs(count - exact) < 1


@given(HEADS, st.integers(1, 50))
def test_a_whole_number_of_times_is_exact_for_each_persona(heads: dict[str, int], factor: int) -> None:
    assert multiplied(heads, float(factor)) == {persona: count * factor for persona, count in heads.items()}


def test_the_same_people_are_at_the_other_sites_at_the_same_times(morning_rush: Scenario) -> None:
    usual, greedy = (compile_plan(played(morning_rush, chosen)) for chosen in ({}, {"lake": 4.0}))
    elsewhere = [
        [dataclasses.replace(slot, slot=0) for slot in plan.slots if slot.site != "lake"] for plan in (usual, greedy)
    ]
    assert elsewhere[0] == elsewhere[1]
    peaks = [peaks_on_duty(plan) for plan in (usual, greedy)]
    assert peaks[1]["lake"] == pytest.approx(4 * peaks[0]["lake"], abs=4)
    for site, other in zip(usual.spec.sites, greedy.spec.sites, strict=True):
        same = population_of(usual.spec, site) == population_of(greedy.spec, other)
        assert same == (site.name != "lake")


def test_arrivals_of_the_greedy_site_come_as_many_times_as_often(morning_rush: Scenario) -> None:
    usual, greedy = (compile_plan(played(morning_rush, chosen)) for chosen in ({}, {"lake": 2.5}))
    end_s = np.array([usual.length_s])
    for one, other in zip(usual.arrivals, greedy.arrivals, strict=True):
        assert (one.site, one.persona) == (other.site, other.persona)
        ratio = float(expected_arrivals(other, end_s)[0]) / float(expected_arrivals(one, end_s)[0])
        assert ratio == pytest.approx(2.5 if one.site == "lake" else 1.0)
    assert usual.arrivals


def test_a_greedy_site_of_another_zone_moves_nobodys_clock(morning_rush: Scenario) -> None:
    usual = played(morning_rush, {}, sites=10)
    (away, *_) = [site for site in usual.sites if site.time_zone != usual.clock_zone]
    greedy = played(morning_rush, {away.name: 500.0}, sites=10)
    assert greedy.clock_zone == usual.clock_zone


def test_what_was_asked_for_stands_in_the_runs_folder(morning_rush: Scenario, tmp_path: Path) -> None:
    spec = played(morning_rush, {"lake": 1.0, "hill": 3.0})
    dump_spec(spec, tmp_path / "scenario.yaml")
    assert read_spec(tmp_path / "scenario.yaml").greedy == {"lake": 1.0, "hill": 3.0}
    assert manifest_facts(compile_plan(spec))["greedy"] == {"lake": 1.0, "hill": 3.0}
    assert "greedy" not in manifest_facts(compile_plan(played(morning_rush, {})))
    said = greedy_text(spec)
    assert said.startswith("lake asks as much as planned: ")
    assert "; hill asks 3 times as much as planned: " in said


def test_a_site_that_is_none_is_refused_with_what_may_be_meant(morning_rush: Scenario) -> None:
    with pytest.raises(InputError, match=r"unknown site 'Laek'\s+did you mean 'lake'"):
        played(morning_rush, {"Laek": 2.0})
