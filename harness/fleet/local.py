"""Locust on this machine: one process, or a stock master and its workers, each with a log of its own.

1 worker     locust --headless --emr-run DIR
N workers    locust --master …  and N × locust --worker …

The first of them leads. It gives a sign each second: one that is stopped or hangs is ended, and so are its workers.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

from harness.errors import RunError
from harness.fleet.hearing import Hearing
from harness.rundir import LIFELINE_VARIABLE, PARENT_VARIABLE, RunDir, conductor_path

__all__ = ["LocalFleet", "free_port", "interrupts_held", "launch", "locust_command"]

LEAVE_WITHIN_S: Final = 15.0
"""Workers leave by themselves once their leader has; what they measured is written by then."""
STOP_WITHIN_S: Final = 3.0
"""After this long, whoever was asked to stop at once is made to."""
WORKERS_WITHIN_S: Final = 60
"""Workers that have not found their leader by then never will: it ends, and says so."""
SILENT_S: Final = 30.0
"""A leader that gives no sign for so long is ended: a load that stands still so long is worth nothing anyway."""


class LocalFleet:
    """The load processes of one run. The first of `processes` leads: it is asked to end early, its exit code tells."""

    def __init__(self, run_dir: RunDir, target: str, workers: int) -> None:
        self._run_dir = run_dir
        self._target = target
        self._workers = workers
        self._ending = False
        self._hearing = Hearing()
        self._silent = False
        self._deserter = ""
        self._left_at_s = 0.0
        self._begun = False
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        with interrupts_held():
            self._launch_all()
        if self._ending:  # somebody changed her mind while they were launched
            self.end_early()

    def _launch_all(self) -> None:
        if self._workers == 1:
            self._launch("locust", "--headless", "--only-summary")
            return
        port = str(free_port())
        leader = ("--headless", "--only-summary", "--master", "--master-bind-host", "127.0.0.1")
        expected = ("--expect-workers", str(self._workers), "--expect-workers-max-wait", str(WORKERS_WITHIN_S))
        self._launch("master", *leader, "--master-bind-port", port, *expected)
        for index in range(self._workers):
            self._launch(f"worker-{index}", "--worker", "--master-host", "127.0.0.1", "--master-port", port)

    @property
    def running(self) -> bool:
        """The leader is at work. Workers end by themselves after it."""
        self._hearing.listen(under_load=self._load_has_begun)
        if self.processes[0].poll() is not None:
            return False
        self._silent = self._hearing.silent_s > SILENT_S
        self._deserter = self._who_left_before_the_load()
        return not self._silent and not self._deserter

    @property
    def ended_by(self) -> str:
        """What ended the load before its time, as far as it is known here; "" where nothing did, or whoever asked."""
        if self._hearing.words:
            return self._hearing.words[0]
        if self._silent:
            return f"the leading load process gave no sign for {SILENT_S:g} s"
        code = self.processes[0].returncode
        if code is not None and code < 0 and not self._ending:
            return f"the leading load process was killed ({signal.Signals(-code).name})"
        return ""

    @property
    def silent_s(self) -> float:
        """The longest time that the leader gave no sign under load; it gives one a second."""
        return self._hearing.longest_gap_s

    @property
    def _load_has_begun(self) -> bool:
        """The leader has named the start, and said so in the run's folder."""
        self._begun = self._begun or conductor_path(self._run_dir.streams).exists()
        return self._begun

    def end_early(self) -> None:
        """Everybody finishes the step at hand; all that was measured is kept."""
        self._ending = True
        self._signal(self.processes[:1], signal.SIGINT)

    def stop_at_once(self) -> None:
        """Second thoughts: no step is finished any more."""
        self._ending = True
        self._signal(self.processes, signal.SIGTERM)
        self._wait(STOP_WITHIN_S)
        self._signal(self.processes, signal.SIGKILL)
        self._wait(STOP_WITHIN_S)

    def join(self) -> int:
        """Wait for the rest of the processes after the leader and give its exit code.

        Raises RunError with the end of its log where the leader failed.
        """
        if not self._silent and not self._deserter and self.processes[0].wait() >= 0:
            # one that had not found its leader yet never hears that it is gone
            self._wait(STOP_WITHIN_S if self._ending else LEAVE_WITHIN_S)
        # nobody leads those whose leader was killed, or stands still: they would go on as if it were there
        ending = self._ending
        self.stop_at_once()
        self._ending = ending
        self._hearing.listen(under_load=self._load_has_begun)
        self._hearing.close()
        code = self.processes[0].wait()
        lost = self._deserter or self.ended_by
        if lost and not self._load_has_begun:
            raise RunError(f"{lost} before the load began", f"its log: {self._run_dir.logs}")
        # one that broke off has said why; how it ends then tells no more (120 is Python's, its log on the full disk)
        if code not in (0, 3) and code > 0 and not self._hearing.words:
            raise RunError(f"the load ended with code {code}: {self._last_words()}", f"its log: {self._run_dir.logs}")
        return code

    def _who_left_before_the_load(self) -> str:
        """A worker that is gone before the leader named the start: it would wait for it without an end.

        Unless the leader has sent it away and is about to leave itself, with a reason of its own.
        """
        if self._load_has_begun:
            return ""
        for index, worker in enumerate(self.processes[1:]):
            code = worker.poll()
            if code is not None:
                self._left_at_s = self._left_at_s or time.monotonic()
                if time.monotonic() - self._left_at_s < STOP_WITHIN_S:
                    return ""
                return f"worker {index} {f'was killed ({signal.Signals(-code).name})' if code < 0 else 'left'}"
        return ""

    def _launch(self, name: str, *arguments: str) -> None:
        log = self._run_dir.logs / f"{name}.log"
        if self.processes:
            self.processes.append(launch(self._command(arguments), log))
        else:
            self.processes.append(launch(self._command(arguments), log, lifeline=self._hearing.handle))
            self._hearing.speaker_has_it()

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return locust_command(self._run_dir, "--host", self._target, *arguments)

    def _last_words(self) -> str:
        lines = [
            line
            for log in sorted(self._run_dir.logs.glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if "ERROR" in line or "Error" in line
        ]
        return lines[-1] if lines else "it said nothing"

    def _wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        for process in self.processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue

    @staticmethod
    def _signal(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)


def locust_command(run_dir: RunDir, *arguments: str) -> list[str]:
    """A stock Locust that plays what stands in the run's folder."""
    locustfile = str(files("harness.load") / "locustfile.py")
    command = [sys.executable, "-m", "locust", "-f", locustfile, "--emr-run", str(run_dir.path.resolve())]
    return [*command, "--loglevel", "WARNING", *arguments]


def launch(command: Sequence[str], log: Path, lifeline: int | None = None) -> subprocess.Popen[bytes]:
    """A load process with a log of its own; it ends when this process is gone. One who leads speaks on `lifeline`."""
    own = {PARENT_VARIABLE: str(os.getpid())} | ({} if lifeline is None else {LIFELINE_VARIABLE: str(lifeline)})
    with log.open("ab") as sink:
        return subprocess.Popen(  # noqa: S603 (our own interpreter with our own arguments)
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C at the terminal is ours to pass on
            env=os.environ | own,
            pass_fds=() if lifeline is None else (lifeline,),
        )


@contextmanager
def interrupts_held() -> Iterator[None]:
    """What is launched meanwhile is born deaf to SIGINT; the load listens (and hears what came) once it is ready to.

    Or else an early Ctrl-C would end it in the middle of its imports, or be lost there.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def free_port(host: str = "127.0.0.1") -> int:
    """A port of this address that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
