"""What the sandbox says of itself: headers, truth, journal, faults, capacity."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from harness.sandbox import app as app_module
from harness.sandbox.capacity import Capacity
from harness.sandbox.journal import read_journal


def truth_of(bench):
    answer = bench.client.request("GET", "/_sandbox/truth")
    assert answer.status_code == 200
    return answer.json()


def plant(bench, faults):
    return bench.client.request("PUT", "/_sandbox/faults", content=json.dumps(faults).encode())


def test_every_answer_says_how_long_it_took(bench):
    for path in ("Patient/nobody", "Patient", "metadata", "Unicorn"):
        began = time.perf_counter()
        answer = bench.get(path)
        took_ms = (time.perf_counter() - began) * 1000
        residence_ms, service_ms = (float(answer.headers[name]) for name in ("X-Residence-Ms", "X-Service-Ms"))
        assert 0 < service_ms <= residence_ms <= took_ms
        assert len(answer.headers["X-Residence-Ms"].partition(".")[2]) == 3


def test_the_request_id_comes_back(bench):
    assert bench.get("Patient", X_Request_Id="00c0ffee00c0ffee").headers["X-Request-Id"] == "00c0ffee00c0ffee"


def test_truth_counts_by_status_site_and_lane(bench, observation):
    for site in ("river", "river", "lake"):
        bench.get("Patient", X_Site=site)
    bench.get("Appointment", X_Site="lake")
    bench.get("Observation/nobody", X_Site="lake")
    bench.get("Unicorn")
    truth = truth_of(bench)
    assert (truth["arrivals"], truth["answers"], truth["in_flight"]) == (6, {"200": 4, "404": 2}, 0)
    assert {site: told["arrivals"] for site, told in truth["by_site"].items()} == {"(none)": 1, "lake": 3, "river": 2}
    assert truth["by_site"]["lake"]["answers"] == {"200": 2, "404": 1}
    assert {lane: told["arrivals"] for lane, told in truth["by_lane"].items()} == {
        "charting": 1,
        "identity": 3,
        "labs": 1,
        "scheduling": 1,
    }
    assert truth["residence_ms"]["p50"] <= truth["residence_ms"]["max"]


def test_control_traffic_is_counted_apart(bench):
    bench.get("Patient", X_Request_Id="control-0123456789abcdef0123456789abcdef")
    truth_of(bench)
    truth = truth_of(bench)
    assert (truth["arrivals"], truth["answers"], truth["by_site"], truth["by_lane"]) == (0, {}, {}, {})
    # the search and the first look at the truth; the second look has arrived and is being answered
    assert truth["control"] == {"arrivals": 3, "answers": {"200": 2}}


def test_the_journal_tells_each_request_by_its_id(bench, fixture_resource):
    bench.post("", fixture_resource("transaction"), X_Request_Id="000000000000002a", X_Site="river")
    bench.get("Patient/nobody")
    record = read_journal(bench.journal)
    assert record.arrivals["000000000000002a"].operation == "bundle"
    answer = record.answers["000000000000002a"]
    assert (answer.site, answer.operation, answer.status) == ("river", "transaction", 200)
    assert answer.residence_ms > 0
    assert len(record.arrivals) == len(record.answers) == 2  # the second one gave itself no id and got one


def test_the_journal_holds_no_search_and_no_id_of_a_patient(bench):
    bench.get("Patient?name=Ferreira")
    bench.get("Patient/river-417")
    text = bench.journal.read_text()
    assert "Patient.search" in text
    assert "Ferreira" not in text
    assert "river-417" not in text


def test_faults_are_planted_and_taken_away_while_running(bench):
    planted = plant(bench, [{"name": "error-rate", "every": 2, "operation": "Patient.search", "status": 503}])
    assert planted.status_code == 200
    assert [bench.get("Patient").status_code for _ in range(4)] == [200, 503, 200, 503]
    assert bench.get("Observation").status_code == 200
    assert bench.client.request("GET", "/_sandbox/faults").json()[0]["status"] == "503"
    plant(bench, [])
    assert [bench.get("Patient").status_code for _ in range(2)] == [200, 200]
    assert truth_of(bench)["answers"] == {"200": 5, "503": 2}


def test_a_planted_error_leaves_nothing_behind(bench, fixture_resource):
    plant(bench, [{"name": "error-rate", "every": 1, "operation": "transaction"}])
    assert bench.post("", fixture_resource("transaction")).status_code == 500
    assert bench.found("Patient") == []


def test_control_traffic_meets_no_planted_error(bench):
    plant(bench, [{"name": "error-rate", "every": 1}])
    assert bench.get("metadata", X_Request_Id="control-1").status_code == 200
    assert bench.get("metadata").status_code == 500


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"{", "no JSON"), (b"{}", "a list"), (b'[{"name": "slow-sit"}]', "did you mean 'slow-site'")],
)
def test_faults_that_make_no_sense_change_nothing(bench, body, reason):
    plant(bench, [{"name": "slow-site", "site": "river"}])
    answer = bench.client.request("PUT", "/_sandbox/faults", content=body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert len(bench.faults.as_json()) == 1


def test_a_slow_site_is_slow_and_the_others_are_not(bench):
    """The delay is beside the service, so that no server is held by it."""
    plant(bench, [{"name": "slow-site", "site": "river", "delay": "600ms"}])
    answers = [bench.get("Patient", X_Site=site) for site in ("river", "lake")]
    river_ms, lake_ms = (
        float(answer.headers["X-Residence-Ms"]) - float(answer.headers["X-Service-Ms"]) for answer in answers
    )
    assert lake_ms < 600 <= river_ms + 1


def test_what_meets_a_dead_server_is_dropped_and_not_counted_as_answered(bench, monkeypatch):
    dropped = []
    monkeypatch.setattr("harness.sandbox.gate.drop_connections", lambda *where: dropped.append(where))
    monkeypatch.setattr(app_module, "_LAST_WORDS_S", 60.0)
    plant(bench, [{"name": "down", "after": "0s", "for": "1h"}])
    bench.get("Patient", X_Request_Id="00000000000000ff")
    truth = truth_of(bench)
    assert (truth["arrivals"], truth["answers"], truth["dropped"]) == (0, {}, 1)
    assert dropped == [(8080, 123)]
    assert set(read_journal(bench.journal).dropped) == {"00000000000000ff"}


def test_a_known_capacity_makes_the_second_one_wait(make_bench):
    """For as long as the first is served, less what it came later; `test_capacity.py` has it exactly, on a clock of
    its own."""
    bench = make_bench(capacity=Capacity(1, 0.4, "fixed"))
    answers = bench.client.together(("GET", "/fhir/Patient"), ("GET", "/fhir/Patient"))
    services_ms = [float(answer.headers["X-Service-Ms"]) for answer in answers]
    assert min(services_ms) >= 399
    waited_ms = [
        float(answer.headers["X-Residence-Ms"]) - service_ms
        for answer, service_ms in zip(answers, services_ms, strict=True)
    ]
    assert max(waited_ms) > 200


def test_control_traffic_waits_for_no_server(make_bench):
    bench = make_bench(capacity=Capacity(1, 3600.0, "fixed"))
    assert bench.get("Patient", X_Request_Id="control-1").status_code == 200  # within the minutes that a test may take


def test_a_bug_of_the_sandbox_is_a_500_that_is_counted_and_logged(bench, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("harness.sandbox.interactions.read", broken)
    answer = bench.get("Patient/1")
    assert answer.status_code == 500
    assert "oops" not in answer.text
    assert "ZeroDivisionError: oops" in capsys.readouterr().err
    assert truth_of(bench)["answers"] == {"500": 1}


def call_gate(bench, receive_messages, method="POST"):
    """Straight into the application, as a server would call it."""
    scope = {
        "type": "http",
        "method": method,
        "path": "/fhir/Patient",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 81),
    }
    messages = iter(receive_messages)
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    return bench.app(scope, receive, send), sent


def test_a_client_that_hangs_up_while_sending_is_counted_as_unanswered(bench):
    work, sent = call_gate(
        bench, [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    asyncio.run(work)
    assert sent == []
    truth = truth_of(bench)
    assert (truth["arrivals"], truth["answers"], truth["in_flight"], truth["unanswered"]) == (1, {}, 0, 1)


def test_a_request_that_is_cut_off_by_the_end_of_the_server_is_counted_as_unanswered(make_bench):
    bench = make_bench(capacity=Capacity(1, 60.0, "fixed"))

    async def cut():
        work, _ = call_gate(bench, [], method="GET")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work, 0.05)

    asyncio.run(cut())
    assert truth_of(bench)["unanswered"] == 1


def test_one_operation_takes_longer_and_no_other(make_bench):
    bench = make_bench(capacity=Capacity(1, 0.05, "fixed"))
    plant(bench, [{"name": "slow-operation", "operation": "Observation.search", "factor": "4"}])
    slow, other = (float(bench.get(kind).headers["X-Residence-Ms"]) for kind in ("Observation", "Patient"))
    assert slow >= 199
    assert 49 <= other < 190


def test_nobody_is_served_while_the_server_stands_still_but_control_traffic(bench):
    plant(bench, [{"name": "stall", "after": "0s", "for": "300ms"}])
    bench.get("Patient", X_Request_Id="control-0123456789abcdef0123456789abcdef")
    answer = bench.get("Patient")
    assert float(answer.headers["X-Residence-Ms"]) >= 250
    assert float(answer.headers["X-Service-Ms"]) < 250
    assert float(bench.get("Patient").headers["X-Residence-Ms"]) < 250
