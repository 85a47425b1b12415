"""A sandbox in a process of its own, on data that is there already: its journal is the truth about what it answered."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from harness.sandbox.journal import JournalRecord, read_journal

QUICK = Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml"
SITES, SEED = "2", "7"


def emrload(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "harness.cli", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Sandbox:
    """`emrload sandbox` on data that is there already; its journal is the truth about what was answered."""

    def __init__(self, data: Path, log: Path) -> None:
        self.data, self.port = data, free_port()
        command = emrload("sandbox", "--end-with-parent", "--port", str(self.port), "--data", str(data))
        with log.open("ab") as sink:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, start_new_session=True)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.process.stdout.close()
        self.url, self.pid = str(told["url"]), int(told["pid"])

    def plant(self, *faults: dict[str, Any]) -> None:
        answer = httpx.put(f"http://127.0.0.1:{self.port}/_sandbox/faults", json=list(faults), timeout=30)
        assert answer.status_code == 200, answer.text

    def journal(self) -> JournalRecord:
        return read_journal(self.data / "journal.jsonl")

    def end(self) -> None:
        for number in (signal.SIGCONT, signal.SIGTERM):
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def seed(folder: Path) -> Path:
    """The data of a sandbox that holds the people of the run."""
    data = folder / "data"
    sandbox = Sandbox(data, folder / "sandbox.log")
    command = emrload("seed", str(QUICK), "--sites", SITES, "--seed", SEED, "--target", sandbox.url)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    sandbox.end()
    (data / "journal.jsonl").unlink()
    return data
