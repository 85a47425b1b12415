import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.comparable import ComparedRun, open_sides, refuse_incomparable, told_differences
from harness.errors import InputError
from harness.rundir import RunDir, write_json
from harness.scenario import dump_spec
from harness.scenario.model import RunSpec

Make = Callable[..., RunDir]


@pytest.fixture
def played(fabricate: Callable[..., Any]) -> Make:
    """A small run with its scenario and verdict; `spec` changes the spec, `manifest` the manifest."""

    def make(spec: Callable[[RunSpec], RunSpec] = lambda spec: spec, verdict: str = "pass", **manifest: Any) -> RunDir:
        run = fabricate(requests=200, length_s=20.0)
        run.manifest |= manifest
        run_dir, resolved = run.write()
        dump_spec(spec(resolved), run_dir.scenario)
        write_json(run_dir.verdict, {"verdict": verdict})
        assert isinstance(run_dir, RunDir)
        return run_dir

    return make


def opened(run_dir: RunDir) -> list[ComparedRun]:
    return open_sides(run_dir.path, run_dir.path)[0]


def refusal(a: RunDir, b: RunDir) -> str:
    with pytest.raises(InputError) as refused:
        refuse_incomparable(opened(a), opened(b))
    return str(refused.value)


def other_scenario(**changes: Any) -> Callable[[RunSpec], RunSpec]:
    return lambda spec: spec.model_copy(update={"scenario": spec.scenario.model_copy(update=changes)})


def test_runs_with_other_seeds_words_objectives_and_targets_may_be_compared(played: Make) -> None:
    def reworded(spec: RunSpec) -> RunSpec:
        changed = other_scenario(title="Rush", story="They come.", objectives=spec.scenario.objectives[:1])(spec)
        moved = [site.model_copy(update={"endpoint": "http://127.0.0.1:1/fhir"}) for site in changed.sites]
        return changed.model_copy(update={"seed": 99, "sites": tuple(moved)})

    a, b = played(), played(reworded, workers=4, labels={"build": "4711"})
    refuse_incomparable(opened(a), opened(b))
    told = told_differences(opened(a), opened(b))
    assert told == {"label build": ("–", "4711"), "seed": ("7", "99"), "workers": ("2", "4")}


def test_a_site_that_asks_once_as_much_as_planned_asks_as_planned(played: Make) -> None:
    def greedy(times: float) -> Callable[[RunSpec], RunSpec]:
        return lambda spec: spec.model_copy(update={"greedy": {"river": times}})

    refuse_incomparable(opened(played()), opened(played(greedy(1.0))))
    assert "greedy.river is 2.0, but not there in A" in refusal(played(), played(greedy(2.0)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_scenario(think_factor=0.02), "think_factor is 0.02"),
        (other_scenario(answer_timeout_s=9.0), "answer_timeout_s is 9.0"),
        (lambda spec: spec.model_copy(update={"duration_s": 60.0}), "duration_s is 60.0"),
        (lambda spec: spec.model_copy(update={"window": (24000.0, 25000.0)}), "window is [24000.0, 25000.0]"),
        (lambda spec: spec.model_copy(update={"sites": spec.sites[:4]}), "sites.shore is not there"),
        (lambda spec: spec.model_copy(update={"seeded": False}), "seeded is false"),
        (
            lambda spec: spec.model_copy(
                update={"sites": (spec.sites[0].model_copy(update={"heads": {"nurse": 7}}), *spec.sites[1:])}
            ),
            "sites.river.heads.nurse is 7",
        ),
    ],
)
def test_what_was_played_otherwise_is_named(played: Make, change: Callable[[RunSpec], RunSpec], said: str) -> None:
    assert said in refusal(played(), played(change))


def test_every_difference_is_named_up_to_a_number_of_them(played: Make) -> None:
    def everywhere(spec: RunSpec) -> RunSpec:
        change = {"patients": 7, "locale": "de_DE", "heads": {"nurse": 1}}  # persona physician is gone, too
        others = [site.model_copy(update=change) for site in spec.sites]
        return other_scenario(think_factor=2.0)(spec).model_copy(update={"sites": tuple(others)})

    with pytest.raises(InputError) as refused:
        refuse_incomparable(opened(played()), opened(played(everywhere)))
    assert len(refused.value.problems) == 21
    assert refused.value.problems[-1].what == "and 1 more difference"
    assert "think_factor is 2.0" in str(refused.value)


def test_loads_that_were_to_last_otherwise_are_not_compared(played: Make) -> None:
    other = played()
    expected = json.loads(other.expected.read_bytes())
    write_json(other.expected, {**expected, "length_s": 30.0})
    assert "length_s is 30.0" in refusal(played(), other)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: run.update_manifest(state="aborted"), "the run is aborted, not finished"),
        (lambda run: write_json(run.verdict, {"verdict": "invalid"}), "its verdict is invalid"),
        (lambda run: run.verdict.unlink(), "the run was not judged yet"),
        (lambda run: run.samples.unlink(), "samples.parquet is missing"),
        (lambda run: run.samples.write_bytes(b"PAR1"), "samples.parquet has format unknown"),
        (lambda run: run.expected.write_text("[]"), "does not say how long the load was to last"),
    ],
)
def test_a_run_that_cannot_be_believed_is_refused(played: Make, spoil: Callable[[RunDir], Any], said: str) -> None:
    run_dir = played()
    spoil(run_dir)
    with pytest.raises(InputError, match=said):
        opened(run_dir)


def test_what_speaks_against_either_side_is_said_at_once(played: Make) -> None:
    a, b = played(), played()
    a.update_manifest(state="running")
    b.verdict.unlink()
    with pytest.raises(InputError) as refused:
        open_sides(a.path, b.path)
    assert [problem.where[0] for problem in refused.value.problems] == ["A", "B"]


def test_a_failed_run_can_be_compared(played: Make) -> None:
    assert len(opened(played(verdict="fail"))) == 1


def test_a_folder_of_runs_is_a_group_and_a_single_run_is_not_compared_with_one(played: Make, tmp_path: Path) -> None:
    group = tmp_path / "several"
    for name in ("two", "one"):
        shutil.copytree(played().path, group / name)
    (group / "notes.txt").write_text("not a run")
    found = open_sides(group, group)[1]
    assert [run.run_dir.path.name for run in found] == ["one", "two"]
    refuse_incomparable(found, found)
    with pytest.raises(InputError, match="1 in A, 2 in B"):
        refuse_incomparable(opened(played()), found)


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "empty"])
def test_where_no_run_is_that_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no run here"):
        open_sides(tmp_path / name, tmp_path)
