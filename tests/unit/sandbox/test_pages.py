"""Result lists waiting for their next page."""

from __future__ import annotations

from array import array

import pytest

from harness.sandbox import pages as pages_module
from harness.sandbox.outcome import FhirError
from harness.sandbox.pages import Pages, ResultList
from harness.sandbox.query import Query


def results(rows=3):
    return ResultList(Query("Patient"), array("q", range(rows)))


def test_a_list_lives_ten_minutes_from_its_last_use():
    now = [0.0]
    pages = Pages(clock=lambda: now[0])
    token = pages.keep(results())
    for _ in range(3):
        now[0] += 599
        assert pages.fetch("Patient", token).rids.tolist() == [0, 1, 2]
    now[0] += 601
    with pytest.raises(FhirError) as caught:
        pages.fetch("Patient", token)
    assert caught.value.status == 410


def test_the_oldest_list_goes_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(pages_module, "MOST_LISTS", 2)
    pages = Pages()
    tokens = [pages.keep(results()) for _ in range(3)]
    with pytest.raises(FhirError):
        pages.fetch("Patient", tokens[0])
    assert pages.fetch("Patient", tokens[1]) is not None


def test_the_oldest_list_goes_when_all_are_too_long_together(monkeypatch):
    monkeypatch.setattr(pages_module, "MOST_ROWS", 5)
    pages = Pages()
    first, second = pages.keep(results()), pages.keep(results())
    with pytest.raises(FhirError):
        pages.fetch("Patient", first)
    assert len(pages.fetch("Patient", second).rids) == 3
