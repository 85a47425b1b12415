"""Processes that are started, watched and ended; played here by small programs in the place of Locust."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.errors import RunError
from harness.fleet import LocalFleet, SandboxProcess
from harness.fleet import local as local_module
from harness.fleet import sandbox as sandbox_module
from harness.rundir import RunDir, conductor_path, create_run_dir

LISTENS = """
import signal, sys, time
def leave(*_): print("leaving"); sys.exit({code})
signal.signal(signal.SIGINT, leave)
time.sleep({deaf_s})
signal.pthread_sigmask(signal.SIG_UNBLOCK, {{signal.SIGINT}})
time.sleep(60)
"""
IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def run_dir(tmp_path) -> RunDir:
    return create_run_dir("morning-rush", tmp_path / "run")


class Impostors(LocalFleet):
    """Launches other programs: the first leads, all others are workers."""

    programs: tuple[str, ...] = ()

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-c", self.programs[min(len(self.processes), len(self.programs) - 1)]]


@pytest.fixture
def launch(run_dir) -> Iterator[Callable[..., Impostors]]:
    fleets: list[Impostors] = []

    def start(*programs: str) -> Impostors:
        fleet = Impostors(run_dir, "http://127.0.0.1/fhir", max(1, len(programs) - 1))
        fleet.programs = programs
        fleets.append(fleet)
        fleet.start()
        return fleet

    yield start
    for fleet in fleets:
        for process in fleet.processes:
            process.kill()
            process.wait()


def log_of(run_dir: RunDir, name: str = "locust") -> str:
    return (run_dir.logs / f"{name}.log").read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_an_interrupt_that_comes_too_early_is_heard_later(launch, run_dir):
    """In the middle of its imports Locust would die of it, or lose it."""
    fleet = launch(LISTENS.format(code=3, deaf_s=0.3))
    fleet.end_early()
    assert fleet.join() == 3
    assert log_of(run_dir) == "leaving\n"


def test_an_interrupt_while_the_load_is_launched_is_passed_on(run_dir):
    class Impatient(Impostors):
        programs = (LISTENS.format(code=3, deaf_s=0.0),)

        def _launch_all(self) -> None:
            self.end_early()
            super()._launch_all()

    fleet = Impatient(run_dir, "http://127.0.0.1/fhir", 1)
    fleet.start()
    assert fleet.join() == 3


def test_whoever_launches_hears_interrupts_as_before(launch):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    launch("pass").join()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before


def test_workers_that_never_found_their_leader_do_not_outlive_it(launch, monkeypatch):
    monkeypatch.setattr(local_module, "LEAVE_WITHIN_S", 0.2)
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch("pass", "import time; time.sleep(60)", IGNORES)
    assert fleet.join() == 0
    wait_for(lambda: all(process.poll() is not None for process in fleet.processes))


def test_stopping_at_once_does_not_ask_for_long(launch, monkeypatch):
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch(IGNORES)
    assert fleet.running
    fleet.stop_at_once()
    wait_for(lambda: not fleet.running)


def test_a_load_that_fails_is_told_with_its_last_words(launch):
    fleet = launch("import sys; print('[x] ERROR/harness: worker 1 was not ready'); sys.exit(4)")
    with pytest.raises(RunError, match=r"the load ended with code 4: .*worker 1 was not ready"):
        fleet.join()


def test_a_load_that_was_killed_is_no_error_of_the_program(launch, run_dir):
    """What it left is analysed, and the verdict says that it cannot be trusted."""
    conductor_path(run_dir.streams).write_text("{}")
    fleet = launch("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert fleet.join() == -signal.SIGKILL


BEATS = """
import os, time
handle = int(os.environ["EMRLOAD_LIFELINE"])
for _ in range({beats}):
    os.write(handle, b"{line}\\n" if "{line}" else b"beat %f\\n" % time.monotonic())
    time.sleep(0.05)
