"""What takes much memory works in a process of its own, before and after the load, and is gone while the load is on.

    this program ──(method, arguments)──▶ one object there, with pandas, pyarrow, pydantic, httpx
                 ◀──(what it returns)──── or what it raises, which is raised here

It writes to the same terminal. A Ctrl-C comes here only; whoever leaves the block by an error ends it at once. It ends
by itself where this program is gone.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from harness.cli.reader import outlive_the_terminal, show_what_it_can, write_to_nobody
from harness.errors import RunError

__all__ = ["Backstage"]

_COMMAND: Final = (sys.executable, "-m", "harness.cli.backstage")
_PR_SET_PDEATHSIG: Final = 1
_END_WITHIN_S: Final = 5.0


class Backstage:
    """A context with one object of another process: `what` is made of its first arguments, `ask` calls its methods.

    `what` is written `module:Class`, so that nothing of it is imported here. Arguments and answers are pickled.
    """

    def __init__(self, what: str, *arguments: object, does: str, hint: str = "") -> None:
        """`does` says what its process does, as in "prepares the run"; `hint` what to do where it is killed."""
        self._what = what
        self._arguments = arguments
        self._does = does
        self._hint = hint

    def __enter__(self) -> Backstage:
        """Raises what making the object raises, RunError where its process ends."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter with our own arguments)
                [*_COMMAND, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # a Ctrl-C at the terminal is ours to act on
            )
        with ours:
            self._channel = ours.makefile("rwb")
        try:
            self.ask(self._what, *self._arguments)
        except BaseException:
            self._end()
            raise
        return self

    def ask(self, method: str, *arguments: object) -> Any:
        """What the method gives there. Raises what it raises, RunError where its process ends over it."""
        try:
            pickle.dump((method, arguments), self._channel)
            self._channel.flush()
            well, answer = pickle.load(self._channel)  # noqa: S301 (from our own process)
        except (EOFError, ConnectionError, pickle.UnpicklingError):
            raise RunError(self._how_it_ended(), self._hint) from None
        if not well:
            raise answer
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            with suppress(OSError):
                self._channel.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_WITHIN_S)
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._channel.close()

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
        return f"the process that {self._does} {how}"


def _serve(end: socket.socket) -> None:
    """Make the object, then call its methods, until nobody asks any more."""
    made: Any = None
    channel = end.makefile("rwb")
    while True:
        try:
            method, arguments = pickle.load(channel)  # noqa: S301 (from whoever started us)
        except EOFError:
            return
        try:
            if made is None:
                module, _, name = method.partition(":")
                made, answer = getattr(importlib.import_module(module), name)(*arguments), None
            else:
                answer = getattr(made, method)(*arguments)
            told = pickle.dumps((True, answer))
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where an error can still be told
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is raised where it was asked for)
            if isinstance(error, (BrokenPipeError, SystemExit)):  # as harness.cli.reader has it
                write_to_nobody()
            told = _pickled(error)
        channel.write(told)
        channel.flush()


def _pickled(error: BaseException) -> bytes:
    error.add_note("".join(traceback.format_exception(error)))
    try:
        return pickle.dumps((False, error))
    except Exception:  # noqa: BLE001 (an error of somebody else's may hold anything)
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _end_with_parent() -> None:
    """The system kills us the moment that whoever started us is gone: a verdict that nobody waits for is none."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(1)


if __name__ == "__main__":
    _end_with_parent()
    outlive_the_terminal()
    show_what_it_can()
    with socket.socket(fileno=int(sys.argv[1])) as theirs:
        _serve(theirs)
