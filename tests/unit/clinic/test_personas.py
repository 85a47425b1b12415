"""The shipped personas reproduce the figures that their files cite in a day that is played on the virtual clock.

What comes out in the long run is in `test_anchors`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import mean

import orjson
import pytest
import yaml

PERSONAS = sorted((Path(__file__).parents[3] / "scenarios" / "personas").glob("*.yaml"))
CITATIONS = (
    "Ann Fam Med 15:419",
    "PubMed 31931523",
    "JMIR Med Inform 2022;5:e34787",
    "PMC6371331",
    "Geisinger via FierceHealthcare",
    "Am J Clin Pathol 2014",
    "JAMIA ocz188",
    "JAMIA ocad126",
    "Acad Radiol 2015",
    "AMA 2024",
    "Am J Emerg Med 2013",
    "PMC7329072",
)
FIGURES = ("mean", "sigma", "weight", "gives_up", "low")
"""Keys of what holds a number or a duration, and so needs a source."""


def sources(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["source"]] if "source" in node else []
        return own + [text for value in node.values() for text in sources(value)]
    return []


def figures(node: object) -> list[dict]:
    if not isinstance(node, dict):
        return []
    own = [node] if any(key in node for key in FIGURES) else []
    return own + [found for value in node.values() for found in figures(value)]


@pytest.mark.parametrize("path", PERSONAS, ids=lambda path: path.stem)
def test_every_figure_says_whether_it_is_cited_derived_or_assumed(path):
    persona = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert figures(persona)
    assert all(figure.get("source") for figure in figures(persona))
    for text in sources(persona):
        assert "assumption" in text or "derived from" in text or any(citation in text for citation in CITATIONS), text


def test_a_physician_acts_each_13_seconds_so_1425_times_in_5_2_hours(clinic):
    days = [clinic.day("primary-care-physician", 5.2, ordinal) for ordinal in range(8)]
    assert mean(day.pauses for day in days) == pytest.approx(1425, rel=0.03)


def test_what_a_physician_does_the_server_sees(clinic):
    """An action of an audit log is something that the server saw: each pause is followed by a request, or by more."""
    for ordinal in range(4):
        day = clinic.day("primary-care-physician", 5.2, ordinal)
        requests = sum(len(run.calls) for run in day.played)
        assert 1.0 <= requests / day.pauses <= 1.3
        longest_s = max(run.think_s / max(len(run.calls) - 1, 1) for run in day.played if run.outcome == "ok")
        assert longest_s < 90  # nobody reads or writes for minutes unseen


def test_a_nurse_makes_633_to_875_flowsheet_entries_in_12_hours(clinic):
    entries = []
    for ordinal in range(8):
        day = clinic.day("nurse", 12, ordinal)
        vital_signs = [orjson.loads(call.body)["entry"] for call in day.calls("batch[vital-signs]")]
        entries.append(sum(map(len, vital_signs)) + len(day.calls("MedicationAdministration.create")))
    assert min(entries) >= 633
    assert max(entries) <= 875


def test_a_clerk_has_three_to_five_minutes_for_a_patient(clinic):
    patients = mean(len(clinic.day("registration-clerk", 8, ordinal).played) for ordinal in range(8))
    assert 8 * 60 / patients == pytest.approx(4.0, rel=0.05)


def test_a_technician_results_a_batch_of_three_orders_each_five_minutes(clinic):
    days = [clinic.day("lab-technician", 8, ordinal) for ordinal in range(8)]
    batch_s = sum(day.seconds_of("result-batch") for day in days)
    batches = sum(run.workflow == "result-batch" and run.outcome == "ok" for day in days for run in day.played)
    orders = sum(len(day.calls("transaction[results]")) for day in days)
    assert batch_s / batches == pytest.approx(300, rel=0.05)
    assert orders / batches == pytest.approx(3, rel=0.05)


@pytest.mark.usefixtures("uncounted")
def test_each_workflow_is_done_as_often_as_its_weight_says(clinic):
    """Of those who work shifts: an arrival does one thing and is gone."""
    for persona, habits in clinic.habits.items():
        if not habits.on_arrival:
            continue
        done: Counter[str] = Counter()
        for ordinal in range(12):  # scanned papers are large: one day is forgotten before the next
            done.update(run.workflow for run in clinic.day(persona, 10, ordinal).played)
        for workflow, weight in habits.weights.items():
            share = done[workflow] / done.total()
            assert share == pytest.approx(weight / sum(habits.weights.values()), abs=0.06), (persona, workflow)
