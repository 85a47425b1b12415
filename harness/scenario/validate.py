"""A tree against the frozen model: everything the model objects to, each said at the line where it stands."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from harness.errors import Problem
from harness.scenario.model import Model, Objective
from harness.scenario.shape import METRICS, WRITTEN_AS
from harness.scenario.suggest import meant, suggest
from harness.scenario.tree import Node, plain
from harness.scenario.zones import zone_help

__all__ = ["SOURCE_HELP", "validate"]

M = TypeVar("M", bound=Model)
Loc = tuple[int | str, ...]

SOURCE_HELP = "say where the figure comes from: a citation, 'derived from …' or 'assumption (why)'"


def validate(model: type[M], root: Node, spoiled: Collection[int] = ()) -> tuple[M | None, list[Problem]]:
    """`root` as a `model`, or None and every problem with it; of the `spoiled` nodes (by id) no more is said."""
    try:
        # Through JSON: pydantic's strict mode then takes lists for tuples and texts for dates, and no other liberty.
        return model.model_validate_json(json.dumps(plain(root)), strict=True), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        told = [detail for detail in details if not _said(root, detail, spoiled) and not _misspelt(detail, details)]
        return None, [_problem(model, root, detail) for detail in told]


def _said(root: Node, detail: ErrorDetails, spoiled: Collection[int]) -> bool:
    nodes = _along(root, detail["loc"])
    # A list whose only entries are wrong is "too short" besides: a consequence, not a problem.
    consequence = detail["type"] == "too_short" and bool(nodes[-1].value)
    return consequence or any(id(node) in spoiled for node in nodes)


def _misspelt(detail: ErrorDetails, details: Sequence[ErrorDetails]) -> bool:
    """Whether a missing key is there, but misspelt: then the unknown key is the problem; its help says so."""
    *inside, key = detail["loc"]
    unknown = (other["loc"] for other in details if other["type"] == "extra_forbidden")
    beside = [str(loc[-1]) for loc in unknown if list(loc[:-1]) == inside]
    return detail["type"] == "missing" and bool(meant(WRITTEN_AS.get(str(key), str(key)), beside))


def _along(root: Node, loc: Loc) -> list[Node]:
    """The nodes on the way to `loc`, as far as they exist."""
    nodes = [root]
    for step in loc:
        node = nodes[-1]
        if isinstance(node.value, dict) and step in node.value:
            nodes.append(node.value[str(step)])
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            nodes.append(node.value[step])
        else:
            break
    return nodes


def _problem(model: type[Model], root: Node, detail: ErrorDetails) -> Problem:
    loc = tuple(step for step in detail["loc"] if step != "[key]")
    where = _along(root, loc)[-1].where
    kind, key = detail["type"], WRITTEN_AS.get(str(loc[-1]), str(loc[-1])) if loc else ""
    inside = f" in {_path(root, loc[:-1])}" if loc[:-1] else ""
    if kind == "missing":
        return Problem(f"'{key}' is missing{inside}", where, SOURCE_HELP if key == "source" else f"write `{key}: …`")
    if kind == "extra_forbidden":
        return Problem(f"unknown key '{key}'{inside}", where, suggest(key, _keys_at(model, loc[:-1])))
    if kind == "literal_error":
        known = [word.strip(" '") for word in str(detail["ctx"]["expected"]).replace(" or ", ",").split(",")]
        return Problem(f"'{detail['input']}' is no {key}{inside}", where, suggest(str(detail["input"]), known))
    if kind == "time_zone":
        return Problem(f"{detail['msg']}{inside}", where, zone_help(str(detail["input"])))
    if kind == "value_error" and key == "source":
        return Problem(f"'source' is empty{inside}", where, SOURCE_HELP)
    if kind in ("value_error", "out_of_order"):
        return Problem(f"{_path(root, loc)}: {detail['msg'].removeprefix('Value error, ')}", where)
    return _wrong_value(root, loc, where, detail)


def _wrong_value(root: Node, loc: Loc, where: str, detail: ErrorDetails) -> Problem:
    value = detail["input"]
    shown = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else json.dumps(value)
    asked = detail["msg"].removeprefix("Input ").replace("valid array", "list").replace("an object", "a mapping")
    return Problem(f"{_path(root, loc)} is {shown}, but {asked}", where)


def _path(root: Node, loc: Loc) -> str:
    """`loc` as people write it in `--set`; an entry of a list by its name, where it has one."""
    steps: list[str] = []
    for depth, step in enumerate(loc):
        nodes = _along(root, loc[: depth + 1])
        name = next((nodes[-1].fields[key].value for key in ("name", "id") if key in nodes[-1].fields), None)
        named = isinstance(step, int) and len(nodes) == depth + 2 and name is not None
        steps.append(str(name) if named else WRITTEN_AS.get(str(step), str(step)))
    return ".".join(steps)


def _keys_at(model: type[Model], loc: Loc) -> Sequence[str]:
    """The keys that may be written at `loc`."""
    kind: Any = model
    for step in loc:
        kind = _inside(kind, step)
    if not _is_model(kind):
        return []
    written = {WRITTEN_AS.get(field, field) for field in kind.model_fields}
    return sorted(written | set(METRICS) if kind is Objective else written)


def _inside(kind: Any, step: int | str) -> Any:
    """The type of what stands under `step` in a value of type `kind`."""
    if _is_model(kind):
        return kind.model_fields[step].annotation if step in kind.model_fields else None
    arguments = get_args(kind)
    return {dict: arguments[-1], tuple: arguments[0]}.get(get_origin(kind)) if arguments else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)
