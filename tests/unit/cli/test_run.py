"""`emrload run` before anything is sent: what it refuses, and what it then leaves behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.program import run_program
from harness.errors import RunError

QUICK = str(Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml")


@pytest.fixture
def refused(monkeypatch, tmp_path, capsys) -> Callable[..., str]:
    """Run it in an empty folder; it must end with 2, and say why."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(tmp_path)
        assert run_program(["run", QUICK, "--duration", "10s", *arguments]) == 2
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize("label", ["build", "=4711", ""])
def test_a_label_is_a_key_and_a_value(refused, label, tmp_path):
    told = refused("--label", label, "--label", "a=b=c")
    assert f"--label: '{label}' is not a label" in told
    assert "write KEY=VALUE" in told
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_refuses_leaves_no_folder(refused, tmp_path):
    told = refused("--target", "http://127.0.0.1:9/fhir")
    assert "127.0.0.1:9" in told
    assert [path for path in tmp_path.rglob("*") if path.name != "reports"] == []


def test_a_folder_of_the_users_own_is_given_back_empty(refused, tmp_path):
    own = tmp_path / "mine"
    own.mkdir()
    refused("--target", "http://127.0.0.1:9/fhir", "--out", str(own))
    assert own.is_dir()
    assert list(own.iterdir()) == []
    refused("--target", "http://127.0.0.1:9/fhir", "--out", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_sandbox_that_does_not_come_up_leaves_the_log_that_says_why(monkeypatch, tmp_path, capsys):
    from harness.fleet import SandboxProcess

    def fails(sandbox: SandboxProcess) -> None:
        sandbox._log.write_text("why")
        raise RunError("the sandbox did not come up", f"its log: {sandbox._log}")

    monkeypatch.setattr(SandboxProcess, "__enter__", fails)
    monkeypatch.chdir(tmp_path)
    assert run_program(["run", QUICK, "--duration", "10s"]) == 4
    log = Path(capsys.readouterr().err.rpartition("its log: ")[2].strip())
    assert log.read_text() == "why"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_while_it_prepares_leaves_no_folder(monkeypatch, tmp_path, number):
    from harness.cli import signals
    from harness.fleet import SandboxProcess

    def interrupted(sandbox: SandboxProcess) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr(signals, "leave_the_terminal", lambda: None)
    monkeypatch.setattr(SandboxProcess, "__enter__", interrupted)
    monkeypatch.chdir(tmp_path)
    with signals.handled_by(lambda *_: pytest.fail("nobody heeds it"), signal.SIGTERM, signal.SIGHUP):
        assert run_program(["run", QUICK, "--duration", "10s"]) == 3
    assert [path for path in tmp_path.rglob("*") if path.name != "reports"] == []


@pytest.mark.parametrize(
    ("per_cpu_s", "failed", "told"),
    [
        (100_000.0, "", "machine  this machine can generate about 100,000 requests/s; the plan asks for"),
        (1.0, "", "warning  this machine can generate about 1 requests/s with 1 load process, and the plan asks for"),
        (
            None,
            "no port",
            "warning  the self-test failed (no port), nobody knows what this machine can generate; the plan",
        ),
    ],
)
def test_what_the_machine_can_generate_is_told_and_kept(per_cpu_s, failed, told, monkeypatch, tmp_path, capsys):
    from harness.cli import performance as module
    from harness.cli.outlook import Outlook
    from harness.fleet import SelfTest
    from harness.rundir import create_run_dir

    outlook = Outlook("quick-rush", "http://127.0.0.1:9/fhir", True, 30.0, 2.5, [30.0], [""], [0.0], [3])
    run_dir = create_run_dir("quick-rush", tmp_path / "run")
    performance = module.Performance(run_dir, outlook, 1)
    monkeypatch.setattr(
        module, "try_generator", lambda log, workers, planned: SelfTest(per_cpu_s, workers, 2.0, planned, failed)
    )
    performance.try_machine()
    assert capsys.readouterr().err.startswith(told)
    kept = run_dir.read_manifest()["self_test"]
    assert kept["requests_per_cpu_s"] == per_cpu_s
    assert kept["planned_peak_per_s"] == 2.5
