"""A run against a server that keeps its own books: what the harness says must be what the server saw."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.journal import read_journal

pytestmark = pytest.mark.end_to_end

LATE_GENERATOR = {"generator-stall", "start-lateness", "slot-starts", "cpu", "steal"}
"""The checks that fail where the load did not get the processor when it wanted it."""


def test_a_healthy_server_passes_and_every_request_is_in_both_books(emrload: Any, sandbox: Any) -> None:
    sandbox.start("--servers", "8", "--service", "4ms", "--distribution", "fixed")
    emrload.seed(sandbox, 3)
    options = ("--sites", "3", "--duration", "14s", "--target", sandbox.url, "--label", "build=4711")
    ended = emrload.run(*options)

    assert ended.verdict["rehearsal"] is True
    assert ended.manifest["state"] == "finished"
    assert ended.manifest["labels"] == {"build": "4711"}
    assert f"{ended.folder}/report.html" in ended.out
    check_the_machine(ended)
    check_the_books(ended, sandbox.truth())
    check_the_duty(ended)
    check_residence(ended, sandbox)

    for _ in range(3):  # a run that a busy machine made late is rightly invalid, and says nothing about the server
        if ended.code != 3 or ended.failed_checks() - LATE_GENERATOR:
            break
        ended = emrload.run(*options)
    assert ended.code == 0, ended.out
    assert ended.verdict["verdict"] == "pass"
    assert emrload.call("report", str(ended.folder), "--verify").returncode == 0


def test_one_percent_of_errors_is_in_both_books_too(emrload: Any, sandbox: Any) -> None:
    sandbox.start("--fault", "error-rate:rate=1%")
    emrload.seed(sandbox, 2)
    ended = emrload.run("--sites", "2", "--duration", "12s", "--target", sandbox.url)

    # 1% is the bound itself: so short a run may not be able to tell on which side of it the server is
    assert ended.code in (0, 1, 3), ended.out
    truth = sandbox.truth()
    assert truth["answers"]["500"] >= 1
    check_the_books(ended, truth)


def test_a_killed_server_is_an_outage_and_every_request_can_be_traced(emrload: Any, sandbox: Any) -> None:
    sandbox.start()
    emrload.seed(sandbox, 3)
    times: dict[str, float] = {}

    def kill_and_start_again(folder: Path, process: Any) -> None:
        time.sleep(2)
        times["killing"] = time.monotonic()
        sandbox.kill()
        times["down"] = time.monotonic()
        time.sleep(4)
        times["starting"] = time.monotonic()
        sandbox.start()
        times["up"] = time.monotonic()

    ended = emrload.run(
        "--sites", "3", "--duration", "24s", "--target", sandbox.url, while_running=kill_and_start_again
    )

    assert ended.code == 1, ended.out
    outages = ended.findings("outage")
    assert outages, ended.verdict["findings"]
    seconds = sum(finding["evidence"]["seconds"] for finding in outages)
    # how long a start takes depends on the machine: it is up somewhere between being started and being said to be up
    assert times["starting"] - times["down"] - 1.5 < seconds < times["up"] - times["killing"] + 1.5
    check_the_journal(ended, sandbox.data)


def check_the_machine(ended: Any) -> None:
    """Before the load the run told what this machine can generate; whichever way it went, it is in the manifest too."""
    tried, host = ended.manifest["self_test"], ended.manifest["host"]
    assert tried["planned_peak_per_s"] > 0
    if "failed" in tried:  # beside others who keep the machine busy
        assert re.search(r"^warning  the self-test failed \(it was not done", ended.out, re.M)
    else:
        can = tried["requests_per_cpu_s"] * min(tried["workers"], tried["cpus"])
        assert tried["can_generate_per_s"] == pytest.approx(can, abs=0.1)
        assert tried["share"] == pytest.approx(tried["planned_peak_per_s"] / can, abs=1e-5)
        told = r"^machine  this machine can generate about [\d,]+ requests/s; the plan asks for"
        assert re.search(told, ended.out, re.M)
    assert {"cpu_model", "cpu_mhz_start", "cpu_mhz_end"} <= set(host)
    assert "steal_seconds" in ended.summary["generator"]


def check_the_books(ended: Any, truth: dict[str, Any]) -> None:
    """Requests in the samples are the server's own count exactly: in all, by status, by site."""
    samples = ended.table("samples")
    answered = samples[samples.status > 0]
    assert len(answered) == truth["arrivals"]
    assert Counter(answered.status.astype(str)) == Counter(truth["answers"])
    for site, rows in answered.groupby("site", observed=True):
        assert len(rows) == truth["by_site"][site]["arrivals"]
    assert ended.summary["overall"]["requests"] == len(samples)


def check_the_duty(ended: Any) -> None:
    """Each slot was worked once, by somebody who left by herself."""
    plan, duty = ended.table("plan"), ended.table("duty")
    assert sorted(duty.slot) == sorted(plan.slot)
    assert set(duty.reason) == {"slot_end"}
    assert ended.summary["generator"]["start_lag_p99_ms"] >= 0


def check_residence(ended: Any, sandbox: Any) -> None:
    """No request was answered sooner than the server had it."""
    samples = ended.table("samples").set_index("request_id")
    answered = {
        int(request, 16): answer.residence_ms
        for request, answer in read_journal(sandbox.data / "journal.jsonl").answers.items()
        if not request.startswith("control-")
    }
    residence_ms = samples.index.map(answered)
    assert (samples.latency_ms.to_numpy() >= residence_ms.to_numpy()).all()


def check_the_journal(ended: Any, data: Path) -> None:
    """Every request is answered in both books, or never arrived, or its answer was lost: each told by its id."""
    journal = read_journal(data / "journal.jsonl")
    arrived = {int(request, 16) for request in journal.arrivals if not request.startswith("control-")}
    samples = ended.table("samples")
    ours, answered = set(samples.request_id), set(samples[samples.status > 0].request_id)
    assert arrived <= ours, "the server saw a request that is not in the samples"
    assert answered <= arrived, "the samples hold an answer to a request that the server never saw"
    never_arrived, answer_lost = ours - arrived, arrived - answered
    assert never_arrived
    assert len(never_arrived) + len(answer_lost) + len(answered) == len(samples)
