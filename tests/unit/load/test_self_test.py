"""A second of sending: every request is real, recorded and right, or the self-test says that it failed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pytest

from harness.clinic.registry import WORKFLOWS
from harness.errors import RunError
from harness.load import self_test
from harness.rundir import RunDir
from harness.samples.reader import merge_streams

SHORT_S = 0.3


def samples_of(folder: Any) -> Any:
    import pyarrow.parquet as pq

    run_dir = RunDir(folder)
    run_dir.streams = folder
    merge_streams(run_dir)
    return pq.read_table(run_dir.samples)


def test_all_workflows_are_played_over_the_wire_and_every_request_is_in_the_samples(tmp_path):
    sent = self_test.send_for_a_second(tmp_path, SHORT_S)
    assert sent.requests >= self_test.LEAST_REQUESTS
    assert 0 < sent.cpu_s <= sent.wall_s * 1.5  # whoever sends is one process, and nobody else is counted
    assert sent.wall_s >= SHORT_S
    samples = samples_of(tmp_path)
    assert len(samples) >= sent.requests
    assert set(samples["outcome"].cast(pa.string()).to_pylist()) <= {"ok", "cancelled"}
    played = set(samples["workflow"].cast(pa.string()).to_pylist())
    assert played <= set(WORKFLOWS)
    assert len(played) > 20


def talk_to(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    @contextmanager
    def server() -> Iterator[str]:
        yield url

    monkeypatch.setattr(self_test, "_canned_server", server)


def test_where_nobody_answers_it_fails_and_says_so(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    talk_to(monkeypatch, f"http://127.0.0.1:{port}/fhir")
    with pytest.raises(RunError, match=r"came as 'connection'"):
        self_test.send_for_a_second(tmp_path, 0.05)


def test_an_answer_that_is_wrong_is_not_counted_as_sent(tmp_path, monkeypatch, serve):
    server = serve(lambda line: line.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
    talk_to(monkeypatch, server.url)
    monkeypatch.setattr(self_test, "CONNECTIONS", 1)
    with pytest.raises(RunError, match=r"came as 'content'"):
        self_test.send_for_a_second(tmp_path, 0.05)


def test_too_few_requests_tell_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(self_test, "LEAST_REQUESTS", 10**9)
    monkeypatch.setattr(self_test, "AT_MOST_LONGER_S", 0.0)
    with pytest.raises(RunError, match=r"only \d+ requests were sent within"):
        self_test.send_for_a_second(tmp_path, 0.05)


def test_it_prints_one_line_of_json_or_one_that_says_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["self_test", str(tmp_path), "0"])  # long over: it sends for as little as tells
    assert self_test.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert told["requests"] > 0
    assert self_test.SHORTEST_S <= told["wall_s"] < self_test.WINDOW_S
    monkeypatch.setattr("sys.argv", ["self_test", str(tmp_path / "nowhere"), "0"])
    assert self_test.main() == 1
    assert "No such file" in capsys.readouterr().err
