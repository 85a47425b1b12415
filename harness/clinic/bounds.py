"""What a workflow of one's own may cost: real time and calls, so that none can hang a plan or a run.

On the virtual clock (`OwnPlays`) one that raises, waits for real, or never ends is one clear error before any load. On
the wire it is a failed workflow (`told_of`), as a step that fails would be. Shipped workflows are not bounded.
"""

from __future__ import annotations

import inspect
import math
import sys
import time
from contextlib import redirect_stdout
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from harness.clinic.alarm import OWN_MODULES, NoEnd, within
from harness.clinic.clinician import Clinician, NotThere, not_there
from harness.clinic.registry import Workflow
from harness.clinic.world import SlotOver, StepFailed, WorkflowOutcome, World
from harness.errors import InputError, Problem, shortened
from harness.fhir.call import Answer, Call, Check

__all__ = ["OwnPlays", "play_once", "told_of"]

PLAYS_WITHIN_S: Final = 5.0
"""Real time that all plays of one workflow take at most: a hundred of them take 0.1 s, as nothing is sent."""
MOST_CALLS: Final = 10_000
"""Requests and pauses of one play; the longest shipped workflow has some tens."""
LONGEST_PAUSE_S: Final = 14 * 86_400
"""No run is longer, and the sum of all pauses of a play is still a number."""
LONGEST_MESSAGE: Final = 160


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
        begun_s = time.monotonic()
        failed = ""
        try:
            with within(self._left_s, _TOO_LONG), redirect_stdout(sys.stderr):
                play_once(self._workflow, clinician, MOST_CALLS)
        except StepFailed as failure:
            failed = str(failure)
        except (SlotOver, KeyboardInterrupt):
            raise
        except BaseException as fault:
            raise self._told(fault) from fault
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
            raised = f" raises {type(fault).__name__}" if not isinstance(fault, NotThere) else ""
            what = f"workflow '{name}'{raised}" + (f": {said}" if said else "")
            help_ = "it was tried on made-up answers before anything is sent: mend it there"
        return InputError(Problem(what, f"{file}:{line}", help_))


def play_once(workflow: Workflow, clinician: Clinician, most_calls: float = math.inf) -> None:
    """Play it. One of one's own may not go on once her slot is over, nor beyond `most_calls`: NoEnd is thrown then."""
    if not workflow.text:
        workflow.play(clinician)
        return
    world = clinician.world
    clinician.world = _Bounded(world, most_calls)
    try:
        workflow.play(clinician)
    finally:
        clinician.world = world


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
        if isinstance(fault, NotThere):
            written = str(fault.name) in workflow.text  # and so no content
            return f"AttributeError at {file}:{line}" + (f": {fault}" if written else "")
        return f"{type(fault).__name__} at {file}:{line}"
    return ""


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


class _Bounded:
    """A world for one play (`harness.clinic.world.World`): its requests and pauses are counted, its end is its end.

    Whoever has swallowed that her slot is over is told with NoEnd, at once and without a pause: who swallows that too
    stands still then, and is ended as such (`harness.load.watchdog`).
    """

    def __init__(self, world: World, most_calls: float) -> None:
        self._world = world
        self._left = most_calls
        self._over = False

    if not TYPE_CHECKING:  # mypy would believe in every name

        def __getattr__(self, name: str) -> Any:
            raise not_there("a clinician's world", self, name)

    @property
    def now_s(self) -> float:
        return self._world.now_s

    def perform(self, call: Call, check: Check) -> Answer:
        self._count_one()
        try:
            return self._world.perform(call, check)
        except BaseException as thrown:
            self._note(thrown)
            raise

    def wait(self, seconds: float) -> None:
        if not 0 <= seconds <= LONGEST_PAUSE_S:  # what is no number is neither
            raise ValueError(f"a pause of {seconds:g} s; write a number of seconds from 0 to {LONGEST_PAUSE_S:,}")
        self._count_one()
        try:
            self._world.wait(seconds)
        except BaseException as thrown:
            self._note(thrown)
            raise

    def workflow_begins(self, name: str, lane: str, *, back_entry: bool = False) -> None:
        self._world.workflow_begins(name, lane, back_entry=back_entry)

    def workflow_ends(self, outcome: WorkflowOutcome, detail: str) -> None:
        self._world.workflow_ends(outcome, detail)

    def _count_one(self) -> None:
        self._left -= 1
        if self._over:
            raise NoEnd("went on after her slot was over")
        if self._left < 0:
            raise NoEnd(f"one play has more than {MOST_CALLS:,} requests and pauses")

    def _note(self, thrown: BaseException) -> None:
        """Also what ends her from outside, such as the end of the process, is her end."""
        self._over = isinstance(thrown, SlotOver) or not isinstance(thrown, Exception)
