"""Whoever reads our output may leave (`emrload plan … | head`): no error, no complaint at exit, no false verdict.

click and rich each turn the broken pipe into exit code 1, which here would mean that an objective failed.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from types import TracebackType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = [
    "keep_standard_places",
    "leave_the_terminal",
    "outlive_the_terminal",
    "reader_may_leave",
    "show_what_it_can",
    "write_to_nobody",
]

_STANDARD_ERROR: Final = 2


class reader_may_leave:  # noqa: N801 (read as a sentence, like contextlib's own)
    """A context that ends where the reader of standard output or error leaves; nobody is written to from then on."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        # Nothing of ours exits by SystemExit: code 1 is what click and rich make of a broken pipe.
        left = isinstance(error, BrokenPipeError) or (isinstance(error, SystemExit) and error.code == 1)
        if left:
            write_to_nobody()
        return left


def show_what_it_can() -> None:
    """Where a terminal's character set lacks a dash or a bar, a question mark is better than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


class _Terminal(FileIO):
    """One that may go away: what can no longer be shown there is dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            leave_the_terminal()
            return memoryview(data).nbytes


def outlive_the_terminal() -> None:
    """Whoever works on after her terminal is closed (`disown`; or before she hears of it) says the rest to nobody."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper) and stream.isatty():
            raw = _Terminal(stream.fileno(), "w", closefd=False)
            setattr(sys, name, TextIOWrapper(BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=True))


def keep_standard_places() -> None:
    """Standard channels that are closed (`>&-`) lead to nobody: what we open would be in their places else, and whoever
    we start would write her words into it."""
    while (nobody := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(nobody, True)
    os.close(nobody)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (a descriptor)


def write_to_nobody() -> None:
    """Drop what cannot be written; Python would try it again at its end."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(nobody, stream.fileno())
    os.close(nobody)


def leave_the_terminal() -> None:
    """Standard output and error go to nobody where they went to a terminal, which is gone: each word to it would be an
    error (EIO), and it no longer says what it was."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and not _is_file_or_pipe(stream.fileno()):
            os.dup2(nobody, stream.fileno())
    os.close(nobody)


def _is_file_or_pipe(handle: int) -> bool:
    mode = os.fstat(handle).st_mode
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
