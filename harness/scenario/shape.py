"""From how people write a scenario to what the model holds: units become numbers, named entries lists of named values.

    mean: 55s                              →  mean_s: 55.0
    points: {06:30: 20%, 08:00: 70%}       →  points: [[23400.0, 0.2], [28800.0, 0.7]]
    phases: {clinics-open: {time: A..B}}   →  phases: [{name: clinics-open, start_s: A, end_s: B}]
    objectives: {site-p95: {p95: 1s}}      →  objectives: [{id: site-p95, metric: p95_ms, bound: 1000.0}]
    shifts: {nurse: {day: {time: A..B}}}   →  shifts: {nurse: [{name: day, start_s: A, end_s: B}]}
    bandwidth: 10Mbit/s                    →  down_bits_per_s and up_bits_per_s

Every value keeps the line it stands on, so that what the model has to say about it can be said there.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import Problem
from harness.scenario.tree import Node
from harness.units import DAY_S, parse_bandwidth, parse_clock, parse_duration, parse_rate, parse_share, parse_window

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
    "first_byte_timeout": "first_byte_timeout_s",
    "gives_up": "gives_up_s",
    "back_entry": "back_entry_s",
    "arrive": "arrive_s",
    "linger": "linger_s",
    "round_trip": "round_trip_s",
    "jitter": "jitter_s",
}
BANDWIDTHS = {"download": "down_bits_per_s", "upload": "up_bits_per_s"}
WRITTEN_AS = {
    **{model: written for written, model in DURATIONS.items()},
    **{model: written for written, model in BANDWIDTHS.items()},
    "rate_per_s": "rate",
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
        for key in ("timeline", "plays"):
            if key in fields:
                fields[key] = self._span(fields[key])
        sections = (
            ("templates", self._template),
            ("personas", self._persona),
            ("curves", self._curve),
            ("links", self._link),
        )
        for key, shaped in sections:
            if key in fields:
                fields[key] = _each(fields[key], shaped)
        if "sites" in fields and isinstance(fields["sites"].value, list):
            fields["sites"] = Node([self._site(site) for site in fields["sites"].items], fields["sites"].where)
        for key, shaped in (("phases", self._phase), ("objectives", self._objective)):
            if key in fields:
                fields[key] = self._listed(fields[key], shaped)
        return Node(fields, root.where)

    def _site(self, node: Node) -> Node:
        shaped = self._durations(node)
        bounds = shaped.fields.get("bounds")
        if bounds is None or not isinstance(bounds.value, dict):
            return shaped
        return Node({**shaped.fields, "bounds": _each(bounds, self._bound)}, node.where)

    def _bound(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        """A time becomes milliseconds, a percentage a share; which of them the objective takes is checked later."""
        text = str(node.value)
        return self._number(node, parse_share if text.endswith("%") else _milliseconds)

    def _template(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        if "opening" in fields:
            fields["opening"] = self._opening(fields["opening"])
        if "shifts" in fields:
            fields["shifts"] = _each(fields["shifts"], lambda _, cohorts: self._listed(cohorts, self._shift))
        if "arrivals" in fields:
            fields["arrivals"] = _each(fields["arrivals"], self._arrival)
        if "experience" in fields:
            fields["experience"] = _each(fields["experience"], self._skill)
        return Node(fields, node.where) if isinstance(node.value, dict) else node

    def _shift(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        if "share" in fields:
            fields["share"] = self._number(fields["share"], parse_share)
        if "time" not in fields:
            return Node(fields, node.where) if isinstance(node.value, dict) else node
        start, end = self._times(fields.pop("time"))
        return Node({**fields, "start_s": start, "end_s": end}, node.where)

    def _arrival(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        fields = self._points(node).fields
        if "rate" in fields:
            fields["rate_per_s"] = self._number(fields.pop("rate"), parse_rate)
        return Node(fields, node.where) if isinstance(node.value, dict) else node

    def _skill(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        if not isinstance(node.value, dict) or "share" not in node.value:
            return node
        return Node({**node.value, "share": self._number(node.value["share"], parse_share)}, node.where)

    def _link(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        if "bandwidth" in fields:
            both = self._number(fields.pop("bandwidth"), parse_bandwidth)
            fields = {**dict.fromkeys(BANDWIDTHS.values(), both), **fields}
        for written, field in BANDWIDTHS.items():
            if written in fields:
                fields[field] = self._number(fields.pop(written), parse_bandwidth)
        if "loss" in fields:
            fields["loss"] = self._number(fields["loss"], parse_share)
        if "outages" in fields and isinstance(fields["outages"].value, list):
            outages = fields["outages"]
            fields["outages"] = Node([self._span(outage) for outage in outages.items], outages.where)
        return Node(fields, node.where) if isinstance(node.value, dict) else node

    def _persona(self, name: str, node: Node) -> Node:
        fields = self._named("name", name, node).fields
        for key in ("think", "between", "patience"):
            if key in fields:
                fields[key] = self._durations(fields[key])
        if "workflows" in fields:
            fields["workflows"] = _each(fields["workflows"], self._share)
        if "anchors" in fields:
            fields["anchors"] = self._listed(fields["anchors"], lambda key, anchor: self._named("name", key, anchor))
        return Node(fields, node.where) if isinstance(node.value, dict) else node

    def _share(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        hours = node.fields.get("by_hour")
        if hours is None or not isinstance(hours.value, dict):
            return node
        return Node({**node.fields, "by_hour": self._steps(hours)}, node.where)

    def _curve(self, name: str, node: Node) -> Node:  # noqa: ARG002 (one shape for all sections)
        points = node.fields.get("points")
        if points is None or not isinstance(points.value, dict):
            return node
        pairs = [
            Node([self._number(Node(time, share.where), parse_clock), self._number(share, parse_share)], share.where)
            for time, share in points.fields.items()
        ]
        return Node({**node.fields, "points": Node(pairs, points.where)}, node.where)

    def _points(self, node: Node) -> Node:
        points = node.fields.get("points")
        if points is None or not isinstance(points.value, dict):
            return node
        return Node({**node.fields, "points": self._steps(points)}, node.where)

    def _steps(self, steps: Node) -> Node:
        """Times of day become seconds; the factors stay the numbers that they are."""
        pairs = [
            Node([self._number(Node(time, factor.where), parse_clock), factor], factor.where)
            for time, factor in steps.fields.items()
        ]
        return Node(pairs, steps.where)

    def _listed(self, section: Node, shaped: Callable[[str, Node], Node]) -> Node:
        """Named entries as a list of entries that know their names."""
        if not isinstance(section.value, dict):
            return section
        return Node(list(_each(section, shaped).fields.values()), section.where)

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

    def _times(self, node: Node) -> tuple[Node, Node]:
        """Two times of day, of which the second may be that of the next day."""
        start, dots, end = str(node.value).partition("..")
        if not dots:
            self._spoil(node, f"'{node.value}' is not a shift's time: write START..END, such as 19:00..07:00")
            return node, node
        return self._number(Node(start, node.where), parse_clock), self._number(Node(end, node.where), parse_clock)

    def _opening(self, node: Node) -> Node:
        """Like any span; one that goes on past midnight is likelier meant than one turned round."""
        start, _, end = str(node.value).partition("..")
        try:
            overnight = parse_clock(end) <= parse_clock(start) < DAY_S
        except ValueError:
            overnight = False
        if not overnight or "d" in end:
            return self._span(node)
        self._spoil(node, f"'{node.value}' ends before it starts", f"open overnight is written {start}..1d{end}")
        return node

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
