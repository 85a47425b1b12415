"""The journal, and the truth that is counted on from it."""

from __future__ import annotations

from harness.sandbox.journal import Journal, read_journal
from harness.sandbox.truth import Truth


def test_arrivals_and_answers_are_found_again_by_request_id(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.arrived("a1", "river", "Patient.read")
    journal.answered("a1", "river", "Patient.read", 200, 1.23456)
    journal.arrived("a2", "lake", "bundle")
    journal.dropped("a3", "lake", "Patient.read")
    journal.close()
    record = read_journal(path)
    assert set(record.arrivals) == {"a1", "a2"}
    assert (record.answers["a1"].status, record.answers["a1"].residence_ms) == (200, 1.235)
    assert record.arrivals["a2"].site == "lake"
    assert set(record.arrivals) - set(record.answers) == {"a2"}
    assert set(record.dropped) == {"a3"}
    assert (record.torn_lines, record.repeated_ids, len(record.starts_s)) == (0, 0, 1)


def test_a_torn_last_line_costs_that_line_only(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.arrived("a1", "river", "Patient.read")
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"e":"z","id":"a1","t":17')
    again = Journal(path)
    again.arrived("a2", "river", "Patient.read")
    again.close()
    record = read_journal(path)
    assert set(record.arrivals) == {"a1", "a2"}
    assert (record.torn_lines, len(record.starts_s), record.answers) == (1, 2, {})


def test_an_id_that_arrives_twice_is_counted(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.arrived("a1", "river", "Patient.read")
    journal.arrived("a1", "river", "Patient.read")
    journal.close()
    assert read_journal(path).repeated_ids == 1


def test_a_restarted_server_counts_on_and_says_what_was_never_answered(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for number in range(3):
        journal.arrived(f"a{number}", "river", "Patient.read")
    journal.answered("a0", "river", "Patient.read", 200, 4.0)
    journal.answered("a1", "river", "Patient.read", 404, 2.0)
    journal.arrived("control-1", "(none)", "metadata")
    journal.answered("control-1", "(none)", "metadata", 200, 1.0)
    journal.dropped("a9", "river", "Patient.read")
    journal.close()
    with path.open("ab") as file:
        file.write(b"{")
    truth = Truth()
    truth.restore(path)
    told = truth.as_json()
    assert (told["arrivals"], told["answers"]) == (3, {"200": 1, "404": 1})
    assert (told["unanswered"], told["in_flight"], told["dropped"], told["journal_torn_lines"]) == (1, 0, 1, 1)
    assert told["residence_ms"]["max"] == 4.0
    assert told["control"] == {"arrivals": 1, "answers": {"200": 1}}


def test_quantiles_are_exact():
    truth = Truth()
    for number in range(1, 101):
        truth.arrived("a", "river", "labs")
        truth.answered("a", "river", "labs", 200, float(number))
    assert truth.as_json()["residence_ms"] == {"p50": 50.5, "p95": 95.05, "p99": 99.01, "max": 100.0}
    assert truth.as_json()["by_site"]["river"]["residence_ms"]["p50"] == 50.5


def test_nothing_counted_has_no_quantiles():
    assert Truth().as_json()["residence_ms"] == {"p50": None, "p95": None, "p99": None, "max": None}
