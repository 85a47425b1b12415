"""When a run became steady: found where it was planted, refused where there is no such moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.analysis import analyse
from harness.analysis.steady import mser5

Floats = NDArray[np.float64]


def responses(count: int = 4000, seed: int = 3) -> Floats:
    return np.random.default_rng(seed).lognormal(4, 0.5, count)


def planted(shape: Callable[[Floats], Floats]) -> Floats:
    values = responses()
    return values * shape(np.arange(len(values)) / len(values))


def test_a_slow_beginning_is_cut_and_little_more() -> None:
    cut = mser5(planted(lambda at: np.where(at < 0.15, 3.0, 1.0)))
    assert not cut.refused
    assert 0.15 <= cut.samples / 4000 <= 0.3


def test_what_is_steady_from_its_start_keeps_nearly_all() -> None:
    kept = [mser5(responses(seed=seed)) for seed in range(20)]
    assert sum(bool(each.refused) for each in kept) <= 4  # one in twenty, by the level of the halves
    assert np.median([each.samples for each in kept if not each.refused]) <= 200


@pytest.mark.parametrize(
    ("shape", "refused"),
    [
        (lambda at: 1 + 2 * at, "its first and its second half differ"),
        (lambda at: np.where(at > 0.6, 2.0, 1.0), "its first and its second half differ"),
        (lambda at: np.where(at < 0.45, 5.0, 1.0), "it became steady only past its middle, if at all"),
    ],
    ids=["drifts", "steps-up-late", "long-beginning"],
)
def test_where_there_is_no_steady_part_it_says_why(shape: Callable[[Floats], Floats], refused: str) -> None:
    assert mser5(planted(shape)).refused == refused


def test_few_requests_are_refused() -> None:
    assert mser5(responses(399)).refused == "fewer than 400 requests"
    assert not mser5(np.full(400, 7.0)).refused


@given(st.integers(400, 3000), st.floats(0.01, 100), st.integers(0, 9))
def test_the_cut_does_not_depend_on_the_unit(count: int, factor: float, seed: int) -> None:
    values = responses(count, seed)
    one, other = mser5(values), mser5(values * factor)
    assert one == other
    assert 0 <= one.samples <= count / 2


def test_a_run_tells_from_when_on_it_was_steady(fabricate: Callable[..., Any]) -> None:
    run = fabricate()
    early = run.samples["start_s"] < 9
    run.samples.loc[early, ["latency_ms", "server_ms"]] *= 4
    steady = analyse(*run.write()).summary["steady"]
    assert steady["planned"]
    assert steady["refused"] is None
    assert 9 <= steady["from_s"] <= 18
    assert steady["left_out"] == (run.samples["start_s"] < steady["from_s"]).sum()
    assert steady["overall"]["requests"] == len(run.samples) - steady["left_out"]


def _login_halfway(run: Any) -> None:
    run.plan.loc[run.plan["slot"] % 2 == 0, "start_s"] = 30.0


def _rate_that_rises(run: Any) -> None:
    run.let_come("portal-patient", "river", 100)
    run.arrivals[0]["per_s"] = [1.0, 2.0]


@pytest.mark.parametrize(
    ("plant", "why"),
    [(_login_halfway, "the number of people on duty changes"), (_rate_that_rises, "the rate of arrivals changes")],
)
def test_where_the_plan_changes_the_load_no_steady_part_is_looked_for(
    fabricate: Callable[..., Any], plant: Callable[[Any], None], why: str
) -> None:
    run = fabricate()
    plant(run)
    steady = analyse(*run.write()).summary["steady"]
    assert (steady["planned"], steady["refused"], steady["overall"]) == (False, why, None)
