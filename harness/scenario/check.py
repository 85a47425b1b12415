"""What no single value can tell: names that must fit together, times outside the timeline, figures without a source.

Works on the shaped tree and not on the model, so that these problems are told together with those of form; what has the
wrong form is left to the model to complain about.

    check          workflows, objectives, sources
    check_people   who is there when: shifts, curves, phases
    check_sites    what a site says of itself: address, locale, bounds, order of steps
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import harness.clinic  # noqa: F401 (fills the registry of workflows)
from harness.clinic.registry import LANES, WORKFLOWS
from harness.errors import Problem
from harness.scenario.check_people import people_problems
from harness.scenario.check_sites import site_problems
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node
from harness.scenario.validate import SOURCE_HELP
from harness.units import duration_text

__all__ = ["cross_check"]

SOURCED = (
    "timeline",
    "plays",
    "default_sites",
    "connect_timeout",
    "answer_timeout",
    "first_byte_timeout",
    "max_open_in_flight",
)
"""Figures of the scenario itself; their sources stand together under `sources`."""

WORKFLOW_METRICS = ("waited_p95_ms", "failed_workflow_rate")
"""What is measured of whole workflows cannot be asked of an operation or a lane."""


def cross_check(root: Node, written: Node, own: Collection[str] | None) -> list[Problem]:
    """Every problem between the parts of a shaped scenario; `written` is the same tree before it was shaped.

    `own` names the workflows of its own files; None where one of them could not be read, and nobody can tell which
    workflows there are.
    """
    problems: list[Problem] = []
    if own is not None:
        shipped = {name for name, one in WORKFLOWS.items() if not one.text}
        known = sorted(shipped | set(own))
        problems += _workflows(root, known)
        problems += _orders(root, known)
    problems += people_problems(root)
    problems += _objectives(root)
    problems += site_problems(root, written)
    problems += _sources(root)
    problems += _timeouts(root)
    return problems


def _workflows(root: Node, known: Collection[str]) -> Iterable[Problem]:
    for persona, node in root.get("personas").fields.items():
        weighed = node.get("workflows").fields
        for name, share in weighed.items():
            if name not in known:
                what = f"unknown workflow '{name}' of persona '{persona}'"
                yield Problem(what, share.where, suggest(name, known))
        first = node.get("on_arrival").items
        for item in first:
            if isinstance(item.value, str) and item.value not in known:
                what = f"unknown workflow '{item.value}', which '{persona}' does on arrival"
                yield Problem(what, item.where, suggest(item.value, known))
        done = [*weighed, *(str(item.value) for item in first)]
        for anchor in node.get("anchors").items:
            for item in anchor.get("of").items:
                if isinstance(item.value, str) and item.value not in done:
                    what = f"anchor '{anchor.get('name').value}' is of '{item.value}', which '{persona}' never does"
                    yield Problem(what, item.where, suggest(item.value, done))


def _orders(root: Node, known: Collection[str]) -> Iterable[Problem]:
    """Habitual orders of steps, of a template or of a site: of a workflow that has such steps."""
    ordered = {name: WORKFLOWS[name].steps for name in known if WORKFLOWS[name].steps}
    for place in (*root.get("templates").fields.values(), *root.get("sites").items):
        for name, steps in place.get("order").fields.items():
            if name not in ordered:
                what = f"workflow '{name}' has no steps whose order could be another"
                if name not in known:
                    what = f"unknown workflow '{name}' in an order of steps"
                yield Problem(what, steps.where, suggest(name, ordered))
                continue
            for step in steps.items:
                if isinstance(step.value, str) and step.value not in ordered[name]:
                    what = f"unknown step '{step.value}' of workflow '{name}'"
                    yield Problem(what, step.where, suggest(step.value, ordered[name]))


def _objectives(root: Node) -> Iterable[Problem]:
    personas = root.get("personas").fields
    done = [name for node in personas.values() for name in _done_by(node)]
    names = {"each-workflow": sorted(set(done)), "each-persona": sorted(personas), "each-lane": list(LANES)}
    for objective in root.get("objectives").items:
        own_id, scope = objective.get("id").value, objective.get("scope").value
        for only in objective.get("only").items:
            if isinstance(only.value, str) and only.value not in names.get(str(scope), [only.value]):
                kind = str(scope).removeprefix("each-")
                what = f"unknown {kind} '{only.value}' in objective '{own_id}'"
                yield Problem(what, only.where, suggest(only.value, names[str(scope)]))
        metric = objective.get("metric")
        if metric.value in WORKFLOW_METRICS and scope in ("each-operation", "each-lane"):
            what = f"objective '{own_id}' asks {scope} for what is measured of whole workflows"
            yield Problem(what, metric.where, "write scope: each-workflow, each-persona, each-site or network")


def _sources(root: Node) -> Iterable[Problem]:
    told = root.get("sources")
    for figure in SOURCED:
        where = root.fields.get(figure) or root.fields.get(f"{figure}_s")
        if where is not None and where.value is not None and figure not in told.fields:
            yield Problem(f"'{figure}' has no source", where.where, f"under `sources:` {SOURCE_HELP}")
    for figure, source in told.fields.items():
        if figure not in SOURCED:
            yield Problem(
                f"a source for '{figure}', which is none of the scenario's own figures",
                source.where,
                suggest(figure, SOURCED),
            )


def _timeouts(root: Node) -> Iterable[Problem]:
    first, whole = root.get("first_byte_timeout_s"), root.get("answer_timeout_s").value
    if isinstance(first.value, int | float) and isinstance(whole, int | float) and first.value >= whole > 0:
        what = f"first_byte_timeout is {duration_text(first.value)}, but answer_timeout {duration_text(whole)}"
        yield Problem(what, first.where, "an answer begins before it ends: write a shorter one, or leave it out")


def _done_by(persona: Node) -> Iterable[str]:
    yield from persona.get("workflows").fields
    yield from (str(item.value) for item in persona.get("on_arrival").items)
