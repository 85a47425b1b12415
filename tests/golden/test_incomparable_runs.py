"""Runs that must not be compared are refused, every difference named: exit code 2, nothing on standard output."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.rundir import RunDir, write_json
from harness.scenario import dump_spec, read_spec
from harness.scenario.model import RunSpec

Golden = Callable[[str, str], None]
Run = Callable[..., Any]


@pytest.fixture
def folders(fabricate: Callable[..., Any], tmp_path: Path) -> tuple[RunDir, RunDir]:
    """Two equal runs, `before` and `after`."""
    made, spec = fabricate(requests=200, length_s=20.0).write()
    dump_spec(spec, made.scenario)
    write_json(made.verdict, {"verdict": "pass"})
    shutil.copytree(made.path, tmp_path / "before")
    return RunDir(tmp_path / "before"), RunDir(made.path.rename(tmp_path / "after"))


def respecified(run_dir: RunDir, change: Callable[[RunSpec], RunSpec]) -> None:
    dump_spec(change(read_spec(run_dir.scenario)), run_dir.scenario)


def other_places(spec: RunSpec) -> RunSpec:
    river, *others = spec.sites[:4]
    return spec.model_copy(
        update={
            "sites": (river.model_copy(update={"heads": {"nurse": 7, "physician": 5}}), *others),
            "duration_s": 60.0,
            "scenario": spec.scenario.model_copy(update={"think_factor": 0.02}),
        }
    )


SPOILT: dict[str, Callable[[RunDir], Any]] = {
    "played-otherwise": lambda run: respecified(run, other_places),
    "aborted": lambda run: run.update_manifest(state="aborted"),
    "invalid": lambda run: write_json(run.verdict, {"verdict": "invalid"}),
    "not-judged": lambda run: run.verdict.unlink(),
    "no-samples": lambda run: run.samples.unlink(),
    "other-length": lambda run: write_json(run.expected, {"length_s": 30.0}),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    case: str, folders: tuple[RunDir, RunDir], emrload: Run, golden: Golden
) -> None:
    SPOILT[case](folders[1])
    told = emrload("compare", "before", "after")
    assert (told.code, told.out) == (2, "")
    golden(f"incomparable/{case}.txt", told.err)


def with_more_people(spec: RunSpec) -> RunSpec:
    river, *others = spec.sites
    heads = {name: 2 * count for name, count in river.heads.items()}
    return spec.model_copy(update={"sites": (river.model_copy(update={"heads": heads}), *others)})


def longer_roster(run: RunDir, times: float, site: str = "river") -> None:
    """Everybody at the site is on duty for `times` as long."""
    table = pq.read_table(run.plan)
    ends_s = [
        end_s * (times if name == site else 1)
        for name, end_s in zip(table["site"].to_pylist(), table["end_s"].to_pylist(), strict=True)
    ]
    place = table.schema.get_field_index("end_s")
    pq.write_table(table.set_column(place, "end_s", pa.array(ends_s, pa.float64())), run.plan)


def more_and_longer(run: RunDir) -> None:
    respecified(run, lambda spec: other_places(with_more_people(spec)))


NO_LOAD: dict[str, Callable[[RunDir], Any]] = {
    "isolation-nobody-asks-more": lambda run: None,
    "isolation-one-asks-less": lambda run: longer_roster(run, 0.5),
    "isolation-all-ask-more": lambda run: [
        longer_roster(run, 2.0, site.name) for site in read_spec(run.scenario).sites
    ],
    "isolation-played-otherwise": more_and_longer,
}


@pytest.mark.parametrize("case", NO_LOAD)
def test_what_says_nothing_of_isolation_is_refused_with_the_reason(
    case: str, folders: tuple[RunDir, RunDir], emrload: Run, golden: Golden
) -> None:
    NO_LOAD[case](folders[1])
    told = emrload("isolation", "before", "after")
    assert (told.code, told.out) == (2, "")
    golden(f"incomparable/{case}.txt", told.err)


def test_one_run_and_several_say_nothing_of_isolation(
    folders: tuple[RunDir, RunDir], emrload: Run, golden: Golden, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        shutil.copytree(folders[1].path, tmp_path / "several" / name)
    told = emrload("isolation", "before", "after", "several")
    assert (told.code, told.out) == (2, "")
    golden("incomparable/isolation-one-and-several.txt", told.err)


def test_one_run_is_not_compared_with_several(
    folders: tuple[RunDir, RunDir], emrload: Run, golden: Golden, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        shutil.copytree(folders[1].path, tmp_path / "several" / name)
    told = emrload("compare", "before", "several")
    assert (told.code, told.out) == (2, "")
    golden("incomparable/one-and-several.txt", told.err)
