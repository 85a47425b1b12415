"""Workflows of one's own: Python files that a scenario names, read with it so that they travel with the run.

workflow_files: [mine.py] ──with_texts──▶ [{name: mine.py, text: …}] ──names_in──▶ what the scenario may name besides
                beside the scenario        in the spec, for all workers            the workflows that ship
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.clinic.own import BadFile, read_workflows, register
from harness.clinic.registry import Workflow
from harness.errors import Problem, ScenarioError, shortened
from harness.scenario.model import Scenario
from harness.scenario.tree import Node, shown_path

__all__ = ["names_in", "use_workflows", "with_texts"]

LARGEST_FILE_BYTES = 1_000_000
"""A workflow has some tens of lines; what is larger than this is another kind of file."""
_FORM = "write the paths of Python files beside the scenario: `workflow_files: [mine.py]`"


def with_texts(files: Node, folder: Path, problems: list[Problem]) -> Node:
    """Each file of a scenario's `workflow_files`, by its path beside the scenario, with what stands in it."""
    if not isinstance(files.value, list):
        problems.append(Problem("'workflow_files' is no list", files.where, _FORM))
        return Node([], files.where)
    found: dict[str, Node] = {}
    for file in files.items:
        if not isinstance(file.value, str):
            problems.append(Problem("an entry of 'workflow_files' is no path", file.where, _FORM))
        elif file.value in found:
            problems.append(Problem(f"'{file.value}' stands twice in 'workflow_files'", file.where, "keep one"))
        elif (text := _text(file.value, folder / file.value, file.where, problems)) is not None:
            entry = {"name": Node(file.value, file.where), "text": Node(text, file.where)}
            found[file.value] = Node(entry, file.where)
    return Node(list(found.values()), files.where)


def names_in(files: Node, named: Node, folder: Path, problems: list[Problem]) -> tuple[str, ...] | None:
    """The workflows in what `with_texts` made of the `named` files, from now on in the registry.

    None where a file could not be read or believed: it is not known then what the scenario may name, and no more should
    be said of it.
    """
    texts = [(str(file.fields["name"].value), str(file.fields["text"].value)) for file in files.items]
    before = len(problems)
    found = _read(texts, folder, problems)
    unread = named.value is not None and not (isinstance(named.value, list) and len(named.items) == len(texts))
    if unread or len(problems) > before:
        return None
    register(found)
    return tuple(one.name for one in found)


def use_workflows(scenario: Scenario) -> None:
    """Have the scenario's own workflows in the registry, in a process that has read it from a run's folder.

    This runs the Python that stands in the folder, so only who plays a run calls it: whoever looks at another's report
    does not run another's code. Raises ScenarioError.
    """
    problems: list[Problem] = []
    found = _read([(file.name, file.text) for file in scenario.workflow_files], Path(), problems)
    if problems:
        raise ScenarioError(problems)
    register(found)


def _read(texts: Sequence[tuple[str, str]], folder: Path, problems: list[Problem]) -> list[Workflow]:
    found: dict[str, Workflow] = {}
    told_in: dict[str, str] = {}
    for name, text in texts:
        shown = shown_path(folder / name)
        try:
            workflows = read_workflows(name, text)
        except BadFile as error:
            problems.extend(
                Problem(fault.what, f"{shown}:{fault.line}" if fault.line else shown, fault.help)
                for fault in error.faults
            )
            continue
        for one in workflows:
            if one.name in found:
                what = f"workflow '{one.name}' stands in {told_in[one.name]} too"
                problems.append(Problem(what, shown, "give one of them another name"))
            found[one.name], told_in[one.name] = one, name
    return list(found.values())


def _text(name: str, path: Path, where: str, problems: list[Problem]) -> str | None:
    what = f"workflow file '{shortened(name)}'"
    try:
        if not path.is_file():
            why, help_ = "is not there" if not path.exists() else "is not a file", f"looked for at {shown_path(path)}"
        elif path.stat().st_size > LARGEST_FILE_BYTES:
            why, help_ = "has more than 1 MB", "name a Python file"
        else:
            return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        why, help_ = "is not text", "name a Python file in UTF-8"
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        why = f"cannot be read: {error.strerror if isinstance(error, OSError) else 'it has no such name'}"
        help_ = "name a Python file"
    problems.append(Problem(f"{what} {why}", where, help_))
    return None
