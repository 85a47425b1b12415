"""Several runs in one report: read what each left, refuse what does not belong together, write beside them.

r1 r2 r3 …  summary.json, verdict.json ─▶ the same scenario, sites, window? ─▶ --out: summary.json runs.csv report.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.cli.concluding import read_json
from harness.cli.sameness import differences
from harness.errors import InputError, Problem
from harness.rundir import RunDir, new_folder, open_run_dir, write_json

if TYPE_CHECKING:
    from harness.report.group import Group, GroupRun
    from harness.scenario.model import RunSpec

__all__ = ["report_several"]

FEWEST_VALID: Final = 2
"""Below two there is nothing to tell chance from."""


def report_several(paths: Sequence[Path], out: Path, *, as_json: bool) -> None:
    """Write the report of these runs into the new folder `out` and print it; the runs' own folders are only read.

    Raises InputError where a run was not concluded, is given twice, or is no repetition of the first, or where fewer
    than two are valid; OutputError where `out` cannot be written.
    """
    folders = _opened(paths)
    _refuse_within(folders, out)
    _refuse_unfinished(folders)
    _refuse_twice(folders)
    spec = _common_spec(folders)
    from harness.report.group import Group, GroupRun, group_summary, write_runs_csv
    from harness.report.group_console import tell_group
    from harness.report.group_page import group_page_of

    runs = [
        GroupRun(
            number,
            folder.path,
            folder.read_manifest(),
            _read_whole(folder.summary, ("overall", "by_site", "by_workflow")),
            _read_whole(folder.verdict, ("verdict",)),
        )
        for number, folder in enumerate(folders, 1)
    ]
    group = Group(tuple(runs))
    _refuse_too_few(group)
    summary = group_summary(group)
    steps = _next_steps(group)
    page = group_page_of(group, spec, steps)
    new_folder(out)
    target = RunDir(out)
    write_json(target.summary, summary)
    write_runs_csv(group, out / "runs.csv")
    target.report.write_text(page, encoding="utf-8")
    if as_json:
        told = {key: summary[key] for key in ("interval_level", "runs", "runs_counted", "overall")}
        print(json.dumps({"report": str(target.report), **told}))
    else:
        tell_group(group, target.report, steps)


def _opened(paths: Sequence[Path]) -> list[RunDir]:
    """The runs. Raises InputError that names every folder without one."""
    folders: list[RunDir] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            folders.append(open_run_dir(path))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return folders


def _read_whole(path: Path, keys: Sequence[str]) -> dict[str, Any]:
    """Raises InputError where the file is damaged or lacks one of `keys`."""
    value = read_json(path)
    lacking = [key for key in keys if key not in value]
    if lacking:
        mend = "the file is damaged; --rejudge --out DIR makes summary and verdict again in another folder"
        raise InputError(Problem(f"lacks {', '.join(lacking)}", str(path), mend))
    return value


def _refuse_within(folders: Sequence[RunDir], out: Path) -> None:
    for folder in folders:
        if out.resolve().is_relative_to(folder.path.resolve()):
            mend = "give a new folder beside the runs: what they left stays as it is"
            raise InputError(Problem(f"the folder lies within a run, {folder.path}", "--out", mend))


def _refuse_unfinished(folders: Sequence[RunDir]) -> None:
    problems = [
        Problem(
            f"not concluded: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there yet",
            str(folder.path),
            f"`emrload report {folder.path}` analyses and judges what the run left",
        )
        for folder in folders
        if (missing := [file.name for file in (folder.summary, folder.verdict) if not file.exists()])
    ]
    if problems:
        raise InputError(problems)


def _refuse_twice(folders: Sequence[RunDir]) -> None:
    first: dict[Any, RunDir] = {}
    problems = []
    for folder in folders:
        identity = folder.read_manifest().get("run_id") or folder.path.resolve()
        if identity in first:
            what = f"the same run as {first[identity].path}"
            problems.append(Problem(what, str(folder.path), "give each run once: counted twice it would look surer"))
        first.setdefault(identity, folder)
    if problems:
        raise InputError(problems)


def _common_spec(folders: Sequence[RunDir]) -> RunSpec:
    """What all of them play, but for the seed. Raises InputError that names, by run, what differs."""
    from harness.scenario import read_spec

    specs = [read_spec(folder.scenario) for folder in folders]
    servers = [str((folder.read_manifest().get("target") or {}).get("software") or "") for folder in folders]
    problems = [
        Problem(
            f"no repetition of {folders[0].path}: {'; '.join(found)}",
            str(folder.path),
            "runs of one report may differ by their seed only: leave this one out, or give it a report of its own",
        )
        for folder, spec, server in zip(folders[1:], specs[1:], servers[1:], strict=True)
        if (found := differences(specs[0], servers[0], spec, server))
    ]
    if problems:
        raise InputError(problems)
    return specs[0]


def _refuse_too_few(group: Group) -> None:
    if len(group.counted) < FEWEST_VALID:
        names = ", ".join(str(run.path) for run in group.left_out)
        what = f"{len(group.counted)} of {len(group.runs)} runs can be trusted, and an interval takes {FEWEST_VALID}"
        mend = f"invalid: {names}; each report says which check failed and what mends it. Then run again"
        raise InputError(Problem(what, "", mend))


def _next_steps(group: Group) -> list[str]:
    """Repeat as often as the p95 of all sites needs; else say that it is known."""
    from harness.report.group import enough_text
    from harness.verdict.guidance import run_with_seed

    over = group.rows()["overall"][""]["p95_ms"]
    if over.narrow_enough:
        return ["The p95 of all sites is known closely enough; only the rows that say otherwise need more runs."]
    last = group.counted[-1]
    again = run_with_seed(last.manifest, _unused_seed(group.runs))
    if over.more_runs:
        return [
            f"Repeat {over.more_runs} more, each with a seed of its own: {again}",
            "Then give all of them, old and new, to `emrload report DIR… --out NEW`",
        ]
    return [f"Play longer runs, with more requests each ({enough_text(over)}). These were: {again}"]


def _unused_seed(runs: Sequence[GroupRun]) -> int:
    return max((int(run.manifest.get("seed", 0)) for run in runs), default=0) + 1
