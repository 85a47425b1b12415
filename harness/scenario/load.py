"""A scenario by name or path, complete and believed: read, joined with what it names, changed by `--set`, validated.

file ─▶ tree with lines ─▶ settings ─▶ assemble ─▶ shape ─▶ model, and cross-check        every problem in one error
                                          └─▶ workflows of its own ─▶ registry
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from harness.errors import Problem, ScenarioError
from harness.scenario.assemble import assemble
from harness.scenario.check import cross_check
from harness.scenario.library import entry_names, find_entry, find_scenario, scenario_names, shipped_folder
from harness.scenario.model import Scenario
from harness.scenario.own_workflows import names_in
from harness.scenario.settings import Setting, read_setting
from harness.scenario.shape import Shaper
from harness.scenario.tree import Node, read_tree
from harness.scenario.validate import validate

__all__ = ["list_scenarios", "load_everybody", "load_scenario"]


def load_scenario(
    name_or_path: str, sets: Sequence[str] = (), also: Mapping[str, Collection[str]] = MappingProxyType({})
) -> Scenario:
    """The scenario that ships as `name_or_path`, or that stands in this file, with each `--set` of `sets` applied.

    Its own workflows are in the registry then. `also` has names (of `templates`, `personas`, `links`) that a sites file
    gives besides the scenario's: they become part of it where they can be found.

    Raises ScenarioError with all problems at once, each with its file and line.
    """
    path = find_scenario(name_or_path)
    root = read_tree(path)
    problems: list[Problem] = []
    settings = _read_settings(sets, problems)
    root = _apply([setting for setting in settings if not setting.after_embedding], root, problems)
    named = root.get("workflow_files")
    root = assemble(root, path.parent, problems, _also(also, settings, path.parent))
    root = _apply([setting for setting in settings if setting.after_embedding], root, problems)
    shaper = Shaper()
    shaped = shaper.scenario(root)
    scenario, of_form = validate(Scenario, shaped, shaper.spoiled)
    own = names_in(shaped.get("workflow_files"), named, path.parent, problems)
    problems += shaper.problems + of_form + cross_check(shaped, root, own)
    if problems or scenario is None:
        raise ScenarioError(sorted(set(problems), key=_reading_order))
    return scenario


def list_scenarios() -> list[Scenario]:
    """Every scenario that ships, loaded."""
    return [load_scenario(name) for name in scenario_names()]


def load_everybody() -> Scenario:
    """A scenario that ships, and with it all personas and kinds of sites that ship, whether or not it has any there."""
    also = {kind: entry_names(kind, shipped_folder()) for kind in ("personas", "templates")}
    return load_scenario(scenario_names()[0], also=also)


def _also(also: Mapping[str, Collection[str]], settings: Sequence[Setting], folder: Path) -> dict[str, list[Node]]:
    """What is named elsewhere than in the scenario's files; a sites file's own errors tell what cannot be found."""
    named = {kind: [Node(name, "") for name in names if find_entry(kind, name, folder)] for kind, names in also.items()}
    links = [one.value for one in settings if one.path[0] == "templates" and one.path[-1] == "link"]
    return {**named, "links": [*named.get("links", ()), *links]}


def _read_settings(sets: Sequence[str], problems: list[Problem]) -> list[Setting]:
    settings: list[Setting] = []
    for text in sets:
        try:
            settings.append(read_setting(text))
        except ScenarioError as error:
            problems.extend(error.problems)
    return settings


def _apply(settings: Sequence[Setting], root: Node, problems: list[Problem]) -> Node:
    for setting in settings:
        try:
            root = setting.apply(root)
        except ScenarioError as error:
            problems.extend(error.problems)
    return root


def _reading_order(problem: Problem) -> tuple[str, int, str]:
    match = re.fullmatch(r"(.*):(\d+)", problem.where)
    return (match[1], int(match[2]), problem.what) if match else (problem.where, 0, problem.what)
