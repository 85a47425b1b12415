"""`emrload run` before anything is sent: what it refuses, and what it then leaves behind."""

from __future__ import annotations

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


def test_an_interrupt_while_it_prepares_leaves_no_folder(monkeypatch, tmp_path):
    from harness.cli.performance import Performance

    def interrupted(performance: Performance) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Performance, "announce", interrupted)
    monkeypatch.chdir(tmp_path)
    assert run_program(["run", QUICK, "--duration", "10s"]) == 3
    assert [path for path in tmp_path.rglob("*") if path.name != "reports"] == []
