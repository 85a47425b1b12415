"""Workflow costs are measured once and found again; a cache that cannot be used is said and done without."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from harness.clinic import virtual
from harness.clinic.post import Habits, Pace
from harness.plan import costs

PHYSICIAN = Habits(
    "primary-care-physician",
    Pace(8.0, 0.5),
    Pace(60.0, 0.5),
    {"find-history": 2.0, "review-results": 1.0},
    on_arrival=("sign-on",),
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "emr-load-harness"


def same(one: dict[str, costs.Cost], other: dict[str, costs.Cost]) -> bool:
    return set(one) == set(other) and all(
        one[name].requests == other[name].requests
        and one[name].pauses == other[name].pauses
        and np.array_equal(one[name].ends.pauses, other[name].ends.pauses)
        for name in one
    )


def test_the_workflows_of_the_persona_are_measured() -> None:
    found = costs.costs_of(PHYSICIAN)
    assert set(found) == {"sign-on", "find-history", "review-results"}
    for cost in found.values():
        assert cost.calls >= 1
        assert cost.length_s(8.0) == pytest.approx(cost.pauses * 8.0 + 0.2 * cost.calls)
        ends_s = cost.ends.seconds(8.0)
        assert ends_s.mean() == pytest.approx(cost.length_s(8.0), rel=0.15)
        assert set(cost.moments) == set(cost.requests)
        for moments in cost.moments.values():
            assert 0 <= moments.seconds(8.0).min() <= moments.seconds(8.0).max() <= ends_s.max() * 1.5


def test_whoever_thinks_twice_as_long_takes_longer_by_her_thinking_only() -> None:
    cost = costs.costs_of(PHYSICIAN)["find-history"]
    assert cost.length_s(16.0) - cost.length_s(8.0) == pytest.approx(8.0 * cost.pauses)
    assert cost.length_s(0.0) == pytest.approx(0.2 * cost.calls)


def test_the_mean_run_is_that_of_workflows_chosen_by_weight() -> None:
    found = costs.costs_of(PHYSICIAN)
    lengths = [found[name].length_s(8.0) for name in ("find-history", "review-results")]
    weights = {"find-history": 3.0, "review-results": 1.0}
    assert costs.mean_run_s(found, weights, 8.0) == pytest.approx((3 * lengths[0] + lengths[1]) / 4)
    assert costs.mean_run_s(found, {}, 8.0) == 0.0


def test_they_are_found_again_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    first = costs.costs_of(PHYSICIAN)
    monkeypatch.setattr(virtual, "traces_of", None)
    assert same(costs.costs_of(PHYSICIAN), first)


def test_one_measurement_serves_every_pace_and_persona(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs.costs_of(PHYSICIAN)
    monkeypatch.setattr(virtual, "traces_of", None)
    costs.costs_of(Habits("hospitalist", Pace(9.0, 0.5), PHYSICIAN.between, PHYSICIAN.weights))
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("content", [b"\x00", b"[]", b'{"find-history": [3]}', b'{"find-history": 3}'])
def test_a_spoiled_cache_is_said_and_measured_anew(
    cache: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    first = costs.costs_of(PHYSICIAN)
    (entry,) = cache.iterdir()
    entry.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert same(costs.costs_of(PHYSICIAN), first)
    assert "measured again" in caplog.text
    caplog.clear()
    assert same(costs.costs_of(PHYSICIAN), first)
    assert caplog.text == ""


def test_a_cache_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a-file"))
    with caplog.at_level(logging.INFO):
        assert set(costs.costs_of(PHYSICIAN)) == {"sign-on", "find-history", "review-results"}
    assert "not cached" in caplog.text


def test_a_relative_cache_folder_is_ignored_as_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert costs.cache_dir() == Path.home() / ".cache" / "emr-load-harness"
