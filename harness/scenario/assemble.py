"""A scenario joined with what it names: templates, their personas, links and shared objectives become part of its tree.

    sites ──names──▶ templates ──mix, arrivals──▶ personas          objectives: {site-p95: shared} ──▶ objectives.yaml
                          │                                         curves: {nurse: shared} ──▶ curves.yaml
                          └────── link ──▶ links                    workflow_files: [mine.py] ──▶ what stands in it

An entry of the scenario's own comes first, then a file beside the scenario, then what ships.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import Problem, ScenarioError
from harness.scenario.library import entry_names, find_entry, shared_file
from harness.scenario.own_workflows import with_texts
from harness.scenario.suggest import suggest
from harness.scenario.tree import Node, read_tree

__all__ = ["SHARED", "assemble"]

SHARED = "shared"
"""Written instead of an objective or a curve: take the one of this name from `objectives.yaml` or `curves.yaml`."""


def assemble(root: Node, folder: Path, problems: list[Problem], also: Mapping[str, Sequence[Node]]) -> Node:
    """`root` with all it names embedded; what cannot be found is added to `problems` and left out.

    `also` has names, by `templates`, `personas` and `links`, that are named elsewhere than in the scenario.
    """
    fields = dict(root.fields)
    sites = _field(root, "sites").items
    templates = [site.fields["template"] for site in sites if "template" in site.fields]
    templates += also.get("templates", ())
    fields["templates"] = _embed("templates", templates, root, folder, problems)
    embedded = list(fields["templates"].fields.values())
    names = [
        Node(name, child.where)
        for template in embedded
        for key in ("mix", "arrivals")
        for name, child in _field(template, key).fields.items()
    ]
    names += also.get("personas", ())
    fields["personas"] = _embed("personas", names, root, folder, problems)
    linked = [node.fields["link"] for node in (*embedded, *sites) if "link" in node.fields]
    linked += also.get("links", ())
    fields["links"] = _embed("links", linked, root, folder, problems)
    for kind in ("objectives", "curves"):
        if kind in fields:
            fields[kind] = _with_shared(kind, fields[kind], folder, problems)
    if "workflow_files" in fields:
        fields["workflow_files"] = with_texts(fields["workflow_files"], folder, problems)
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


def _with_shared(kind: str, section: Node, folder: Path, problems: list[Problem]) -> Node:
    if not isinstance(section.value, dict):
        problems.append(
            Problem(f"'{kind}' is not a mapping", section.where, f"write `name: {SHARED}` or `name: {{…}}`")
        )
        return Node({}, section.where)
    shared: Node | None = None
    entries: dict[str, Node] = {}
    for name, node in section.value.items():
        if node.value != SHARED:
            entries[name] = node
            continue
        shared = shared or _read(shared_file(kind, folder), problems) or Node({}, "")
        if name in shared.fields:
            entries[name] = shared.fields[name]
        else:
            problems.append(Problem(f"unknown shared {kind[:-1]} '{name}'", node.where, suggest(name, shared.fields)))
    return Node(entries, section.where)


def _read(path: Path, problems: list[Problem]) -> Node | None:
    try:
        return read_tree(path)
    except ScenarioError as error:
        problems.extend(error.problems)
        return None


def _field(node: Node, key: str) -> Node:
    return node.fields.get(key, Node(None, ""))
