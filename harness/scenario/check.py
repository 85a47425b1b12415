"""What no single value can tell: names that must fit together, times outside the timeline, figures without a source.

Works on the shaped tree and not on the model, so that these problems are told together with those of form; what has the
wrong form is left to the model to complain about.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import harness.clinic  # noqa: F401 (fills the registry of workflows)
from harness.clinic.registry import LANES, WORKFLOWS
from harness.errors import Problem
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node
from harness.scenario.validate import SOURCE_HELP
from harness.units import clock_text

__all__ = ["cross_check"]

SOURCED = ("timeline", "default_sites", "connect_timeout", "answer_timeout")
"""Figures of the scenario itself; their sources stand together under `sources`."""

WORKFLOW_METRICS = ("waited_p95_ms", "failed_workflow_rate")
"""What is measured of whole workflows cannot be asked of an operation or a lane."""


def cross_check(root: Node) -> list[Problem]:
    """Every problem between the parts of a shaped scenario."""
    problems: list[Problem] = []
    problems += _workflows(root)
    problems += _curves(root)
    problems += _phases(root)
    problems += _objectives(root)
    problems += _locales(root)
    problems += _sources(root)
    return problems


def _workflows(root: Node) -> Iterable[Problem]:
    for persona, node in _field(root, "personas").fields.items():
        for name, share in _field(node, "workflows").fields.items():
            if name not in WORKFLOWS:
                what = f"unknown workflow '{name}' of persona '{persona}'"
                yield Problem(what, share.where, suggest(name, sorted(WORKFLOWS)))


def _curves(root: Node) -> Iterable[Problem]:
    personas = _personas_on_site(root)
    curves = _field(root, "curves")
    for name, curve in curves.fields.items():
        if personas and name not in personas:
            what = f"curve for '{name}', whom no site of this scenario has"
            yield Problem(what, curve.where, suggest(name, personas))
        yield from _covers(root, name, _field(curve, "points"))
    for name in personas:
        if name not in curves.fields:
            help_ = "write when they come and go, such as `points: {06:30: 20%, 09:00: 100%, 10:30: 85%}`"
            yield Problem(f"no curve for persona '{name}'", curves.where or root.where, help_)


def _covers(root: Node, name: str, points: Node) -> Iterable[Problem]:
    timeline = _numbers(_field(root, "timeline"))
    times = [_numbers(point)[:1] for point in points.items]
    if len(timeline) != 2 or not times or not all(times):
        return
    first_s, last_s = min(times)[0], max(times)[0]
    if first_s > timeline[0] or last_s < timeline[1]:
        what = f"the curve of '{name}' runs {_span_text([first_s, last_s])} and leaves part of the timeline open"
        yield Problem(what, points.where, f"give it points for all of {_span_text(timeline)}")


def _phases(root: Node) -> Iterable[Problem]:
    timeline = _numbers(_field(root, "timeline"))
    spans: list[tuple[float, float, Node]] = []
    for phase in _field(root, "phases").items:
        name = _field(phase, "name").value
        start_end = _numbers(_field(phase, "start_s")) + _numbers(_field(phase, "end_s"))
        if len(start_end) == 2 and len(timeline) == 2:
            spans.append((start_end[0], start_end[1], phase))
            if start_end[0] < timeline[0] or start_end[1] > timeline[1]:
                what = f"phase '{name}' lies outside the timeline: {_span_text(start_end)}"
                yield Problem(what, phase.fields["start_s"].where, f"the timeline is {_span_text(timeline)}")
        yield from _emphasis(root, phase)
    for (_, end_s, earlier), (start_s, _, later) in pairwise(sorted(spans, key=lambda span: span[:2])):
        if start_s < end_s:
            what = f"phase '{_field(later, 'name').value}' begins before '{_field(earlier, 'name').value}' has ended"
            yield Problem(what, later.where, f"let it begin at {clock_text(end_s)}: one phase at a time")


def _emphasis(root: Node, phase: Node) -> Iterable[Problem]:
    on_site = _personas_on_site(root)
    for persona, factors in _field(phase, "emphasis").fields.items() if on_site else ():
        if persona not in on_site:
            what = f"unknown persona '{persona}' in phase '{_field(phase, 'name').value}'"
            yield Problem(what, factors.where, suggest(persona, on_site))
            continue
        known = _field(_field(root, "personas").fields[persona], "workflows").fields
        for name, factor in factors.fields.items():
            if name not in known:
                yield Problem(f"'{persona}' has no workflow '{name}'", factor.where, suggest(name, known))


def _objectives(root: Node) -> Iterable[Problem]:
    names = {
        "each-workflow": sorted(
            {name for p in _field(root, "personas").fields.values() for name in _workflow_names(p)}
        ),
        "each-persona": sorted(_field(root, "personas").fields),
        "each-lane": list(LANES),
    }
    for objective in _field(root, "objectives").items:
        own_id, scope = _field(objective, "id").value, _field(objective, "scope").value
        for only in _field(objective, "only").items:
            if isinstance(only.value, str) and only.value not in names.get(str(scope), [only.value]):
                kind = str(scope).removeprefix("each-")
                what = f"unknown {kind} '{only.value}' in objective '{own_id}'"
                yield Problem(what, only.where, suggest(only.value, names[str(scope)]))
        metric = _field(objective, "metric")
        if metric.value in WORKFLOW_METRICS and scope in ("each-operation", "each-lane"):
            what = f"objective '{own_id}' asks {scope} for what is measured of whole workflows"
            yield Problem(what, metric.where, "write scope: each-workflow, each-persona, each-site or network")


def _locales(root: Node) -> Iterable[Problem]:
    for site in _field(root, "sites").items:
        locale = _field(site, "locale")
        if isinstance(locale.value, str) and locale.value not in (known := _known_locales()):
            yield Problem(f"unknown locale '{locale.value}'", locale.where, suggest(locale.value, known))


def _known_locales() -> list[str]:
    """Locales that Faker has names for; found without importing it, which takes longer than all else here."""
    spec = find_spec("faker")
    folder = Path(str(spec.origin)).parent / "providers" / "person" if spec else Path()
    return sorted(path.name for path in folder.glob("[a-z]*_*") if path.is_dir())


def _sources(root: Node) -> Iterable[Problem]:
    told = _field(root, "sources")
    for figure in SOURCED:
        where = root.fields.get(figure) or root.fields.get(f"{figure}_s")
        if where is not None and figure not in told.fields:
            yield Problem(f"'{figure}' has no source", where.where, f"under `sources:` {SOURCE_HELP}")
    for figure, source in told.fields.items():
        if figure not in SOURCED:
            yield Problem(
                f"a source for '{figure}', which is none of the scenario's own figures",
                source.where,
                suggest(figure, SOURCED),
            )


def _personas_on_site(root: Node) -> list[str]:
    """The personas that the sites have; none where one is unknown, so that a wrong name is told once and not thrice."""
    templates, personas = _field(root, "templates").fields, _field(root, "personas").fields
    used = dict.fromkeys(str(_field(site, "template").value) for site in _field(root, "sites").items)
    mixes = [_field(templates[name], "mix").fields for name in used if name in templates]
    names = list(dict.fromkeys(name for mix in mixes for name in mix))
    return names if len(mixes) == len(used) and all(name in personas for name in names) else []


def _workflow_names(persona: Node) -> Iterable[str]:
    return _field(persona, "workflows").fields


def _numbers(node: Node) -> list[float]:
    """The numbers in a list, or the number itself; nothing where the form is wrong."""
    nodes = node.items if isinstance(node.value, list) else [node]
    values = [item.value for item in nodes]
    return [value for value in values if isinstance(value, (int, float))] if len(values) == len(nodes) else []


def _span_text(span: list[float]) -> str:
    return f"{clock_text(span[0])}..{clock_text(span[1])}"


def _field(node: Node, key: str) -> Node:
    return node.fields.get(key, Node(None, ""))
