"""The life of `emrload worker` once it has joined: wait, let a stock Locust worker work, hand in what it measured.

    waiting ──begun──▶ Locust at work ──it ends──▶ handing in ──all acknowledged──▶ the folder goes
       a sign of life, progress and the clock, once a second or a minute, all along

A line that is cut ends nothing here: Locust gives up by itself after a minute, and the files go when they can.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import EXIT_INVALID, EXIT_PASS
from harness.fleet.channel import Channel, NoAnswer, TurnedAway
from harness.fleet.clock_offset import ClockReading, best_of
from harness.fleet.handing_in import HandedIn, hand_in
from harness.fleet.joining import Joined
from harness.fleet.local import interrupts_held, launch, locust_command
from harness.units import count_text

__all__ = ["HostWorker", "SeatLost", "own_name"]

SYNC_EVERY_S: Final = 1.0
CLOCK_EVERY_S: Final = 60.0
"""source: requirement"""
MOST_PROGRESS_BYTES: Final = 256 << 10
"""Of each sign of life; after a cut the rest goes with the next ones."""
LEAVE_WITHIN_S: Final = 10.0
"""A Locust whose master has ended leaves by itself; after this it is asked to."""
FINISH_WITHIN_S: Final = 45.0
"""Then everybody may finish the step at hand, which a drain of 30 s bounds."""
KILLED_WITHIN_S: Final = 5.0


class SeatLost(Exception):  # noqa: N818 (what happened to a worker that waits)
    """The leader does not know us any more, or began anew: join again."""


@dataclass
class _Load:
    """The Locust process, and when it is ended by force."""

    process: subprocess.Popen[bytes]
    asked_at_s: float | None = None
    """Monotonic; from then on it has FINISH_WITHIN_S."""

    def ask(self, now_s: float) -> None:
        if self.asked_at_s is None and self.process.poll() is None:
            self.asked_at_s = now_s
            self.process.send_signal(signal.SIGINT)

    def press(self, now_s: float) -> None:
        """End it where it had its time."""
        if self.asked_at_s is not None and now_s - self.asked_at_s > FINISH_WITHIN_S:
            self.end()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(KILLED_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class HostWorker:
    """One worker's part in one run. `interrupted` counts Ctrl-C: the first leaves, the second stops at once."""

    def __init__(self, channel: Channel, joined: Joined, say: Callable[[str], None], *, keep: bool = False) -> None:
        self._channel = channel
        self._joined = joined
        self._say = say
        self._keep = keep
        self._offsets: dict[str, int] = {}
        self._readings: list[ClockReading] = []
        self._clock_at_s = time.monotonic() + CLOCK_EVERY_S
        self.interrupted = 0

    def work(self, wait_s: float) -> int:
        """Wait for the load, work, hand in; gives the exit code: 0 where all of it went as planned.

        Raises SeatLost where the leader forgot us before the load, or was silent for `wait_s`.
        """
        port = self._wait_for_the_load(wait_s)
        if port is None:
            return EXIT_INVALID
        load = self._start(port)
        self._say(f"working  as {self._joined.name}; the load process writes to {self._joined.run_dir.path}")
        try:
            self._look_after(load)
        finally:
            load.end()
        code = load.process.wait()
        self._tell_ended(code)
        done = hand_in(self._channel, self._joined.run_dir, code, self._say, stop=lambda: self.interrupted > 1)
        return self._conclude(code, done)

    def _wait_for_the_load(self, wait_s: float) -> int | None:
        """Locust's port once the load is to begin; None where we were interrupted before."""
        silent_since_s = time.monotonic()
        while not self.interrupted:
            try:
                told = self._sync()
            except TurnedAway as away:
                raise SeatLost(str(away)) from away
            except NoAnswer as nothing:
                if time.monotonic() - silent_since_s > wait_s:
                    raise SeatLost(str(nothing)) from nothing
            else:
                silent_since_s = time.monotonic()
                if told["state"] == "begun":
                    return int(told["locust_port"])
                if told["state"] == "over":
                    raise SeatLost("the load is over already")
            time.sleep(SYNC_EVERY_S)
        self._tell_leaving()
        self._joined.run_dir.discard()
        return None

    def _start(self, port: int) -> _Load:
        where = ("--worker", "--master-host", self._channel.host, "--master-port", str(port))
        run_dir = self._joined.run_dir
        with interrupts_held():
            return _Load(launch(locust_command(run_dir, *where), run_dir.logs / f"{self._joined.name}.log"))

    def _look_after(self, load: _Load) -> None:
        over_since_s: float | None = None
        while load.process.poll() is None:
            now_s = time.monotonic()
            if self.interrupted:
                load.ask(now_s)
            if self.interrupted > 1:
                load.end()
            try:
                if self._sync()["state"] == "over":
                    over_since_s = over_since_s or now_s
            except (NoAnswer, TurnedAway):
                pass  # the leader counts our silence; whether to go on without it is Locust's to say
            if over_since_s is not None and now_s - over_since_s > LEAVE_WITHIN_S:
                load.ask(now_s)
            load.press(now_s)
            _pause(load.process)
        if self.interrupted:
            self._tell_leaving()

    def _tell_ended(self, code: int) -> None:
        """With a last look at the clock, so that a run of less than a minute has two."""
        self._clock_at_s = 0.0
        try:
            self._sync(load_code=code)
        except (NoAnswer, TurnedAway):
            return  # it is told again with the files

    def _sync(self, **more: int) -> dict[str, Any]:
        """A sign of life. Raises NoAnswer or TurnedAway."""
        self._compare_clocks()
        told = {"progress": self._news(), "clocks": [each.to_json() for each in self._readings], **more}
        answer = self._channel.tell("sync", told)
        self._readings = []
        self._offsets |= {path: int(held) for path, held in answer["progress"].items()}
        return answer

    def _compare_clocks(self) -> None:
        """Once a minute; where that fails, again with the next sign of life."""
        if time.monotonic() >= self._clock_at_s:
            self._readings.append(best_of(self._joined.name, self._channel.exchange_clocks))
            self._clock_at_s = time.monotonic() + CLOCK_EVERY_S

    def _news(self) -> dict[str, dict[str, Any]]:
        """Progress lines that the leader has not seen, whole ones only."""
        told = {}
        for path in self._joined.run_dir.streams.glob("progress-w*.jsonl"):
            name = path.relative_to(self._joined.run_dir.path).as_posix()
            offset = self._offsets.get(name, 0)
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(MOST_PROGRESS_BYTES)
            whole = data[: data.rfind(b"\n") + 1]
            told[name] = {"offset": offset, "text": whole.decode()}
        return told

    def _tell_leaving(self) -> None:
        try:
            self._channel.tell("leave", {"why": "somebody interrupted it (Ctrl-C)"})
        except (NoAnswer, TurnedAway):
            self._say("leaving  the run's leader does not answer; it will miss us")

    def _conclude(self, code: int, done: HandedIn) -> int:
        folder: Path = self._joined.run_dir.path
        if done.lacking:
            self._say(f"files    not all are handed in: {done.lacking}")
            self._say(f"         they stay in {folder}; to hand them in, copy {folder}/streams/* into the folder")
            self._say(f"         streams/ of run {self._joined.run} at its leader, and there give the command")
            self._say(f"         emrload report reports/{self._joined.run} --rejudge --out NEW")
            return EXIT_INVALID
        self._say(f"files    {count_text(done.files, 'file')}, {done.size_bytes / 1e6:.1f} MB, handed in")
        if self._keep:
            self._say(f"kept     {folder}")
        else:
            self._joined.run_dir.discard()
        if code:
            self._say(f"the load process ended with code {code}: its log is with the run's leader")
        return EXIT_PASS if code == 0 else EXIT_INVALID


def _pause(process: subprocess.Popen[bytes]) -> None:
    """Until the next sign of life, or until the load process ends."""
    try:
        process.wait(SYNC_EVERY_S)
    except subprocess.TimeoutExpired:
        return


def own_name() -> str:
    """Whose worker this is, for people: the host's name and our process id."""
    return f"{os.uname().nodename.partition('.')[0]}-{os.getpid()}"
