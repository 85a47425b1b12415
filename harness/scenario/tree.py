"""A YAML file as a tree of values that each know the line they stand on, read with limits before anything is believed.

Only what a scenario needs: UTF-8 text, one document, plain scalars by YAML 1.2's core schema (so `10:30` is a time of
day and not the number 630, and `on` is a word), anchors and aliases within bounds, no tags, no key twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from harness.errors import Problem, ScenarioError, shortened

__all__ = ["Node", "Scalar", "plain", "read_scalar", "read_tree", "read_value", "shown_path"]

LARGEST_FILE_BYTES = 1_000_000
"""A page of clinic life has a few kilobytes; what is larger than this is another kind of file."""
MOST_VALUES = 50_000
"""With aliases expanded: a file of 1 MB has fewer, an alias bomb has billions."""
DEEPEST = 32
LONGEST_PATH = 300
"""Characters of a path that an error repeats."""

Scalar: TypeAlias = str | int | float | bool | None
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
_PLAIN_TAGS = {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands: `file:line` of its key (of its own first line in a list), or an option's text."""

    value: Scalar | list[Node] | dict[str, Node]
    where: str

    @property
    def fields(self) -> dict[str, Node]:
        """The entries of a mapping; none of anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The entries of a list; none of anything else."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node:
        """What stands under `key`; a node of nothing where nothing does."""
        return self.fields.get(key, Node(None, ""))


def plain(node: Node) -> object:
    """The tree without its places, as lists, dicts and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def read_scalar(text: str) -> Scalar:
    """What an unquoted word means (YAML 1.2 core schema, decimal numbers only)."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text) and len(text) < 20:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return _NOT_FINITE.get(text.lower(), text)


def read_tree(path: Path, largest_bytes: int = LARGEST_FILE_BYTES, most_values: int = MOST_VALUES) -> Node:
    """The mapping that the YAML file `path` holds.

    Raises ScenarioError where it cannot be read, is too large or too deep, is not YAML or not a mapping, or holds a key
    twice.
    """
    shown = shown_path(path)
    text = _read_text(path, shown, largest_bytes)
    composer = _Composer(shown, most_values)
    try:
        root = composer.compose(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        raise ScenarioError(_syntax_problem(error, text, shown)) from error
    except yaml.YAMLError as error:
        raise ScenarioError(_not_text(shown)) from error
    if composer.problems:
        raise ScenarioError(composer.problems)
    if root is None or root.value is None:
        raise ScenarioError(
            Problem("the file is empty", shown, "write at least `name:`; `emrload scenarios` lists examples")
        )
    if not isinstance(root.value, dict):
        what = "a list" if isinstance(root.value, list) else "a single value"
        raise ScenarioError(Problem(f"the file holds {what}", root.where, "write a mapping: `key: value` lines"))
    return root


def read_value(text: str, where: str) -> Node:
    """A value given on the command line: a word, or a list or mapping in YAML's `[…]` and `{…}`.

    Raises ScenarioError where that is not YAML.
    """
    if text[:1] not in ("[", "{"):
        return Node(read_scalar(text), where)
    composer = _Composer(where, MOST_VALUES, one_place=True)
    try:
        node = composer.compose(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise ScenarioError(Problem(f"'{text}' is not a list or mapping of YAML", where, "write [a, b]")) from error
    if composer.problems or node is None:
        raise ScenarioError(composer.problems)
    return node


def shown_path(path: Path) -> str:
    """As short as it can be opened from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _read_text(path: Path, shown: str, largest_bytes: int) -> str:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ScenarioError(Problem("this is not a file", shown, "name a YAML file"))
        if size > largest_bytes:
            allowed = f"at most {largest_bytes / 1e6:g} MB are read"
            raise ScenarioError(Problem(f"the file has {size / 1e6:.1f} MB: that is no scenario", shown, allowed))
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(_not_text(shown)) from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a NUL in its name
        where = shortened(shown, LONGEST_PATH)
        raise ScenarioError(
            Problem("there is no such file", where, "name a YAML file or a shipped scenario")
        ) from error
    except OSError as error:
        where = shortened(shown, LONGEST_PATH)
        raise ScenarioError(Problem(f"cannot be read: {error.strerror}", where, "name a YAML file")) from error


