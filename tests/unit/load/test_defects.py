"""Planted defects: each falsifies what it says, and only in the run that asks for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.load import wire
from harness.load.defects import PLANTED, plant_defect
from harness.rundir import DEFECT_VARIABLE

RUN = "/somewhere/reports/this"


@pytest.fixture
def written(monkeypatch) -> list[tuple[int, float, float]]:
    """Rows as they are written: worker, start and latency in seconds."""
    rows: list[tuple[int, float, float]] = []

    def write(recorder: Any, posting: Any, *arguments: Any) -> None:
        rows.append((recorder.worker, arguments[5], arguments[6]))

    monkeypatch.setattr(wire, "write_request", write)
    return rows


def ask(start_s: float, total_s: float, *, worker: int = 0, served_ms: str = "50", clinician: int = 1) -> None:
    recorder = SimpleNamespace(worker=worker)
    posting = SimpleNamespace(site_code=0, persona_code=0, clinician=clinician)
    exchange = SimpleNamespace(headers={"x-service-ms": served_ms})
    call = ("run", "call", 200, 1, start_s, start_s, total_s, 0.0, exchange, 200, "ok", 1)
    wire.write_request(recorder, posting, *call)


def plant(name: str, monkeypatch: pytest.MonkeyPatch, run: str = RUN) -> None:
    monkeypatch.setenv(DEFECT_VARIABLE, f"{name}@{run}")
    plant_defect(RUN)


@pytest.mark.parametrize("name", PLANTED)
def test_another_run_is_left_alone(name, written, monkeypatch):
    plant(name, monkeypatch, "/somewhere/reports/another")
    ask(1.0, 0.5, worker=1)
    assert written == [(1, 1.0, 0.5)]


def test_without_the_variable_nothing_is_planted(written, monkeypatch):
    monkeypatch.delenv(DEFECT_VARIABLE, raising=False)
    plant_defect(RUN)
    ask(1.0, 0.5)
    assert written == [(0, 1.0, 0.5)]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("left-out", [(0, 1.0, 0.43)]),
        ("after-the-queue", [(0, 1.0, 0.05)]),
        ("omission-corrected", [(0, 1.0, 0.45), (0, 1.0, 0.35), (0, 1.0, 0.25), (0, 1.0, 0.15), (0, 1.0, 0.05)]),
    ],
)
def test_a_row_is_falsified(name, rows, written, monkeypatch):
    plant(name, monkeypatch)
    ask(1.0, 0.45)
    assert [row[:2] for row in written] == [row[:2] for row in rows]
    assert [row[2] for row in written] == pytest.approx([row[2] for row in rows])


def test_every_second_slow_row_is_dropped(written, monkeypatch):
    plant("slow-dropped", monkeypatch)
    for number in range(4):
        ask(number, 0.5)
        ask(number, 0.1)
    assert sum(row[2] == 0.5 for row in written) == 2
    assert sum(row[2] == 0.1 for row in written) == 4


def test_thinking_counts_from_the_last_answer_of_the_same_person(written, monkeypatch):
    plant("thinking-counted", monkeypatch)
    ask(1.0, 0.5)
    ask(2.0, 0.5, clinician=2)
    ask(3.0, 0.5)
    assert [row[2] for row in written] == pytest.approx([0.5, 0.5, 2.0])


def test_the_second_workers_rows_never_arrive(written, monkeypatch):
    plant("worker-lost", monkeypatch)
    ask(1.0, 0.5)
    ask(1.0, 0.5, worker=1)
    assert [row[0] for row in written] == [0]
