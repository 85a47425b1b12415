"""The sandbox as a process: how it starts, dies, comes back, and plays dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from harness.sandbox.journal import read_journal

pytestmark = pytest.mark.end_to_end

COMMAND = [sys.executable, "-m", "harness.cli", "sandbox"]


class Started:
    """A running sandbox: what its one line said, and a client."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.process.communicate()[1]
        self.line = json.loads(text)
        self.url = self.line["url"]
        self.port = int(self.url.split(":")[2].partition("/")[0])
        self.client = httpx.Client(timeout=60)

    def get(self, path: str, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(f"{self.url}/{path}", headers=names)

    def truth(self) -> dict:
        return self.client.get(self.url.replace("/fhir", "/_sandbox/truth")).json()

    def plant(self, *faults: dict) -> None:
        assert self.client.put(self.url.replace("/fhir", "/_sandbox/faults"), json=list(faults)).status_code == 200

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        self.client.close()
        return self.process.returncode, out, err


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def start() -> Iterator:
    running: list[Started] = []

    def make(*arguments: str) -> Started:
        running.append(Started(*arguments))
        return running[-1]

    yield make
    for each in running:
        each.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_says_where_it_is_and_a_signal_ends_it_cleanly(start, number):
    sandbox = start()
    assert sandbox.line == {
        "url": f"http://127.0.0.1:{sandbox.port}/fhir",
        "pid": sandbox.process.pid,
        "data": sandbox.line["data"],
    }
    assert sandbox.get("metadata").json()["fhirVersion"] == "4.0.1"
    assert Path(sandbox.line["data"]).is_dir()
    assert sandbox.end(number) == (0, "", "")
    assert not Path(sandbox.line["data"]).exists()


def test_a_killed_sandbox_comes_back_with_its_data_and_its_counts(start, tmp_path):
    first = start("--data", str(tmp_path))
    patient = {"resourceType": "Patient", "name": [{"family": "Adeyemi"}]}
    headers = {"Content-Type": "application/fhir+json", "X-Request-Id": "0000000000000001", "X-Site": "river"}
    resource_id = first.client.post(f"{first.url}/Patient", json=patient, headers=headers).json()["id"]
    first.get("Patient", X_Request_Id="0000000000000002", X_Site="lake")
    first.process.kill()
    first.process.wait(60)
    with pytest.raises(httpx.TransportError):
        first.get("Patient", X_Request_Id="0000000000000003")
    again = start("--data", str(tmp_path), "--port", str(first.port))
    assert again.url == first.url
    assert again.get(f"Patient/{resource_id}", X_Request_Id="0000000000000004", X_Site="river").status_code == 200
    truth = again.truth()
    assert (truth["arrivals"], truth["answers"]) == (3, {"200": 2, "201": 1})
    assert {site: told["arrivals"] for site, told in truth["by_site"].items()} == {"lake": 1, "river": 2}
    record = read_journal(tmp_path / "journal.jsonl")
    assert sorted(record.answers) == ["0000000000000001", "0000000000000002", "0000000000000004"]
    assert (len(record.starts_s), record.torn_lines) == (2, 0)


def test_what_was_in_flight_when_it_was_killed_is_told_as_unanswered(start, tmp_path):
    first = start("--data", str(tmp_path), "--servers", "1", "--service", "1m", "--distribution", "fixed")
    with socket.create_connection(("127.0.0.1", first.port)) as waiting:
        waiting.sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\nX-Request-Id: 00000000000000aa\r\n\r\n")
        wait_for(lambda: first.truth()["in_flight"] == 1)
        first.process.kill()
        first.process.wait(60)
    again = start("--data", str(tmp_path))
    truth = again.truth()
    assert (truth["arrivals"], truth["unanswered"], truth["in_flight"]) == (1, 1, 0)
    record = read_journal(tmp_path / "journal.jsonl")
    assert set(record.arrivals) - set(record.answers) == {"00000000000000aa"}


def test_a_sandbox_with_a_long_queue_still_ends_at_once(start):
    sandbox = start("--servers", "1", "--service", "1h", "--distribution", "fixed")
    with socket.create_connection(("127.0.0.1", sandbox.port)) as waiting:
        waiting.sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost: x\r\n\r\n")
        waiting.settimeout(60)
        assert sandbox.end() == (0, "", "")  # within a minute, not after the hour
        assert waiting.recv(1) == b""


def refused(*arguments: str) -> str:
    result = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (2, "")
    return result.stderr


def test_a_second_sandbox_on_the_same_port_or_data_is_refused(start, tmp_path):
    sandbox = start("--data", str(tmp_path))
    assert f"port {sandbox.port} on 127.0.0.1 cannot be had" in refused("--port", str(sandbox.port))
    assert "another sandbox is working in" in refused("--data", str(tmp_path))


def test_a_sandbox_that_is_told_to_ends_with_the_process_that_started_it():
    parent = (
        "import subprocess, sys; p = subprocess.Popen([*sys.argv[1:]], stdout=subprocess.PIPE, text=True);"
        "print(p.stdout.readline(), flush=True)"
    )
    result = subprocess.run(
        [sys.executable, "-c", parent, *COMMAND, "--end-with-parent"], capture_output=True, text=True, timeout=30
    )
    pid = json.loads(result.stdout)["pid"]
    try:
        wait_for(lambda: not psutil.pid_exists(pid))
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise


def test_a_server_that_plays_dead_answers_nobody_and_comes_back(start):
    sandbox = start()
    idle = socket.create_connection(("127.0.0.1", sandbox.port))
    idle.settimeout(60)
    sandbox.plant({"name": "down", "after": "2s", "for": "4s"})
    assert sandbox.get("Patient").status_code == 200
    assert idle.recv(1) == b""  # even a connection that asks nothing breaks
    idle.close()
    with pytest.raises(httpx.RemoteProtocolError), httpx.Client() as newcomer:
        newcomer.get(f"{sandbox.url}/Patient")
    in_vain = 0

    def is_back() -> bool:
        nonlocal in_vain
        try:
            return sandbox.get("Patient").status_code == 200
        except httpx.TransportError:
            in_vain += 1
            return False

    wait_for(is_back)
    truth = sandbox.truth()
    assert (truth["arrivals"], truth["answers"], truth["dropped"]) == (2, {"200": 2}, 1 + in_vain)


def test_small_answers_are_sent_at_once(start):
    """Without TCP_NODELAY some answers would wait 40 ms for an acknowledgement; a busy machine prefers no such time."""
    sandbox = start()
    sandbox.get("Patient")
    over_ms = []
    for _ in range(300):
        started = time.perf_counter()
        residence_ms = float(sandbox.get("Patient/nobody").headers["X-Residence-Ms"])
        over_ms.append((time.perf_counter() - started) * 1000 - residence_ms)
    about_40_ms = sum(38 < each < 46 for each in over_ms)
    assert about_40_ms < 5 + 2 * sum(30 < each < 54 and not 38 < each < 46 for each in over_ms)


def test_the_links_of_a_page_lead_back_to_the_name_that_the_client_used(start):
    sandbox = start()
    answer = sandbox.client.get(f"{sandbox.url}/Patient", headers={"Host": f"localhost:{sandbox.port}"})
    assert answer.json()["link"][0]["url"] == f"http://localhost:{sandbox.port}/fhir/Patient"


def test_a_fault_of_the_command_line_is_planted(start):
    sandbox = start("--fault", "error-rate:every=1,site=river,status=503")
    assert [sandbox.get("Patient", X_Site=site).status_code for site in ("river", "lake")] == [503, 200]
