"""What a worker measured goes to the run's leader: after its load process has ended, piece by piece, with digests.

    offer ─▶ so much is there already ─▶ the next piece … ─▶ whole, digest right, on disk ─▶ only then ours may go

A line that is cut is waited for, and so is a leader that cannot write; after ten minutes in which nothing was taken the
files stay here, and a person is told how to hand them in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.fleet.channel import Channel, NoAnswer, TurnedAway
from harness.fleet.intake import sha256_of
from harness.rundir import RunDir
from harness.units import count_text, duration_text

__all__ = ["HandedIn", "hand_in"]

PIECE_BYTES: Final = 256 << 10
PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
GIVE_UP_S: Final = 600.0
"""Without a piece that was taken. source: requirement"""
TRIES_OF_A_FILE: Final = 3
"""A file that comes with another digest as often changes while it is read, or a disk is broken."""


@dataclass(frozen=True)
class HandedIn:
    """What came of it: `lacking` is why it is not all there, empty where it is."""

    files: int
    size_bytes: int
    lacking: str = ""


def hand_in(
    channel: Channel,
    run_dir: RunDir,
    load_code: int | None,
    say: Callable[[str], None],
    *,
    give_up_s: float = GIVE_UP_S,
    stop: Callable[[], bool] = lambda: False,
) -> HandedIn:
    """Hand in streams and logs of a worker's folder. `stop` is asked whether to end it: before each digest of a file
    and each piece, and while nothing answers."""
    files: list[dict[str, Any]] = []
    waits = _Patience(give_up_s, stop, say)
    try:
        files += _described(run_dir, waits)
        while True:
            try:
                _hand_in_once(channel, run_dir, load_code, files, waits)
                return HandedIn(len(files), _size(files))
            except NoAnswer as nothing:
                waits.wait(str(nothing))
    except (TurnedAway, _NeverRight, _GivenUp) as why:
        return HandedIn(len(files), _size(files), str(why))


def _hand_in_once(
    channel: Channel, run_dir: RunDir, load_code: int | None, files: list[dict[str, Any]], waits: _Patience
) -> None:
    waits.go_on()
    told = channel.tell("offer", {"files": files, "load_code": load_code})
    for each in [each for each in files if each["path"] not in told["whole"]]:
        _send(channel, run_dir.path / each["path"], each, int(told["have"][each["path"]]), waits)


def _size(files: Iterable[dict[str, Any]]) -> int:
    return sum(each["size"] for each in files)


def _described(run_dir: RunDir, waits: _Patience) -> Iterator[dict[str, Any]]:
    for path in sorted([*run_dir.streams.iterdir(), *run_dir.logs.glob("*.log")]):
        if path.is_file():
            waits.go_on()
            name = path.relative_to(run_dir.path).as_posix()
            yield {"path": name, "size": path.stat().st_size, "sha256": sha256_of(path)}


def _send(channel: Channel, path: Path, told: dict[str, Any], have: int, waits: _Patience) -> None:
    """From byte `have` on. A file of which nothing is lacking takes one empty piece, which asks for its digest."""
    whole, tries = False, 0
    with path.open("rb") as file:
        while not whole:
            waits.go_on()
            file.seek(have)
            data = file.read(PIECE_BYTES)
            answer = channel.send_piece(told["path"], have, data)
            sent_all, had = have + len(data) >= told["size"], have
            have, whole = int(answer["have"]), bool(answer["whole"])
            if whole or have > had:
                waits.taken()
            if sent_all and not whole and not have:
                tries += 1
                if tries == TRIES_OF_A_FILE:
                    raise _NeverRight(f"{told['path']} came {count_text(tries, 'time')} with another digest")


class _NeverRight(Exception):  # noqa: N818 (what became of a file)
    """A file that never came as it was offered."""


class _GivenUp(Exception):  # noqa: N818 (what became of it)
    """Nothing was taken for too long, or somebody stopped it."""


class _Patience:
    """Growing pauses, until nothing was taken for too long."""

    def __init__(self, give_up_s: float, stop: Callable[[], bool], say: Callable[[str], None]) -> None:
        self._give_up_s, self._stop, self._say = give_up_s, stop, say
        self.taken()

    def taken(self) -> None:
        self._last_s, self._pause_s, self._said = time.monotonic(), PAUSE_S, False

    def go_on(self) -> None:
        """Raises _GivenUp where somebody stops it."""
        if self._stop():
            raise _GivenUp("no answer is waited for any more, since somebody stopped it")

    def wait(self, why: str) -> None:
        """Pause. Raises _GivenUp where it is no use any more."""
        self.go_on()
        if time.monotonic() - self._last_s > self._give_up_s:
            raise _GivenUp(f"no answer for {duration_text(self._give_up_s)}: {why}")
        if not self._said:
            self._say(f"files    no answer ({why}); trying again for {duration_text(self._give_up_s)}")
            self._said = True
        until_s = time.monotonic() + self._pause_s
        while time.monotonic() < until_s and not self._stop():
            time.sleep(min(0.2, self._pause_s))
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
