"""`emrload cleanup`: delete what a run or seeding created, and say what could not be deleted."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import PathType
from harness.cli.target_options import target_from, target_options
from harness.errors import EXIT_BAD_INPUT, InputError, Problem, TargetError
from harness.rundir import open_run_dir
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.control import Cleanup, CleanupProgress, Target

__all__ = ["CleanupView", "command"]

SHOWN_STUCK = 10
PLAIN_LINE_EVERY_S = 5.0

EPILOG = """\b
Examples:
  emrload cleanup reports/2026-11-22T091500Z-morning-rush-3fa1     what that run created
  emrload cleanup --target http://127.0.0.1:8080/fhir              all that the harness ever wrote there
"""


@click.command(epilog=EPILOG)
@click.argument("run_dir", metavar="[DIR]", required=False, type=PathType("run's folder"))
@target_options("Delete everything that the harness ever wrote at this endpoint: runs and seeded people.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(
    run_dir: Path | None, target: str | None, i_own: tuple[str, ...], allow_list: Path | None, as_json: bool
) -> int:
    """Delete all that a run or seeding created.

    With DIR, the folder of a run: what that run created, at every endpoint that it ran against. With --target:
    everything there that carries the harness's tag. Resources are found by tag, and none without our tag is deleted.
    Deletion goes on until a fresh search finds nothing more.

    Exit code 2 where something could not be deleted; it is listed.
    """
    run_id, urls = "", [] if target is None else [target]
    if (run_dir is None) == (target is None):
        raise click.UsageError("give either the folder of a run or --target URL")
    if run_dir is not None:
        run_id, urls = _of_run(run_dir, open_run_dir(run_dir).read_manifest())
        if not urls:
            print("That run played on the embedded sandbox, whose data went with it: nothing to clean up.")
            return 0
    # All are vetted before anything is sent.
    targets = [target_from(url, i_own, allow_list) for url in urls]
    results: dict[str, Cleanup] = {}
    failures: list[TargetError] = []
    for one in targets:
        try:
            results[one.url] = _clean(one, run_id)
        except TargetError as error:
            failures.append(error)  # what the run left at the others goes all the same
            continue
        if not as_json:
            _print(results[one.url], one.url, run_id)
    if failures:
        raise failures[0]
    complete = all(result.complete for result in results.values())
    if as_json:
        each = [_as_json(result, url, run_id) for url, result in results.items()]
        together = {"run_id": run_id or None, "complete": complete, "endpoints": each}
        print(json.dumps(each[0] if len(each) == 1 else together, indent=2))
    return 0 if complete else EXIT_BAD_INPUT


def _clean(target: Target, run_id: str) -> Cleanup:
    from harness.control import ControlClient, clean_up, read_capabilities

    with ControlClient(target) as client:
        capabilities = read_capabilities(client)
        progress = CleanupView()
        result = clean_up(client, capabilities, run_id, progress.note)
        progress.end()
    return result


def _of_run(run_dir: Path, manifest: dict[str, Any]) -> tuple[str, list[str]]:
    """The run's id and every server that it used, but for a sandbox of its own; none where that was all."""
    target, run_id = manifest.get("target", {}), str(manifest.get("run_id", ""))
    urls = [] if target.get("sandbox") else [str(target.get("url", ""))]
    urls += [str(endpoint.get("url", "")) for endpoint in target.get("endpoints", ())]
    if urls and (not all(urls) or not re.fullmatch(r"[0-9a-f]{4,32}", run_id)):
        what = "its manifest holds no run id" if all(urls) else "its manifest names no target"
        help_text = "give --target URL to delete all that the harness wrote there"
        raise InputError(Problem(what, str(run_dir), help_text))
    return run_id, urls


class CleanupView:
    """Progress on stderr: a line that is written over in a terminal, else a plain line every few seconds."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._next_line_at = time.monotonic() + PLAIN_LINE_EVERY_S

    def note(self, progress: CleanupProgress) -> None:
        of = "so far" if progress.of is None else f"of {progress.of:,}"
        line = f"deleted {progress.deleted:,} {of}, now {progress.kind}"
        if self._console.is_terminal:
            self._console.print(line.ljust(60), end="\r")
        elif time.monotonic() >= self._next_line_at:
            self._next_line_at += PLAIN_LINE_EVERY_S
            click.echo(line, err=True)

    def end(self) -> None:
        if self._console.is_terminal:
            self._console.print(" " * 60, end="\r")


def _print(result: Cleanup, url: str, run_id: str) -> None:
    what = f"of run {run_id}" if run_id else "that carries the harness's tag"
    if not result.deleted:
        print(f"Nothing {what} was there to delete at {url}.")
    for kind, number in sorted(result.deleted.items()):
        print(f"  {kind:<26}{number:>9,}")
    if result.deleted:
        total = count_text(result.deleted.total(), "resource")
        print(f"Deleted {total} at {url} in {duration_text(result.took_s)}.")
    if result.kept:
        print(f"Left: {_counts(result.kept)}. They were seeded; the run only changed them.")
    if result.foreign:
        print(f"Left: {_counts(result.foreign)}. The search gave them, but they do not carry our tag.")
    for kind, why in result.unsearched.items():
        print(f"Could not be searched by tag: {kind} ({why})")
    for stuck in result.stuck[:SHOWN_STUCK]:
        print(f"Could not be deleted: {stuck.kind}/{stuck.id}: {stuck.why}")
    if len(result.stuck) > SHOWN_STUCK:
        print(f"  … and {len(result.stuck) - SHOWN_STUCK:,} more; --json lists them all")
    if result.sent_again:
        print(f"Sent again: {result.sent_again}.")
    if result.complete:
        print("A fresh search finds nothing more.")
    elif not result.stuck and not result.unsearched:
        print("Somebody goes on writing there: stop the load, then give the same command again.")
    else:
        print("NOT everything is gone. Mend what the server says above, then give the same command again.")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(count_text(number, kind, kind) for kind, number in sorted(counts.items()))


def _as_json(result: Cleanup, url: str, run_id: str) -> dict[str, Any]:
    return {
        "target": url,
        "run_id": run_id or None,
        "complete": result.complete,
        "deleted": dict(result.deleted),
        "kept": dict(result.kept),
        "foreign": dict(result.foreign),
        "unsearched": result.unsearched,
        "stuck": [{"kind": stuck.kind, "id": stuck.id, "why": stuck.why} for stuck in result.stuck],
        "rounds": result.rounds,
        "sent_again": result.sent_again,
        "took_s": round(result.took_s, 3),
    }
