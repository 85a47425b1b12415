"""Workflows of one's own: a Python file's text becomes entries of the registry, the same in every process of a run.

    mine.py, as text ──read_workflows──▶ checked, nothing registered yet ──register──▶ WORKFLOWS

The file is run as a module of its own. What it needs it imports from `harness.clinic` (`Clinician`, `workflow`) and
`harness.fhir`; files beside it are not there for it, since a worker elsewhere has its text only.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from hashlib import sha256
from types import FrameType, ModuleType
from typing import Final

from harness.clinic.alarm import OWN_MODULES, NoEnd, is_own, within
from harness.clinic.registry import WORKFLOWS, Workflow, collecting
from harness.errors import shortened
from harness.fhir.capabilities import Capabilities

__all__ = ["BadFile", "Fault", "read_workflows", "register"]

LOADS_WITHIN_S: Final = 5.0
"""A file defines functions, which takes milliseconds; one that is not done by then waits for something."""
LONGEST_MESSAGE: Final = 160
"""Characters of an exception's own words that an error repeats."""
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NOTHING: Final = Capabilities("", "", {}, {}, frozenset())
_READ: dict[tuple[str, str], tuple[Workflow, ...]] = {}
"""(file, text) → what it holds, so that a file is run once a process."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, in which of its lines (0: in all of it), and how to mend it."""

    what: str
    line: int
    help: str


class BadFile(Exception):  # noqa: N818 (what is wrong is the file; the program is well)
    """A file that holds no workflows as they must be; `faults` has all that could be told."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.what for fault in self.faults))


def read_workflows(file: str, text: str) -> tuple[Workflow, ...]:
    """The workflows that stand in `text`, none of them registered; `file` is what errors and tracebacks call it.

    Raises BadFile for what is not Python, raises, does not end, holds no workflow, or one that is wrong.
    """
    found = _READ.get((file, text))
    if found is None:
        found = tuple(replace(one, text=text) for one in _run(file, text).values())
        if not found:
            raise BadFile([Fault("there is no workflow in this file", 0, "write @workflow(…) above a function")])
        if faults := [fault for one in found for fault in _faults_of(one)]:
            raise BadFile(faults)
        _READ[file, text] = found
    return found


def register(workflows: Iterable[Workflow]) -> None:
    """Let scenarios name these; one of one's own that had such a name before is replaced."""
    for one in workflows:
        WORKFLOWS[one.name] = one


def _run(file: str, text: str) -> dict[str, Workflow]:
    digest = sha256(f"{file}\0{text}".encode()).hexdigest()[:16]
    module = ModuleType(f"{OWN_MODULES}{digest}")
    module.__file__ = file
    try:
        code = compile(text, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise BadFile([Fault(f"this is not Python: {error.msg}", error.lineno or 0, "mend the line")]) from error
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; brackets nested a thousand deep
        raise BadFile([Fault(f"this is not Python: {_words(error)}", 0, "name a Python file")]) from error
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        with collecting() as found, within(LOADS_WITHIN_S, _TOO_LONG), redirect_stdout(sys.stderr):
            exec(code, module.__dict__)  # noqa: S102 (the user's own file, which the scenario names)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BadFile([_raised(error)]) from error
    return found


def _raised(error: BaseException) -> Fault:
    *_, last = _frames(error)
    lines = [line for frame, line in _frames(error) if is_own(frame)]
    line = lines[-1] if lines else 0
    if isinstance(error, NoEnd):
        return Fault(_TOO_LONG, error.line, "let it define functions only; what takes time belongs into a workflow")
    if isinstance(error, ValueError) and last[0].f_globals.get("__name__") == Workflow.__module__:
        what, _, known = str(error).partition("; ")
        return Fault(what, line, known or "give it another name")
    if isinstance(error, ModuleNotFoundError):
        help_ = "import from the standard library, `harness.clinic` and `harness.fhir`; other files do not travel along"
        return Fault(f"there is no module '{error.name}'", line, help_)
    return Fault(f"loading the file raises {_words(error)}", line, "mend the line")


_TOO_LONG: Final = f"the file is not loaded within {LOADS_WITHIN_S:g} s"


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _words(error: BaseException) -> str:
    said = shortened(str(error), LONGEST_MESSAGE)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _faults_of(one: Workflow) -> Iterator[Fault]:
    line = getattr(getattr(one.play, "__code__", None), "co_firstlineno", 0)
    if not isinstance(one.name, str) or not _NAME.fullmatch(one.name):
        help_ = "write small letters, digits and single hyphens, such as 'check-blood-sugar'"
        yield Fault(f"'{one.name}' is no name of a workflow", line, help_)
    yield from _faults_of_call(one, line)
    for key, words in (("needs", one.needs), ("steps", one.steps)):
        if not isinstance(words, (tuple, list)) or not all(isinstance(word, str) for word in words):
            yield Fault(f"`{key}` of workflow '{one.name}' is no tuple of words", line, f'write {key}=("…", "…")')
            return
    for need in one.needs:
        try:
            _NOTHING.lacks((need,))
        except ValueError as error:
            what, _, help_ = str(error).partition("; ")
            yield Fault(f"{what} of a workflow ('{one.name}')", line, f"{help_}, as in its CapabilityStatement")


def _faults_of_call(one: Workflow, line: int) -> Iterator[Fault]:
    how = "write `def …(clinician: Clinician) -> None:`"
    if not inspect.isfunction(one.play):
        yield Fault(f"workflow '{one.name}' is no function", line, how)
        return
    if inspect.iscoroutinefunction(one.play) or inspect.isgeneratorfunction(one.play):
        yield Fault(f"workflow '{one.name}' would not run: it is a coroutine or a generator", line, how)
        return
    try:
        inspect.signature(one.play).bind(None)
    except TypeError:
        yield Fault(f"workflow '{one.name}' does not take one clinician, and nothing else", line, how)
