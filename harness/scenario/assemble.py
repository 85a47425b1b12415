"""A scenario joined with what it names: templates, their personas and shared objectives become part of its tree.

    sites ──names──▶ templates ──mix──▶ personas          objectives: {site-p95: shared} ──▶ objectives.yaml

An entry of the scenario's own comes first, then a file beside the scenario, then what ships.
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.scenario.library import OBJECTIVES_FILE, entry_names, find_entry, shipped_folder
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node, read_tree

__all__ = ["SHARED", "assemble"]

SHARED = "shared"
"""Written instead of an objective: take the one of this id from `objectives.yaml`."""


def assemble(root: Node, folder: Path, problems: list[Problem]) -> Node:
    """`root` with all it names embedded; what cannot be found is added to `problems` and left out."""
    fields = dict(root.fields)
    templates = [site.fields["template"] for site in _field(root, "sites").items if "template" in site.fields]
    fields["templates"] = _embed("templates", templates, root, folder, problems)
    names = [
        Node(name, child.where)
        for template in fields["templates"].fields.values()
        for name, child in _field(template, "mix").fields.items()
    ]
    fields["personas"] = _embed("personas", names, root, folder, problems)
    if "objectives" in fields:
        fields["objectives"] = _with_shared(fields["objectives"], folder, problems)
    return Node(fields, root.where)


def _embed(kind: str, names: list[Node], root: Node, folder: Path, problems: list[Problem]) -> Node:
    """The scenario's own entries of `kind`, then the files of the others that are named."""
    own = _field(root, kind)
    if own.value is not None and not isinstance(own.value, dict):
        return own
    entries = dict(own.fields)
    looked_for: set[str] = set()
    for name in names:
        if not isinstance(name.value, str) or name.value in entries or name.value in looked_for:
            continue
        looked_for.add(name.value)
        path = find_entry(kind, name.value, folder)
        if path is None:
            known = sorted({*own.fields, *entry_names(kind, folder)})
            problems.append(Problem(f"unknown {kind[:-1]} '{name.value}'", name.where, suggest(name.value, known)))
            continue
        entry = _read(path, problems)
        if entry is not None:
            entries[name.value] = entry
    return Node(entries, own.where or root.where)


def _with_shared(objectives: Node, folder: Path, problems: list[Problem]) -> Node:
    if not isinstance(objectives.value, dict):
        problems.append(
            Problem("'objectives' is not a mapping", objectives.where, f"write `id: {SHARED}` or `id: {{…}}`")
        )
        return Node({}, objectives.where)
    shared: Node | None = None
    entries: dict[str, Node] = {}
    for name, node in objectives.value.items():
        if node.value != SHARED:
            entries[name] = node
            continue
        shared = shared or _read(_objectives_file(folder), problems) or Node({}, "")
        if name in shared.fields:
            entries[name] = shared.fields[name]
        else:
            problems.append(Problem(f"unknown shared objective '{name}'", node.where, suggest(name, shared.fields)))
    return Node(entries, objectives.where)


def _objectives_file(folder: Path) -> Path:
    beside = folder / OBJECTIVES_FILE
    return beside if beside.is_file() else shipped_folder() / OBJECTIVES_FILE


def _read(path: Path, problems: list[Problem]) -> Node | None:
    try:
        return read_tree(path)
    except ScenarioError as error:
        problems.extend(error.problems)
        return None


def _field(node: Node, key: str) -> Node:
    return node.fields.get(key, Node(None, ""))
