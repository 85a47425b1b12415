"""Who is there when, as far as no single value can tell: shifts, curves and phases against personas and the timeline.

heads of a persona at a site   in shifts there?          the shifts tell, day after day
                               else                      the scenario's curve for the persona tells
a persona that only arrives    at a rate, never on duty  neither
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import Problem
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node
from harness.units import DAY_S, moment_text

__all__ = ["people_problems"]


def people_problems(root: Node) -> Iterable[Problem]:
    """Every such problem of a shaped scenario."""
    yield from _shifts(root)
    yield from _curves(root)
    yield from _plays(root)
    yield from _phases(root)


@dataclass(frozen=True)
class _Staff:
    """Personas by how they come. `known`: all of them; `on_curve`: heads that follow the scenario's curve."""

    known: list[str]
    heads: list[str]
    on_curve: list[str]
    arriving: list[str]


def _staff(root: Node) -> _Staff | None:
    """The personas that the sites have; None where one is unknown, so that a wrong name is told once and not thrice."""
    templates, personas = root.get("templates").fields, root.get("personas").fields
    used = dict.fromkeys(str(site.get("template").value) for site in root.get("sites").items)
    nodes = [templates[name] for name in used if name in templates]
    heads: list[str] = []
    on_curve: list[str] = []
    arriving: list[str] = []
    for template in nodes:
        there = [name for name, weight in template.get("mix").fields.items() if weight.value != 0]
        heads += there
        on_curve += [name for name in there if not template.get("shifts").get(name).value]
        arriving += template.get("arrivals").fields
    known = [*(name for template in nodes for name in template.get("mix").fields), *arriving]
    if not known or len(nodes) < len(used) or any(name not in personas for name in known):
        return None
    return _Staff(*(list(dict.fromkeys(names)) for names in (known, heads, on_curve, arriving)))


def _shifts(root: Node) -> Iterable[Problem]:
    for name, template in root.get("templates").fields.items():
        mix = template.get("mix").fields
        for persona, cohorts in template.get("shifts").fields.items() if mix else ():
            if persona not in mix:
                what = f"shifts of '{persona}', who is not in the mix of template '{name}'"
                yield Problem(what, cohorts.where, suggest(persona, mix))


def _curves(root: Node) -> Iterable[Problem]:
    staff, curves = _staff(root), root.get("curves")
    for name, curve in curves.fields.items():
        if staff and name in staff.arriving and name not in staff.heads:
            what = f"curve for '{name}', who comes at a rate and is never on duty"
            yield Problem(what, curve.where, "leave it out: `arrivals` of the template has its own `points`")
        elif staff and name not in staff.known and _file_of(curve) == _file_of(root):
            what = f"curve for '{name}', whom no site of this scenario has"
            yield Problem(what, curve.where, suggest(name, staff.known))
        yield from _covers(root, name, curve.get("points"))
    for name in staff.on_curve if staff else ():
        if name not in curves.fields:
            help_ = "write when they come and go, such as `points: {06:30: 20%, 09:00: 100%, 10:30: 85%}`"
            yield Problem(f"no curve for persona '{name}'", curves.where or root.where, help_)


def _file_of(node: Node) -> str:
    """A shared curve stands in another file than the scenario, and may be that of somebody whom it has no site of."""
    return node.where.rpartition(":")[0]


def _covers(root: Node, name: str, points: Node) -> Iterable[Problem]:
    timeline = _numbers(root.get("timeline"))
    times = [_numbers(point)[:1] for point in points.items]
    if len(timeline) != 2 or not times or not all(times):
        return
    first_s, last_s = min(times)[0], max(times)[0]
    if last_s <= DAY_S < timeline[1]:
        return  # within one day, so it repeats daily
    if first_s > timeline[0] or last_s < timeline[1]:
        what = f"the curve of '{name}' runs {_span_text([first_s, last_s])} and leaves part of the timeline open"
        yield Problem(what, points.where, f"give it points for all of {_span_text(timeline)}")


def _plays(root: Node) -> Iterable[Problem]:
    timeline, plays = _numbers(root.get("timeline")), _numbers(root.get("plays"))
    if len(timeline) == len(plays) == 2 and (plays[0] < timeline[0] or plays[1] > timeline[1]):
        what = f"'plays' lies outside the timeline: {_span_text(plays)}"
        yield Problem(what, root.get("plays").where, f"the timeline is {_span_text(timeline)}")


def _phases(root: Node) -> Iterable[Problem]:
    timeline = _numbers(root.get("timeline"))
    spans: list[tuple[float, float, Node]] = []
    for phase in root.get("phases").items:
        name = phase.get("name").value
        start_end = _numbers(phase.get("start_s")) + _numbers(phase.get("end_s"))
        if len(start_end) == 2 and len(timeline) == 2:
            spans.append((start_end[0], start_end[1], phase))
            if start_end[0] < timeline[0] or start_end[1] > timeline[1]:
                what = f"phase '{name}' lies outside the timeline: {_span_text(start_end)}"
                yield Problem(what, phase.fields["start_s"].where, f"the timeline is {_span_text(timeline)}")
        yield from _emphasis(root, phase)
    for (_, end_s, earlier), (start_s, _, later) in pairwise(sorted(spans, key=lambda span: span[:2])):
        if start_s < end_s:
            what = f"phase '{later.get('name').value}' begins before '{earlier.get('name').value}' has ended"
            yield Problem(what, later.where, f"let it begin at {moment_text(end_s)}: one phase at a time")


def _emphasis(root: Node, phase: Node) -> Iterable[Problem]:
    staff = _staff(root)
    for persona, factors in phase.get("emphasis").fields.items() if staff else ():
        if staff and persona not in staff.known:
            what = f"unknown persona '{persona}' in phase '{phase.get('name').value}'"
            yield Problem(what, factors.where, suggest(persona, staff.known))
            continue
        known = root.get("personas").get(persona).get("workflows").fields
        for name, factor in factors.fields.items():
            if name not in known:
                yield Problem(f"'{persona}' has no workflow '{name}'", factor.where, suggest(name, known))


def _numbers(node: Node) -> list[float]:
    """The numbers in a list, or the number itself; nothing where the form is wrong."""
    nodes = node.items if isinstance(node.value, list) else [node]
    values = [item.value for item in nodes]
    return [value for value in values if isinstance(value, (int, float))] if len(values) == len(nodes) else []


def _span_text(span: list[float]) -> str:
    return f"{moment_text(span[0])}..{moment_text(span[1])}"
