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
from typing import Final

from harness.clinic.alarm import OWN_MODULES, NoEnd, within
from harness.clinic.bounded_world import MOST_CALLS, BoundedWorld
from harness.clinic.clinician import Clinician
from harness.clinic.not_there import NotThere
from harness.clinic.registry import Workflow
from harness.clinic.world import SlotOver, StepFailed
from harness.errors import InputError, Problem, shortened

__all__ = ["OwnPlays", "play_once", "told_of"]

PLAYS_WITHIN_S: Final = 5.0
"""Real time that all plays of one workflow take at most: a hundred of them take 0.1 s, as nothing is sent."""
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
    clinician.world = BoundedWorld(world, most_calls)
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
