"""`emrload seed`: create the synthetic people that a run needs, and say what was created and what was there."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path
from textwrap import fill
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from harness.cli.target_options import people_options, target_from, target_options
from harness.units import count_text, duration_text

if TYPE_CHECKING:
    from harness.cli.options import Choice
    from harness.control import Seeded, SeedProgress

__all__ = ["SeedView", "command"]

PLAIN_LINE_EVERY_S = 5.0
LINE_WIDTH = 100

EPILOG = """\b
Examples:
  emrload seed morning-rush --sites 2 --target http://127.0.0.1:8080/fhir
  emrload seed morning-rush --sites 10 --target https://ehr.example.org/fhir --i-own ehr.example.org
"""


@click.command(epilog=EPILOG)
@people_options(required=True)
@target_options("The base URL of the FHIR R4 endpoint to seed; needed unless sites have endpoints of their own.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(choice: Choice, target: str | None, i_own: tuple[str, ...], allow_list: Path | None, as_json: bool) -> int:
    """Create the synthetic patients and staff that a run of SCENARIO needs, tagged.

    Each site's people are created at its own endpoint if it has one, else at the target; without --target only at the
    former. Who is there already is skipped, so the command may be broken off and given again. `emrload cleanup --target
    URL` deletes everything again.
    """
    from harness.control import ControlClient, destinations_of, read_capabilities, seed_sites

    vetted = target_from(target, i_own, allow_list) if target is not None else None
    where = destinations_of(choice.spec(), vetted, i_own=i_own, allow_list=allow_list)
    if vetted is None and not where.own:
        raise click.UsageError("Missing option '--target'.")
    seeded: dict[str, Seeded] = {}
    for place in where.places():
        with ControlClient(place.target) as client, SeedView() as view:
            seeded[place.target.url] = seed_sites(client, read_capabilities(client), place.spec, view.update)
        if not as_json:
            _print(seeded[place.target.url], place.target.url)
    left = where.at_target if vetted is None else 0
    if as_json:
        each = [_as_json(one, url) for url, one in seeded.items()]
        together = {"endpoints": each, "sites_not_seeded": left}
        print(json.dumps(each[0] if len(each) == 1 and not left else together, indent=2))
        return 0
    if left:
        print(f"Not seeded: {count_text(left, 'site')} without an own endpoint, since no --target is given.")
    to_sandbox = ["--target", "sandbox"] if left else []
    print(f"next     emrload run {choice.arguments()} {shlex.join([*to_sandbox, *where.arguments()])} --duration 2m")
    return 0


class SeedView:
    """Progress on stderr: a bar in a terminal, else a plain line every few seconds. Use it as a context."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (
            TextColumn("seeding"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("patients"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("patients", total=None)
        self._plain = not console.is_terminal
        self._next_line_at = time.monotonic() + PLAIN_LINE_EVERY_S

    def __enter__(self) -> SeedView:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, progress: SeedProgress) -> None:
        self._bar.update(self._task, completed=progress.patients, total=progress.of)
        if self._plain and time.monotonic() >= self._next_line_at:
            self._next_line_at += PLAIN_LINE_EVERY_S
            click.echo(f"seeding: {progress.patients:,} of {count_text(progress.of, 'patient')}", err=True)


def _print(seeded: Seeded, url: str) -> None:
    created = f"{count_text(seeded.patients_created, 'patient')} and {seeded.staff_created:,} staff"
    total = count_text(seeded.resources_created, "resource")
    where = f"at {count_text(len(seeded.people), 'site')}"
    print(f"Created {created} {where} ({total}) in {duration_text(seeded.took_s)}: {url}")
    if seeded.kinds_created:
        print(_wrapped("of these", seeded.kinds_created))
    if seeded.left_out:
        print(_wrapped("Left out", seeded.left_out))
        print(
            f"         the target does not declare create and search by tag of {', '.join(sorted(seeded.undeclared))}"
        )
    if seeded.patients_skipped or seeded.staff_skipped:
        there = f"{count_text(seeded.patients_skipped, 'patient')} and {seeded.staff_skipped:,} staff"
        print(f"Skipped {there}: there already.")
    if seeded.sent_again or seeded.throttled or seeded.found_after_loss:
        print(
            f"Sent again: {seeded.sent_again:,}; stored although the answer was lost: {seeded.found_after_loss:,}; "
            f"times the target asked for patience: {seeded.throttled:,}."
        )


def _wrapped(head: str, kinds: Counter[str]) -> str:
    """`head` and the counts by kind, the most first, over as many lines as they need."""
    counts = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    return fill(f"{head} {counts}", LINE_WIDTH, subsequent_indent=" " * (len(head) + 1))


def _as_json(seeded: Seeded, url: str) -> dict[str, Any]:
    names = [each.name for each in fields(seeded) if each.name not in ("people", "took_s", "undeclared")]
    counts = {name: getattr(seeded, name) for name in names}
    counts["undeclared"] = sorted(seeded.undeclared)
    sites = {people.site: {"patients": len(people.patients), "staff": people.staff} for people in seeded.people}
    return {"target": url, **counts, "took_s": round(seeded.took_s, 3), "sites": sites}
