"""Every error a user can meet, each with its exit code and a way out.

    HarnessError                 4   something in the harness itself is wrong
    ├── InputError               2   what the user gave is wrong; holds one or more `Problem`s
    │   ├── ScenarioError        2   a scenario, persona, template or objective file
    │   └── OutputError          2   the output folder cannot be used
    ├── TargetError              2   the FHIR endpoint cannot be used as asked
    │   └── NoPatients           2   it answers, but holds nobody to work with
    ├── RunError                 4   a process of ours died or answered nonsense
    └── JudgeError               4   analysis or verdict could not be computed (a crashed judge fails closed)

Exit codes that are verdicts, not errors: 0 pass, 1 an objective failed, 3 invalid (the run cannot be trusted).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "EXIT_BAD_INPUT",
    "EXIT_FAIL",
    "EXIT_INTERNAL",
    "EXIT_INVALID",
    "EXIT_PASS",
    "HarnessError",
    "InputError",
    "JudgeError",
    "NoPatients",
    "OutputError",
    "Problem",
    "RunError",
    "ScenarioError",
    "TargetError",
    "shortened",
]

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_BAD_INPUT = 2
EXIT_INVALID = 3
EXIT_INTERNAL = 4


LONGEST_REPEATED = 80
"""Characters of an input that an error repeats."""


def shortened(text: str, longest: int = LONGEST_REPEATED) -> str:
    """`text` as an error may repeat it: on one line, cut at `longest` characters, control characters spelled out."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input: what, where, and how to mend it.

    `where` is `file:line` or an option's name (`--sites`); `help` is a sentence with what is allowed or a did-you-mean.
    """

    what: str
    where: str = ""
    help: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n    {self.help}" if self.help else head


class HarnessError(Exception):
    """The root; `hint` is one sentence with the way out, printed under the message."""

    exit_code = EXIT_INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it is, whatever its own `__init__` takes: from process to process it must not lose anything."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[HarnessError], args: tuple[Any, ...], facts: Mapping[str, Any]) -> HarnessError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InputError(HarnessError):
    """What the user gave is wrong. All problems are collected before it is raised."""

    exit_code = EXIT_BAD_INPUT

    def __init__(self, problems: Problem | Sequence[Problem], hint: str = "") -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), hint)


class ScenarioError(InputError):
    """A scenario, persona, template or objective file is wrong."""


class OutputError(InputError):
    """The output folder cannot be used."""


class TargetError(HarnessError):
    """The FHIR endpoint cannot be used as asked."""

    exit_code = EXIT_BAD_INPUT


class NoPatients(TargetError):  # noqa: N818 (says what is missing; the name is part of the public tree)
    """The endpoint answers, but none of the run's patients are there."""


class RunError(HarnessError):
    """A process of ours died or answered nonsense."""


class JudgeError(HarnessError):
    """Analysis or verdict could not be computed."""
