"""Whatever stands in a file: a scenario or a list of problems, and never a crash."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.scenario import dump_spec, load_scenario, read_spec, resolve
from harness.scenario.tree import plain, read_tree

QUICK_RUSH = Path(__file__).parent.parent / "scenarios" / "quick-rush.yaml"
LINES = QUICK_RUSH.read_text().splitlines()

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | WORDS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)


def written(text: bytes) -> Path:
    path = Path(tempfile.mkdtemp(prefix="scenario-")) / "mine.yaml"
    path.write_bytes(text)
    return path


def problems_of(path: Path) -> list[str]:
    try:
        load_scenario(str(path))
    except ScenarioError as error:
        return [str(problem) for problem in error.problems]
    finally:
        path.unlink()
        path.parent.rmdir()
    return []


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert problems_of(written(content))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(LINES) - 1), VALUES)
def test_any_line_may_be_replaced_by_anything(number: int, value: object) -> None:
    key = LINES[number].partition(":")[0]
    text = "\n".join([*LINES[:number], f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=10_000)}"])
    rest = [line for line in LINES[number + 1 :] if not line.startswith("  ")]
    problems = problems_of(written("\n".join([text.removesuffix("...\n"), *rest]).encode()))
    assert all("mine.yaml" in problem for problem in problems)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "sites", "curves", "personas", "objectives", "phases"]), VALUES))
def test_every_problem_has_its_place(document: dict[str, object]) -> None:
    problems = problems_of(written(yaml.safe_dump(document, allow_unicode=True).encode()))
    assert problems
    assert all("mine.yaml" in problem for problem in problems)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4))
def test_a_tree_holds_what_the_file_says(document: dict[str, object]) -> None:
    # JSON is YAML that nobody reads in two ways.
    path = written(json.dumps(document, ensure_ascii=False).encode())
    try:
        assert plain(read_tree(path)) == document
    finally:
        path.unlink()
        path.parent.rmdir()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**63), st.none() | st.floats(1.0, 604_800.0))
def test_a_run_is_read_as_it_was_written(sites: int, seed: int, duration_s: float | None) -> None:
    spec = resolve(load_scenario(str(QUICK_RUSH)), sites=sites, seed=seed, duration_s=duration_s)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"
        dump_spec(spec, path)
        assert read_spec(path) == spec


@pytest.mark.parametrize("sites", [1, 7, 1000])
def test_no_two_sites_share_a_name(sites: int) -> None:
    names = [site.name for site in resolve(load_scenario(str(QUICK_RUSH)), sites=sites, seed=1).sites]
    assert len(set(names)) == len(names) == sites
