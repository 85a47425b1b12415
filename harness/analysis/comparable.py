"""Which runs may be compared: those that played the same, came to their end and can be believed. All else is refused,
with every difference named; what a comparison is there to compare (server, build, machine) is only told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import InputError, Problem, shortened
from harness.rundir import RunDir, open_run_dir
from harness.samples import FORMAT_VERSION
from harness.scenario import read_spec
from harness.scenario.differences import ABSENT, differences
from harness.scenario.greedy import other_than_planned
from harness.scenario.model import RunSpec
from harness.units import count_text

__all__ = [
    "ComparedRun",
    "open_named_sides",
    "open_sides",
    "refuse_incomparable",
    "refuse_more_than_load",
    "told_differences",
]

NOT_PLAYED: Final = ("title", "story", "source", "sources", "objectives", "max_open_in_flight", "bounds")
"""Keys of a scenario, at any depth, that say nothing of what is played: words, what it is measured against, and
a cap that makes a run invalid where it was reached."""
_OF_THE_MIX: Final = ("sites", "site_names", "default_sites")
"""What the sites were made from; the sites themselves are compared."""
_OF_THE_TARGET: Final = ("endpoint", "source_address", "identifier_system")
"""Of a site: where its server is, and from where it is asked."""
_LOAD: Final = re.compile(
    r"sites\.[^.]+\.heads(\..+)?|greedy(\..+)?|(personas|curves)\.[^.]+"
    r"|templates\.[^.]+\.(peak|mix(\..+)?|arrivals(\.[^.]+(\.rate_per_s)?)?)"
)
"""What of a scenario only says how many there are: heads and arrivals, and a persona that is not on both sides."""
MOST_DIFFERENCES: Final = 20
"""So many are named for each run; of the rest the number."""
_HINT: Final = "Only runs that played the same can be compared; seeds, targets, labels and workers may differ."
_LOAD_HINT: Final = (
    "Only how many people and arrivals there are may differ from BASELINE, and seeds, targets, labels and workers."
)


@dataclass(frozen=True)
class ComparedRun:
    """A run that is to be compared, as its folder has it."""

    run_dir: RunDir
    manifest: Mapping[str, Any]
    spec: RunSpec
    length_s: float
    """How long the load lasted, as planned."""


def open_sides(a: Path, b: Path) -> tuple[list[ComparedRun], list[ComparedRun]]:
    """The runs of A and of B, as `open_named_sides`."""
    in_a, in_b = open_named_sides([("A", a), ("B", b)])
    return in_a, in_b


def open_named_sides(sides: Sequence[tuple[str, Path]]) -> list[list[ComparedRun]]:
    """The runs of each side (what an error calls it, and its path), by name: the run in a folder, or each run in a
    folder of it.

    Raises InputError where there is none, and with all that speaks against any of them: not finished, not judged,
    invalid, damaged, or of another format.
    """
    folders = [_folders(path, side) for side, path in sides]
    problems: list[Problem] = []
    opened: list[list[ComparedRun]] = [[] for _ in sides]
    for (side, _), found, runs in zip(sides, folders, opened, strict=True):
        for run_dir in found:
            manifest = run_dir.read_manifest()
            against = [Problem(what, f"{side}, {run_dir.path}", how) for what, how in _unfit(run_dir, manifest)]
            problems += against
            if not against:
                runs.append(ComparedRun(run_dir, manifest, read_spec(run_dir.scenario), _length_s(run_dir)))
    if problems:
        raise InputError(problems, "A run that cannot be believed is not compared: take it away, or repeat it.")
    return opened


def refuse_incomparable(a: Sequence[ComparedRun], b: Sequence[ComparedRun]) -> None:
    """Raises InputError with all differences between the first run and each other one, or where one side has a single
    run and the other has more."""
    _refuse_one_and_several([("A", a), ("B", b)])
    problems = [
        problem
        for side, run in [*(("A", run) for run in a[1:]), *(("B", run) for run in b)]
        for problem in _against(("A", a[0]), (side, run))
    ]
    if problems:
        raise InputError(problems, _HINT)


def refuse_more_than_load(sides: Sequence[tuple[str, Sequence[ComparedRun]]]) -> None:
    """Raises InputError as `refuse_incomparable`, but the sides may differ from the first one by how many people and
    arrivals there are at their sites; the runs of one side may not."""
    _refuse_one_and_several(sides)
    first = (sides[0][0], sides[0][1][0])
    problems = [
        problem
        for side, runs in sides
        for at, run in enumerate(runs)
        if at or runs is not sides[0][1]
        for problem in _against((side, runs[0]) if at else first, (side, run), load_may_differ=not at)
    ]
    if problems:
        raise InputError(problems, _LOAD_HINT)


def _refuse_one_and_several(sides: Sequence[tuple[str, Sequence[ComparedRun]]]) -> None:
    if len({len(runs) == 1 for _, runs in sides}) > 1:
        counts = ", ".join(f"{len(runs)} in {side}" for side, runs in sides)
        what = f"{counts}: one run does not say how much runs differ from each other"
        how = "give two single runs, or two folders with at least 2 runs each; 5 are advised"
        if len(sides) > 2:
            how = "give single runs throughout, or folders with at least 2 runs each throughout; 5 are advised"
        raise InputError(Problem(what, "runs", how))


def _against(
    first: tuple[str, ComparedRun], other: tuple[str, ComparedRun], *, load_may_differ: bool = False
) -> list[Problem]:
    """What `other` played otherwise than `first`; up to `MOST_DIFFERENCES`, and then their number."""
    found = [
        each
        for each in differences(_played(first[1]), _played(other[1]))
        if not (load_may_differ and _LOAD.fullmatch(each[0]))
    ]
    where = f"{other[0]}, {other[1].run_dir.path.name}"
    against = f"in {first[0]}, {first[1].run_dir.path.name}"
    problems = [
        Problem(f"{path} is {_value(this)}, but {_value(that)} {against}", where)
        for path, that, this in found[:MOST_DIFFERENCES]
    ]
    if len(found) > MOST_DIFFERENCES:
        problems.append(Problem(f"and {count_text(len(found) - MOST_DIFFERENCES, 'more difference')}", where))
    return problems


def told_differences(a: Sequence[ComparedRun], b: Sequence[ComparedRun]) -> dict[str, tuple[str, str]]:
    """What may differ, and does: name → how it is in A, and in B; several values where runs of one side differ."""
    names = list(dict.fromkeys(name for run in (*a, *b) for name in _told(run)))
    found = {
        name: tuple(" | ".join(dict.fromkeys(_told(run).get(name, "–") for run in runs)) for runs in (a, b))
        for name in names
    }
    return {name: (in_a, in_b) for name, (in_a, in_b) in found.items() if in_a != in_b or " | " in in_a}


def _folders(path: Path, side: str) -> list[RunDir]:
    try:
        if RunDir(path).manifest.exists():
            return [open_run_dir(path)]
        within = sorted(each for each in path.iterdir() if RunDir(each).manifest.exists())
    except OSError:  # not there, no folder, not ours to read, or no name at all
        within = []
    if not within:
        what = "no run here: neither the folder of a run, nor one that holds folders of runs"
        how = "give a run such as reports/2026-11-22T091500Z-morning-rush-3fa1, or a folder with several of them"
        raise InputError(Problem(what, f"{side}, {shortened(str(path))}", how))
    return [open_run_dir(each) for each in within]


def _length_s(run_dir: RunDir) -> float:
    try:
        return float(json.loads(run_dir.expected.read_bytes())["length_s"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"cannot be read, or does not say how long the load was to last ({type(error).__name__})"
        raise InputError(Problem(what, str(run_dir.expected), "compare folders as runs leave them")) from error


def _unfit(run_dir: RunDir, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    state = manifest.get("state")
    if state != "finished":
        yield f"the run is {state or 'of no known state'}, not finished", "compare runs that came to their end"
        return
    lacking = [file.name for file in (run_dir.samples, run_dir.scenario, run_dir.expected) if not file.exists()]
    if lacking:
        yield f"{', '.join(lacking)} is missing", "compare folders as runs leave them"
        return
    verdict = _verdict(run_dir)
    if verdict is None:
        yield "the run was not judged yet", f"`emrload report {run_dir.path}` judges it"
    elif verdict == "invalid":
        yield "its verdict is invalid: its figures cannot be believed", "verdict.json says why; repeat the run"
    version = _format_version(run_dir)
    if version != str(FORMAT_VERSION):
        yield f"samples.parquet has format {version}, this version reads {FORMAT_VERSION}", "run again"


def _verdict(run_dir: RunDir) -> str | None:
    try:
        return str(json.loads(run_dir.verdict.read_bytes())["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _format_version(run_dir: RunDir) -> str:
    try:
        metadata = pq.read_schema(run_dir.samples).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return "unknown"
    return metadata.get(b"format_version", str(FORMAT_VERSION).encode()).decode()


def _played(run: ComparedRun) -> dict[str, Any]:
    """What of a run decides who does what when, at which place; not the seed."""
    whole = run.spec.model_dump(mode="json", exclude={"seed"})
    scenario = {key: value for key, value in whole.pop("scenario").items() if key not in _OF_THE_MIX}
    sites = whole.pop("sites")
    kept = [{key: value for key, value in site.items() if key not in _OF_THE_TARGET} for site in sites]
    whole["greedy"] = other_than_planned(run.spec.greedy)
    played: dict[str, Any] = _without_words({**scenario, **whole, "sites": kept, "length_s": run.length_s})
    return played


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_words(inner) for key, inner in value.items() if key not in NOT_PLAYED}
    return [_without_words(inner) for inner in value] if isinstance(value, list) else value


def _value(value: Any) -> str:
    if value is ABSENT or value is None:
        return "not there" if value is ABSENT else "not set"
    if isinstance(value, dict):
        return "there"
    return shortened(json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f"'{value}'", 60)


def _told(run: ComparedRun) -> dict[str, str]:
    target, host = run.manifest.get("target") or {}, run.manifest.get("host") or {}
    version = (run.manifest.get("versions") or {}).get("emr-load-harness")
    facts = {
        "target": target.get("url"),
        "software": target.get("software"),
        **{f"label {name}": value for name, value in (run.manifest.get("labels") or {}).items()},
        "seed": run.spec.seed,
        "workers": run.manifest.get("workers"),
        "generator's CPUs": host.get("cpus"),
        "hot path": run.manifest.get("engine"),
        "emrload": version,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}