def _not_text(shown: str) -> Problem:
    return Problem("this is not text", shown, "a scenario is a YAML file in UTF-8")


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, shown: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(f"not YAML: {error}", shown)
    where = f"{shown}:{mark.line + 1}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column : mark.column + 1] == "\t":
        return Problem("a tab where YAML wants spaces", where, "indent with spaces, two a level")
    begun = error.context_mark
    context = f" ({error.context}, begun in line {begun.line + 1})" if begun else ""
    return Problem(f"not YAML: {error.problem}{context}", where, "see the shipped scenarios for examples of the form")


class _Composer:
    """Builds nodes from parser events, so that depth and size are bounded while the file is being read."""

    def __init__(self, shown: str, most_values: int, *, one_place: bool = False) -> None:
        self.shown = shown
        self.one_place = one_place
        self.most_values = most_values
        self.problems: list[Problem] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._values = 0

    def compose(self, events: Iterator[yaml.Event]) -> Node | None:
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise ScenarioError(
                    Problem("a second document begins", self._where(event), "one file holds one document")
                )
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, [])
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], open_anchors: list[str], where: str = "") -> Node:
        where = where or self._where(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, open_anchors, where)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))  # noqa: S101 (the grammar's other events)
        before = self._values
        self._count(1, where)
        anchor: str | None = event.anchor
        if len(open_anchors) >= DEEPEST:
            raise ScenarioError(
                Problem(f"nested more than {DEEPEST} deep", where, "a scenario is nested 6 deep at most")
            )
        self._check_tag(event, where)
        inside = [*open_anchors, anchor or ""]
        if isinstance(event, yaml.MappingStartEvent):
            node = Node(self._mapping(events, inside), where)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(self._sequence(events, inside), where)
        else:
            assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 (the only one left)
            node = Node(_scalar(event), where)
        if anchor:
            self._anchors[anchor] = (node, self._values - before)
        return node

    def _mapping(self, events: Iterator[yaml.Event], open_anchors: list[str]) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            where = self._where(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise ScenarioError(Problem("a key that is not a word", where, "write `key: value` lines"))
            self._count(1, where)
            key = event.value
            if key in fields:
                first = fields[key].where.rpartition(":")[2]
                self.problems.append(
                    Problem(f"key '{key}' stands twice", where, f"the first is in line {first}: keep one")
                )
            fields[key] = self._node(next(events), events, open_anchors, where)
        return fields

    def _sequence(self, events: Iterator[yaml.Event], open_anchors: list[str]) -> list[Node]:
        items: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, open_anchors))
        return items

    def _alias(self, event: yaml.AliasEvent, open_anchors: list[str], where: str) -> Node:
        if event.anchor in open_anchors:
            raise ScenarioError(Problem(f"alias '*{event.anchor}' stands inside what it names", where, "write it out"))
        if event.anchor not in self._anchors:
            known = ", ".join(self._anchors) or "none"
            raise ScenarioError(Problem(f"unknown alias '*{event.anchor}'", where, f"anchors above this line: {known}"))
        node, size = self._anchors[event.anchor]
        self._count(size, where)
        return node

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, where: str) -> None:
        if event.tag not in _PLAIN_TAGS:
            self.problems.append(Problem(f"tag '{event.tag}' is not read", where, "write the value without a tag"))

    def _count(self, values: int, where: str) -> None:
        self._values += values
        if self._values > self.most_values:
            what = f"more than {self.most_values:,} values, aliases written out: that is no scenario"
            raise ScenarioError(Problem(what, where, "write out what the aliases stand for, and keep it to a page"))

    def _where(self, event: yaml.Event) -> str:
        line = event.start_mark.line + 1 if event.start_mark else 1
        return self.shown if self.one_place else f"{self.shown}:{line}"


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text: str = event.value
    return read_scalar(text) if event.style in (None, "") and event.tag is None else text
