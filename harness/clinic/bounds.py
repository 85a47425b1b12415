"""What a workflow of one's own may cost: real time and calls, so that none can hang a plan or a run.

On the virtual clock (`OwnPlays`) one that raises, waits for real, or never ends is one clear error before any load. On
the wire it is a failed workflow (`told_of`), as a step that fails would be. Shipped workflows are not bounded.
"""

from __future__ import annotations

import inspect
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import PurePath
from types import FrameType
from typing import Final

from harness.clinic.clinician import Clinician
from harness.clinic.registry import Workflow
from harness.clinic.world import SlotOver, StepFailed, WorkflowOutcome, World
from harness.errors import InputError, Problem, shortened
from harness.fhir.call import Answer, Call, Check

__all__ = ["OWN_MODULES", "NoEnd", "OwnPlays", "own_frame_of", "told_of", "within"]

OWN_MODULES: Final = "emrload_own."
"""How the names of modules begin that hold workflows of one's own."""
PLAYS_WITHIN_S: Final = 5.0
"""Real time that all plays of one workflow take at most: a hundred of them take 0.1 s, as nothing is sent."""
MOST_CALLS: Final = 10_000
"""Requests and pauses of one play; the longest shipped workflow has some tens."""
RINGS_AGAIN_S: Final = 0.05
"""Code that swallows every exception is interrupted again so soon."""
LONGEST_MESSAGE: Final = 160
_HALF_COUNTED: Final = "harness.load."
"""Between a request and its row in the samples nothing is thrown in: the counts must agree."""


class NoEnd(BaseException):
    """Thrown into code of one's own that does not come to an end. No Exception, so that `except Exception` lets it by.

    `line` is where it was then; 0 where the traceback tells.
    """

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.line = line


class OwnPlays:
    """All plays of one workflow on the virtual clock; each is bounded where the workflow is one's own."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self._left_s = PLAYS_WITHIN_S

    def play(self, clinician: Clinician) -> str:
        """Play it once. Of one's own also says which step failed on the canned answers, "" where none did: they do not
        know what the file asks for, and what was done until then is what can be told.

        Raises InputError, with file and line, where one of one's own raises anything else or does not end; a shipped
        one raises what it raises.
        """
        if not self._workflow.text:
            self._workflow.play(clinician)
            return ""
        world, begun_s = clinician.world, time.monotonic()
        clinician.world = _Counted(world)
        failed = ""
        try:
            with within(self._left_s, _TOO_LONG), redirect_stdout(sys.stderr):
                self._workflow.play(clinician)
        except StepFailed as failure:
            failed = str(failure)
        except (SlotOver, KeyboardInterrupt):
            raise
        except BaseException as fault:
            raise self._told(fault) from fault
        finally:
            clinician.world = world
        self._left_s -= time.monotonic() - begun_s
        if self._left_s <= 0:  # where no signal could be taken, or it slept in small pieces
            raise self._told(NoEnd(_TOO_LONG))
        return failed

    def _told(self, fault: BaseException) -> InputError:
        file, line = _place(fault, self._workflow)
        name = self._workflow.name
        if isinstance(fault, NoEnd):
            what = f"workflow '{name}' does not come to an end: {fault}"
            help_ = "let time pass with clinician.think(…), and do a clinician's task once and not in a loop"
        else:
            said = shortened(str(fault), LONGEST_MESSAGE)
            what = f"workflow '{name}' raises {type(fault).__name__}" + (f": {said}" if said else "")
            help_ = "it was tried on made-up answers before anything is sent: mend it there"
        return InputError(Problem(what, f"{file}:{line}", help_))


_TOO_LONG: Final = f"its plays take more than {PLAYS_WITHIN_S:g} s, in which nothing is sent"


def told_of(fault: BaseException, workflow: Workflow) -> str:
    """What may be written down of a workflow that raised: type, file and line, never a word of content.

    "" for what was thrown in from outside, such as the end of the process.
    """
    file, line = _place(fault, workflow)
    if isinstance(fault, NoEnd):
        return f"{fault}, {file}:{line}"
    if isinstance(fault, (Exception, SystemExit)) or (
        _raised_by_own(fault) and not isinstance(fault, KeyboardInterrupt)
    ):
        return f"{type(fault).__name__} at {file}:{line}"
    return ""


def own_frame_of(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, from `frame` outwards, that is code of one's own; None where something would be torn apart."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(OWN_MODULES):
            return frame
        if name.startswith(_HALF_COUNTED):
            return None
        frame = frame.f_back
    return None


@contextmanager
def within(seconds: float, why: str) -> Iterator[None]:
    """Throw NoEnd, which says `why`, into code of one's own that runs inside and has taken so much real time.

    Only a process's main thread can be bounded like this; elsewhere it does nothing.
    """

    def ring(_: int, frame: FrameType | None) -> None:
        own = own_frame_of(frame)
        if own is not None:
            raise NoEnd(why, own.f_lineno)

    begun_s = time.monotonic()
    try:
        before = signal.signal(signal.SIGALRM, ring)
    except ValueError:
        yield
        return
    left_s, every_s = signal.setitimer(signal.ITIMER_REAL, max(seconds, RINGS_AGAIN_S), RINGS_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        if left_s:  # somebody else's alarm goes on as it went
            signal.setitimer(signal.ITIMER_REAL, max(left_s - (time.monotonic() - begun_s), 1e-3), every_s)


def _place(fault: BaseException, workflow: Workflow) -> tuple[str, int]:
    """The file and the line in it, as deep in the workflow's own file as the fault went."""
    code = inspect.unwrap(workflow.play).__code__
    line, trace = code.co_firstlineno, fault.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(fault, NoEnd) and fault.line:
        line = fault.line
    return (code.co_filename if workflow.text else PurePath(code.co_filename).name), line


def _raised_by_own(fault: BaseException) -> bool:
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith(OWN_MODULES)


class _Counted:
    """A world whose calls and pauses are counted (`harness.clinic.world.World`)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = 0

    @property
    def now_s(self) -> float:
        return self._world.now_s

    def perform(self, call: Call, check: Check) -> Answer:
        self._count()
        return self._world.perform(call, check)

    def wait(self, seconds: float) -> None:
        self._count()
        self._world.wait(seconds)

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        self._world.workflow_begins(name, lane, back_entry=back_entry)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        self._world.workflow_ends(outcome, detail)

    def _count(self) -> None:
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise NoEnd(f"one play has more than {MOST_CALLS:,} requests and pauses")
