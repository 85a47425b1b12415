"""`--set a.b=c`: one value of the scenario's tree changed before it is validated, and its source saying so.

A path goes down by key; an entry of a list is found by its number, or by its `name`, `id` or `template` where unique.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import Problem, ScenarioError
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node, read_value

__all__ = ["Setting", "read_setting"]

Steps = tuple[int | str, ...]

MAY_BE_ADDED = {
    "": ("think_factor", "site_header", "plays", "first_byte_timeout", "max_open_in_flight", "workflow_files"),
    "sites.*": (
        "start_offset",
        "locale",
        "link",
        "endpoint",
        "source_address",
        "identifier_system",
        "think_factor",
        "order",
        "bounds",
    ),
    "templates.*": ("think_factor", "link", "opening", "shifts", "arrivals", "experience", "order"),
    "templates.*.arrivals.*": ("points", "while_open"),
    "personas.*": ("on_arrival", "patience", "anchors"),
    "personas.*.workflows.*": ("by_hour",),
    "personas.*.patience": ("back_entry",),
    "links.*": ("round_trip", "jitter", "bandwidth", "download", "upload", "loss", "outages", "shared"),
    "phases.*": ("emphasis",),
    "objectives.*": ("only",),
}
"""Where (`*`: any entry) → keys that have a default, so that they can be set although the file leaves them out."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One `--set`, read but not applied; `value` stands at the option's own text."""

    path: tuple[str, ...]
    value: Node

    @property
    def after_embedding(self) -> bool:
        """Whether it concerns an entry that may come from another file."""
        return len(self.path) > 1 and self.path[0] in ("templates", "personas", "links", "objectives")

    def apply(self, root: Node) -> Node:
        """A copy of `root` with the value in place. Raises ScenarioError for a path that is not there."""
        steps = self._find(root)
        changed = _put(root, steps, self.value)
        source = _source_of(root, steps)
        if source is None and steps in (("plays",), ("first_byte_timeout",), ("max_open_in_flight",)):
            source = ("sources", steps[0])  # it had none as long as there was no such figure
        if source is None:
            return changed
        old = _at(root, steps)
        was = f"was {old.value}; " if old and isinstance(old.value, (str, int, float)) else ""
        before = _at(root, source)
        told = f"{self.value.where} ({was}{str(before.value).strip() if before else ''})"
        return _put(changed, source, Node(told, self.value.where))

    def _find(self, root: Node) -> Steps:
        steps: list[int | str] = []
        node: Node | None = root
        for depth, word in enumerate(self.path):
            known = _entries(node) if node else {}
            last = depth == len(self.path) - 1
            if word not in known and not (last and word in _may_be_added(steps)):
                raise ScenarioError(self._unknown(depth, [*known, *_may_be_added(steps)]))
            steps.append(known.get(word, word))
            node = _at(root, tuple(steps))
        return tuple(steps)

    def _unknown(self, depth: int, known: list[str]) -> Problem:
        inside = ".".join(self.path[:depth])
        what = f"unknown key '{self.path[depth]}'" + (f" in {inside}" if inside else "")
        help_ = suggest(self.path[depth], known) if known else f"{inside} is a single value: nothing is below it"
        return Problem(what, self.value.where, help_)


def read_setting(text: str) -> Setting:
    """`a.b=c`; the value is read as YAML reads it. Raises ScenarioError where there is no path or no `=`.

    A text with an `@` may be a URL with a password, and is not repeated.
    """
    path, equals, value = text.partition("=")
    secret = "@" in text
    where = f"--set {text}" if not secret else f"--set {path}=…" if "://" not in path and "@" not in path else "--set …"
    words = tuple(word.strip() for word in path.split("."))
    if not equals or not all(words) or where == "--set …":
        raise ScenarioError(Problem("this sets nothing", where, "write PATH=VALUE, such as --set think_factor=0.5"))
    try:
        return Setting(words, read_value(value.strip(), where))
    except ScenarioError as error:
        told = Problem("the value is not a list or mapping of YAML", where, "write [a, b]")
        raise (ScenarioError(told) if secret else error) from None


def _entries(node: Node) -> dict[str, int | str]:
    """What may be written next in a path → the key or number it stands for."""
    if isinstance(node.value, dict):
        return {key: key for key in node.value}
    entries: dict[str, int | str] = {}
    called: list[str] = []
    for index, item in enumerate(node.items):
        name = next((str(item.fields[key].value) for key in ("name", "id", "template") if key in item.fields), "")
        called.append(name)
        entries[name or str(index)] = index
    unique = {name: index for name, index in entries.items() if called.count(name) < 2}
    return {**unique, **{str(index): index for index in range(len(node.items))}}


def _may_be_added(steps: list[int | str]) -> tuple[str, ...]:
    for place, keys in MAY_BE_ADDED.items():
        words = place.split(".") if place else []
        if len(words) == len(steps) and all(word in ("*", step) for word, step in zip(words, steps, strict=True)):
            return keys
    return ()


def _at(root: Node, steps: Steps) -> Node | None:
    node = root
    for step in steps:
        if isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        elif step in node.fields:
            node = node.fields[str(step)]
        else:
            return None
    return node


def _put(node: Node, steps: Steps, value: Node) -> Node:
    """A copy of `node` with `value` at `steps`; all but the last step exist."""
    if not steps:
        return value
    step, below = steps[0], steps[1:]
    if isinstance(node.value, list) and isinstance(step, int):
        return Node([_put(item, below, value) if i == step else item for i, item in enumerate(node.value)], node.where)
    child = node.fields.get(str(step), value)
    return Node({**node.fields, str(step): _put(child, below, value)}, node.where)


def _source_of(root: Node, steps: Steps) -> Steps | None:
    """Where the source of the figure at `steps` stands: in the nearest mapping around it, or in `sources`."""
    if steps[-1] == "source" or steps[0] == "sources":
        return None
    around = [(*steps[:depth], "source") for depth in range(len(steps) - 1, 0, -1)]
    return next((place for place in [*around, ("sources", steps[0])] if _at(root, place)), None)
