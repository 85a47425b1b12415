"""From how people write a scenario to what the model holds: units become numbers, named entries lists of named values.

    mean: 55s                              →  mean_s: 55.0
    points: {06:30: 20%, 08:00: 70%}       →  points: [[23400.0, 0.2], [28800.0, 0.7]]
    phases: {clinics-open: {time: A..B}}   →  phases: [{name: clinics-open, start_s: A, end_s: B}]
    objectives: {site-p95: {p95: 1s}}      →  objectives: [{id: site-p95, metric: p95_ms, bound: 1000.0}]

Every value keeps the line it stands on, so that what the model has to say about it can be said there.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import Problem
from harness.scenario.tree import Node
from harness.units import parse_clock, parse_duration, parse_share, parse_window

__all__ = ["METRICS", "WRITTEN_AS", "Shaper"]


def _milliseconds(text: str) -> float:
    return round(parse_duration(text) * 1000, 6)


METRICS: dict[str, tuple[str, Callable[[str], float]]] = {
    "p50": ("p50_ms", _milliseconds),
    "p90": ("p90_ms", _milliseconds),
    "p95": ("p95_ms", _milliseconds),
    "p99": ("p99_ms", _milliseconds),
    "waited_p95": ("waited_p95_ms", _milliseconds),
    "error_rate": ("error_rate", parse_share),
    "failed_workflow_rate": ("failed_workflow_rate", parse_share),
}
"""As written in an objective → the model's metric, and how its bound is read."""

DURATIONS = {
    "mean": "mean_s",
    "start_offset": "start_offset_s",
    "connect_timeout": "connect_timeout_s",
    "answer_timeout": "answer_timeout_s",
}
WRITTEN_AS = {
    **{model: written for written, model in DURATIONS.items()},
    "start_s": "time",
    "end_s": "time",
    "metric": "p95",
    "bound": "p95",
}
"""The model's field → the key that people write for it."""


class Shaper:
    """Reshapes one scenario; collects `problems`, and in `spoiled` the nodes about which enough has been said."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.spoiled: set[int] = set()

    def scenario(self, root: Node) -> Node:
        fields = self._durations(root).fields
        if "timeline" in fields:
            fields["timeline"] = self._span(fields["timeline"])
        for key, shaped in (("templates", self._template), ("personas", self._persona), ("curves", self._curve)):
            if key in fields:
                fields[key] = _each(fields[key], shaped)
        if "sites" in fields and isinstance(fields["sites"].value, list):
            fields["sites"] = Node([self._durations(site) for site in fields["sites"].items], fields["sites"].where)
        for key, shaped in (("phases", self._phase), ("objectives", self._objective)):
            if key in fields and isinstance(fields[key].value, dict):
                fields[key] = Node(list(_each(fields[key], shaped).fields.values()), fields[key].where)
        return Node(fields, root.where)

    def _template(self, name: str, node: Node) -> Node:
        return self._named("name", name, node)

    def _persona(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        for key in ("think", "between"):
            if key in fields:
                fields[key] = self._durations(fields[key])
        return Node(fields, node.where) if isinstance(node.value, dict) else node

    def _curve(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        points = node.fields.get("points")
        if points is None or not isinstance(points.value, dict):
            return node
        pairs = [
            Node([self._number(Node(time, share.where), parse_clock), self._number(share, parse_share)], share.where)
            for time, share in points.fields.items()
        ]
        return Node({**node.fields, "points": Node(pairs, points.where)}, node.where)

    def _phase(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        if "time" not in fields:
            return Node(fields, node.where) if isinstance(node.value, dict) else node
        span = self._span(fields.pop("time"))
        start, end = (span, span) if id(span) in self.spoiled else span.items
        return Node({**fields, "start_s": start, "end_s": end}, node.where)

    def _objective(self, name: str, node: Node) -> Node:
        if not isinstance(node.value, dict):
            return node
        fields = self._named("id", name, node).fields
        written = [key for key in fields if key in METRICS]
        if len(written) != 1:
            what = f"objective '{name}' bounds {' and '.join(written) or 'nothing'}"
            self._spoil(node, what, f"write exactly one of {', '.join(METRICS)}, such as `p95: 1s`")
            return node
        metric, parse = METRICS[written[0]]
        bound = fields.pop(written[0])
        fields |= {"metric": Node(metric, bound.where), "bound": self._number(bound, parse)}
        return Node(fields, node.where)

    def _named(self, key: str, name: str, node: Node) -> Node:
        """The entry, knowing the name it stands under."""
        if not isinstance(node.value, dict):
            return node
        fields = self._durations(node).fields
        if key in fields and fields[key].value != name:
            what = f"'{name}' says that its {key} is '{fields[key].value}'"
            self._spoil(fields[key], what, f"write `{key}: {name}` or leave it out")
        return Node({key: Node(name, node.where), **fields}, node.where)

    def _durations(self, node: Node) -> Node:
        """Durations read, and the model's own field names refused: units are written."""
        if not isinstance(node.value, dict):
            return node
        fields: dict[str, Node] = {}
        for key, child in node.value.items():
            if key in WRITTEN_AS:
                self._spoil(child, f"unknown key '{key}'", f"write `{WRITTEN_AS[key]}: …`, with its unit")
                fields[key] = child
            elif key in DURATIONS:
                fields[DURATIONS[key]] = self._number(child, parse_duration)
            else:
                fields[key] = child
        return Node(fields, node.where)

    def _span(self, node: Node) -> Node:
        try:
            start_s, end_s = parse_window(str(node.value))
        except ValueError as error:
            self._spoil(node, str(error))
            return node
        return Node([Node(start_s, node.where), Node(end_s, node.where)], node.where)

    def _number(self, node: Node, parse: Callable[[str], float]) -> Node:
        text = str(node.value) if isinstance(node.value, (str, int, float, bool)) else "what stands here"
        try:
            return Node(parse(text), node.where)
        except ValueError as error:
            self._spoil(node, str(error))
            return node

    def _spoil(self, node: Node, what: str, help_: str = "") -> None:
        self.problems.append(Problem(what, node.where, help_))
        self.spoiled.add(id(node))


def _each(section: Node, shaped: Callable[[str, Node], Node]) -> Node:
    if not isinstance(section.value, dict):
        return section
    return Node({name: shaped(name, child) for name, child in section.value.items()}, section.where)
