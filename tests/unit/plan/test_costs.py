"""Workflow costs are measured once and found again; a cache that cannot be used is said and done without."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harness.clinic.clinician import Habits, Pace
from harness.plan import costs

PHYSICIAN = Habits(
    "primary-care-physician", Pace(8.0, 0.5), Pace(60.0, 0.5), {"find-history": 2.0, "review-results": 1.0}
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "emr-load-harness"


def test_the_workflows_of_the_persona_are_measured() -> None:
    found = costs.costs_of(PHYSICIAN)
    assert set(found) == {"find-history", "review-results"}
    for cost in found.values():
        assert cost.calls >= 1
        assert cost.length_s == pytest.approx(cost.think_s + 0.2 * cost.calls)
        assert sum(cost.durations_s) / len(cost.durations_s) == pytest.approx(cost.length_s, rel=0.15)
        assert set(cost.request_ages_s) == set(cost.requests)
        for ages_s in cost.request_ages_s.values():
            assert 0 < min(ages_s) <= max(ages_s) <= max(cost.durations_s) * 1.5


def test_they_are_found_again_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    first = costs.costs_of(PHYSICIAN)
    monkeypatch.setattr(costs, "_measure", None)
    assert costs.costs_of(PHYSICIAN) == first


def test_weights_do_not_matter_but_pace_does(cache: Path) -> None:
    costs.costs_of(PHYSICIAN)
    costs.costs_of(
        Habits("primary-care-physician", PHYSICIAN.think, PHYSICIAN.between, {"review-results": 5, "find-history": 1})
    )
    assert len(list(cache.iterdir())) == 1
    costs.costs_of(Habits("primary-care-physician", Pace(9.0, 0.5), PHYSICIAN.between, PHYSICIAN.weights))
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("content", [b"\x00", b"[]", b'{"find-history": {}}', b'{"find-history": 3}'])
def test_a_spoiled_cache_is_said_and_measured_anew(
    cache: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    first = costs.costs_of(PHYSICIAN)
    (entry,) = cache.iterdir()
    entry.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert costs.costs_of(PHYSICIAN) == first
    assert "measured again" in caplog.text
    caplog.clear()
    assert costs.costs_of(PHYSICIAN) == first
    assert caplog.text == ""


def test_a_cache_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a-file"))
    with caplog.at_level(logging.INFO):
        assert set(costs.costs_of(PHYSICIAN)) == {"find-history", "review-results"}
    assert "not cached" in caplog.text


def test_a_relative_cache_folder_is_ignored_as_the_xdg_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert costs.cache_dir() == Path.home() / ".cache" / "emr-load-harness"
