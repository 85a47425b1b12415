"""`emrload report`: what a run left becomes a report again; analysis and verdict are made only where they are missing.

a finished run    summary.json and verdict.json stand ──▶ rendered again from the samples
a killed run      streams/ ──▶ samples.parquet … ──▶ summary.json, verdict.json ──▶ rendered
--rejudge         the same samples, judged by this version, written elsewhere
several runs      what they say together, written elsewhere (report_group)
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import click

from harness.cli.keeping import keeping
from harness.cli.options import PathType
from harness.errors import InputError, Problem
from harness.rundir import RunDir, create_run_dir, open_run_dir
from harness.units import count_text

__all__ = ["command"]

STILL_WRITING_S = 10.0
"""Workers write about once a second; a stream touched this recently belongs to a run that goes on."""

EPILOG = """\b
Examples:
  emrload report reports/2026-11-22T091500Z-morning-rush-3fa1
      render again; a run that was killed is analysed and judged first, from what its workers wrote
  emrload report reports/run-1 reports/run-2 reports/run-3 reports/run-4 reports/run-5 --out reports/five
      runs that differ by their seed, in one report: each percentile with its 95% interval over the runs,
      and how many more make it narrow enough

\b
--verify asks whether every file is still what it was when the run ended; one that changed or is missing is
named: exit code 2.

\b
An existing verdict is never rewritten. Exit code 0 once rendered; the verdict's own exit code is printed.
"""


@click.command(epilog=EPILOG)
@click.argument("runs", metavar="DIR...", nargs=-1, required=True, type=PathType("run's folder"))
@click.option("--verify", is_flag=True, help="Only compare all files with the digests in the manifest.")
@click.option("--rejudge", is_flag=True, help="Analyse and judge again with this version; needs --out.")
@click.option(
    "--out",
    metavar="DIR",
    type=PathType("new folder"),
    help="A new folder, for --rejudge or the report of several runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(runs: tuple[Path, ...], verify: bool, rejudge: bool, out: Path | None, as_json: bool) -> None:
    """Render again from what the run in DIR left; several runs of one scenario give one report."""
    if verify and rejudge:
        raise click.UsageError("--verify only reads, --rejudge judges: give one of them")
    if len(runs) > 1:
        _report_several(runs, verify or rejudge, out, as_json)
        return
    (run,) = runs
    if rejudge != (out is not None):
        raise click.UsageError(
            "--rejudge and --out DIR belong together: a verdict is never rewritten in its own folder"
        )
    run_dir = open_run_dir(run)
    if verify:
        _verify(run_dir, as_json)
        return
    with keeping(run_dir):
        _join_streams(run_dir)
        _note_who_died(run_dir)
    source = target = run_dir
    if out is not None:
        from harness.cli.late_files import have_come, merge_into

        target = _folder_for_rejudging(run_dir, out)
        if have_come(run_dir):
            with keeping(target):
                source, merged = target, merge_into(run_dir, target)
            came = count_text(len(merged.workers), "load process", "load processes")
            click.echo(f"joined what came after the run was judged, too: {came} in all", err=True)
    from harness.cli.concluding import conclude
    from harness.scenario import read_spec

    with keeping(target):
        concluded = conclude(source, target, read_spec(run_dir.scenario))
    concluded.tell(as_json=as_json)
    if not as_json:
        click.echo(f"verdict  exit code {concluded.exit_code}")


def _report_several(runs: tuple[Path, ...], one_by_one: bool, out: Path | None, as_json: bool) -> None:
    if one_by_one:
        raise click.UsageError("--verify and --rejudge take one run at a time")
    if out is None:
        raise click.UsageError("the report of several runs takes --out DIR, a new folder: those of the runs stay as is")
    from harness.cli.report_group import report_several

    report_several(runs, out, as_json=as_json)


def _verify(run_dir: RunDir, as_json: bool) -> None:
    """Raises InputError that names every file whose content changed or that is missing, or where nothing was sealed."""
    recorded = run_dir.read_manifest().get("sha256") or {}
    if not recorded:
        problem = Problem(
            "the manifest holds no digests, so there is nothing to compare with",
            str(run_dir.path),
            f"the run did not come to its end; `emrload report {run_dir.path}` finishes and seals it",
        )
        raise InputError(problem)
    changed = run_dir.changed_files()
    if changed:
        raise InputError([Problem(_what_happened(run_dir.path / name), name) for name in changed])
    if as_json:
        click.echo(json.dumps({"run": str(run_dir.path), "files": len(recorded), "changed": []}))
    else:
        click.echo(f"{count_text(len(recorded), 'file')} as they were when the run was sealed")


def _what_happened(path: Path) -> str:
    if path.exists():
        return "has changed since the run was sealed"
    return "is missing, and was there when the run was sealed"


def _join_streams(run_dir: RunDir) -> None:
    """Make the Parquet files of a killed run from what its workers streamed, and say what was found."""
    from harness.cli.collecting import collect, is_collected, load_has_ended

    streams = sorted(run_dir.streams.glob("samples-w*.arrows"))
    if is_collected(run_dir) or (not streams and run_dir.samples.exists()):
        return
    if not streams:
        problem = Problem(
            "the run left no samples: neither samples.parquet nor a worker's stream is there",
            str(run_dir.path),
            "it ended before the load began; logs/ says why. Run it again.",
        )
        raise InputError(problem)
    newest_s = max(stream.stat().st_mtime for stream in streams)
    if not load_has_ended(run_dir) and time.time() - newest_s < STILL_WRITING_S:
        problem = Problem(
            "the run is still going: its workers wrote a moment ago",
            str(run_dir.path),
            f"wait for its end, or stop it with Ctrl-C; {STILL_WRITING_S:.0f} s after its last sample it can be joined",
        )
        raise InputError(problem)
    merged = collect(run_dir)
    rows = ", ".join(f"{count:,} {name}" for name, count in merged.rows.items())
    torn = f"; torn at the end: {', '.join(merged.torn)}" if merged.torn else ""
    click.echo(f"joined what {count_text(len(merged.workers), 'worker')} wrote: {rows}{torn}", err=True)


def _note_who_died(run_dir: RunDir) -> None:
    """`emrload run` watches its load processes to their end and says what it saw; where it was killed before it came to
    a verdict, the run is not to be trusted, however whole it looks."""
    manifest = run_dir.read_manifest()
    if manifest.get("under_way") and not run_dir.verdict.exists():
        why = manifest.get("ended_by") or "`emrload run` was killed before it came to a verdict"
        run_dir.update_manifest(state="aborted", ended_by=why, under_way=False)


def _folder_for_rejudging(run_dir: RunDir, out: Path) -> RunDir:
    """A new folder with the run's manifest and scenario; the samples stay where they are. Raises OutputError."""
    manifest = run_dir.read_manifest()
    target = create_run_dir(str(manifest["scenario"]), out)
    for folder in (target.logs, target.streams):
        folder.rmdir()
    shutil.copyfile(run_dir.scenario, target.scenario)
    target.write_manifest({**manifest, "sha256": {}, "rejudged_from": str(run_dir.path)})
    return target
