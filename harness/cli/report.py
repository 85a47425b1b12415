"""`emrload report`: what a run left becomes a report again; analysis and verdict are made only where they are missing.

a finished run    summary.json and verdict.json stand ──▶ rendered again from the samples
a killed run      streams/ ──▶ samples.parquet … ──▶ summary.json, verdict.json ──▶ rendered
--rejudge         the same samples, judged by this version, written elsewhere
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import click

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
  emrload report reports/2026-11-22T091500Z-morning-rush-3fa1 --verify
      is every file still what it was when the run ended? A file that changed or is missing is named: exit 2

\b
An existing verdict is never rewritten. Exit code 0 once rendered; the verdict's own exit code is printed.
"""


@click.command(epilog=EPILOG)
@click.argument("run", metavar="DIR", type=PathType("run's folder"))
@click.option("--verify", is_flag=True, help="Only compare all files with the digests in the manifest.")
@click.option("--rejudge", is_flag=True, help="Analyse and judge again with this version; needs --out.")
@click.option("--out", metavar="DIR", type=PathType("new folder"), help="Where --rejudge writes; a new folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(run: Path, verify: bool, rejudge: bool, out: Path | None, as_json: bool) -> None:
    """Render again from what the run in DIR left."""
    if verify and rejudge:
        raise click.UsageError("--verify only reads, --rejudge judges: give one of them")
    if rejudge != (out is not None):
        raise click.UsageError(
            "--rejudge and --out DIR belong together: a verdict is never rewritten in its own folder"
        )
    run_dir = open_run_dir(run)
    if verify:
        _verify(run_dir, as_json)
        return
    _join_streams(run_dir)
    target = run_dir if out is None else _folder_for_rejudging(run_dir, out)
    from harness.cli.concluding import conclude
    from harness.scenario import read_spec

    concluded = conclude(run_dir, target, read_spec(run_dir.scenario))
    concluded.tell(as_json=as_json)
    if not as_json:
        click.echo(f"verdict  exit code {concluded.exit_code}")


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
    if run_dir.samples.exists():
        return
    streams = sorted(run_dir.streams.glob("samples-w*.arrows"))
    if not streams:
        problem = Problem(
            "the run left no samples: neither samples.parquet nor a worker's stream is there",
            str(run_dir.path),
            "it ended before the load began; logs/ says why. Run it again.",
        )
        raise InputError(problem)
    from harness.cli.collecting import collect, load_has_ended

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


def _folder_for_rejudging(run_dir: RunDir, out: Path) -> RunDir:
    """A new folder with the run's manifest and scenario; the samples stay where they are. Raises OutputError."""
    manifest = run_dir.read_manifest()
    target = create_run_dir(str(manifest["scenario"]), out)
    for folder in (target.logs, target.streams):
        folder.rmdir()
    shutil.copyfile(run_dir.scenario, target.scenario)
    target.write_manifest({**manifest, "sha256": {}, "rejudged_from": str(run_dir.path)})
    return target