time.sleep({then_s})
"""


def test_a_leader_that_is_killed_before_the_load_leaves_nothing_to_judge(launch):
    fleet = launch("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(RunError, match=r"^the leading load process was killed \(SIGKILL\) before the load began$"):
        fleet.join()


def test_a_leader_that_is_killed_takes_its_workers_along_at_once(launch, monkeypatch, run_dir):
    """Nobody leads them any more, and they would go on for a minute."""
    conductor_path(run_dir.streams).write_text("{}")
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "import time; time.sleep(60)", IGNORES)
    wait_for(lambda: not fleet.running)
    began = time.monotonic()
    assert fleet.join() == -signal.SIGKILL
    assert time.monotonic() - began < 5
    assert fleet.ended_by == "the leading load process was killed (SIGKILL)"
    assert all(process.poll() is not None for process in fleet.processes)


def test_a_leader_that_said_why_it_ended_is_no_error_however_it_ends(launch, run_dir):
    """Python itself ends with 120 where what it still had to say to its log cannot be written."""
    conductor_path(run_dir.streams).write_text("{}")
    fleet = launch(BEATS.format(beats=1, line="worker 0: no space", then_s=0) + "raise SystemExit(120)")
    assert fleet.join() == 120
    assert fleet.ended_by == "worker 0: no space"


@pytest.mark.parametrize(
    ("program", "said"),
    [("import os; os.kill(os.getpid(), 9)", r"was killed \(SIGKILL\)"), ("raise SystemExit(1)", "left")],
)
def test_a_worker_that_is_gone_before_the_load_ends_it(launch, monkeypatch, program, said):
    """The leader waits for it, and would wait on."""
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch("import time; time.sleep(60)", program, "import time; time.sleep(60)")
    wait_for(lambda: not fleet.running)
    with pytest.raises(RunError, match=f"^worker 0 {said} before the load began$"):
        fleet.join()
    assert all(process.poll() is not None for process in fleet.processes)


def test_a_leader_that_gives_up_and_sends_its_workers_away_is_heard_first(launch):
    """They are gone a moment before it is."""
    leaves = "import sys, time; print('ERROR: worker 1 compiled another roster'); time.sleep(1); sys.exit(4)"
    fleet = launch(leaves, "pass", "pass")
    wait_for(lambda: fleet.processes[1].poll() is not None)
    wait_for(lambda: not fleet.running)
    with pytest.raises(RunError, match="the load ended with code 4: ERROR: worker 1 compiled another roster"):
        fleet.join()


def test_a_worker_that_is_lost_under_load_is_for_the_verdict_to_tell(launch, run_dir):
    conductor_path(run_dir.streams).write_text("{}")
    fleet = launch("import time; time.sleep(0.5)", "import os; os.kill(os.getpid(), 9)", "pass")
    wait_for(lambda: fleet.processes[1].poll() is not None)
    assert fleet.running
    assert fleet.join() == 0
    assert fleet.ended_by == ""


def test_a_leader_that_falls_silent_is_ended(launch, monkeypatch, run_dir):
    conductor_path(run_dir.streams).write_text("{}")
    monkeypatch.setattr(local_module, "SILENT_S", 0.7)
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch(BEATS.format(beats=4, line="", then_s=60))
    assert fleet.running
    wait_for(lambda: not fleet.running)
    fleet.join()
    assert fleet.ended_by == "the leading load process gave no sign for 0.7 s"


def test_a_leader_that_is_stopped_is_ended_too(launch, monkeypatch, run_dir):
    conductor_path(run_dir.streams).write_text("{}")
    monkeypatch.setattr(local_module, "SILENT_S", 0.7)
    monkeypatch.setattr(local_module, "STOP_WITHIN_S", 0.5)
    fleet = launch(BEATS.format(beats=1000, line="", then_s=0))
    time.sleep(0.5)
    fleet.processes[0].send_signal(signal.SIGSTOP)
    wait_for(lambda: not fleet.running)
    assert fleet.join() == -signal.SIGKILL
    assert fleet.ended_by == "the leading load process gave no sign for 0.7 s"


def test_what_the_leader_says_is_why_the_load_ended(launch, run_dir):
    conductor_path(run_dir.streams).write_text("{}")
    fleet = launch(BEATS.format(beats=1, line="worker 1: no space", then_s=0) + "raise SystemExit(3)")
    assert fleet.join() == 3
    assert fleet.ended_by == "worker 1: no space"


def test_a_load_that_ended_by_itself_or_was_asked_to_has_no_other_reason(launch):
    fleet = launch("pass")
    fleet.join()
    assert fleet.ended_by == ""
    fleet = launch("import time; time.sleep(60)")
    fleet.stop_at_once()
    fleet.join()
    assert fleet.ended_by == ""


def test_each_process_is_a_stock_locust(run_dir, monkeypatch):
    launched: list[list[str]] = []

    class Noted(LocalFleet):
        def _launch(self, name: str, *arguments: str) -> None:
            launched.append([name, *self._command(arguments)])

    Noted(run_dir, "http://127.0.0.1/fhir", 1).start()
    Noted(run_dir, "http://127.0.0.1/fhir", 2).start()
    assert [one[0] for one in launched] == ["locust", "master", "worker-0", "worker-1"]
    assert all(one[1:4] == [sys.executable, "-m", "locust"] for one in launched)
    assert all(Path(one[one.index("-f") + 1]).is_file() for one in launched)
    assert [("--master" in one, "--worker" in one) for one in launched] == [(0, 0), (1, 0), (0, 1), (0, 1)]
    assert launched[1][launched[1].index("--expect-workers") + 1] == "2"


# ---- the built-in server


def test_the_sandbox_is_up_inside_and_gone_outside(tmp_path):
    with SandboxProcess(tmp_path / "sandbox.log") as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        process = psutil.Process(sandbox._process.pid)
        assert process.is_running()
    wait_for(lambda: not psutil.pid_exists(process.pid))


@pytest.mark.parametrize("line", ["print('Traceback')", "print('{}')", "print('[]')", "pass", "raise SystemExit(2)"])
def test_a_sandbox_that_does_not_come_up_is_told_with_its_log(tmp_path, monkeypatch, line):
    monkeypatch.setattr(sandbox_module, "_COMMAND", (sys.executable, "-c", line))
    with pytest.raises(RunError, match="did not come up") as caught, SandboxProcess(tmp_path / "sandbox.log"):
        pass
    assert "sandbox.log" in caught.value.hint


def test_a_sandbox_that_says_nothing_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox_module, "_COMMAND", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(sandbox_module, "_UP_WITHIN_S", 0.3)
    with pytest.raises(RunError, match="did not come up"), SandboxProcess(tmp_path / "sandbox.log"):
        pass


def test_a_sandbox_that_is_killed_leaves_no_data_behind(tmp_path):
    with SandboxProcess(tmp_path / "sandbox.log") as sandbox:
        data = sandbox._data
        assert data is not None
        assert data.is_dir()
        sandbox._process.kill()
        sandbox._process.wait()
        assert data.is_dir()
    assert not data.exists()


def test_data_that_somebody_wants_to_keep_is_kept(tmp_path):
    with SandboxProcess(tmp_path / "sandbox.log", ("--data", str(tmp_path / "data"))):
        pass
    assert (tmp_path / "data").is_dir()
