"""`emrload check`: everything that can be known before load is sent, one row a check."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.target_options import (
    patients_from,
    patients_option,
    people_options,
    target_from,
    target_options,
)
from harness.units import count_text

if TYPE_CHECKING:
    from harness.cli.options import Choice
    from harness.control import Destinations, Row, Target
    from harness.scenario import PatientsFile
    from harness.scenario.model import RunSpec

__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload check morning-rush
  emrload check morning-rush --sites 2 --target http://127.0.0.1:8080/fhir
"""
_STYLE = {"ok": "green", "note": "yellow", "skipped": "yellow", "fail": "bold red"}


@click.command(epilog=EPILOG)
@people_options(required=False)
@target_options("The base URL of the FHIR R4 endpoint to look at.")
@patients_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    choice: Choice | None,
    target: str | None,
    i_own: tuple[str, ...],
    allow_list: Path | None,
    patients: Path | None,
    as_json: bool,
) -> int:
    """Look before the load: scenario, reach, capabilities, data, round trips.

    With a target, a few small searches are sent, and five tagged probe resources are written and deleted again; so at
    each endpoint that a site of the scenario has of its own. With a scenario, its file is checked, and with both
    whether the target can do the work and has the people. No load is sent.
    """
    if choice is None and target is None:
        raise click.UsageError("give a SCENARIO, a --target URL, or both")
    if choice is None and patients is not None:
        raise click.UsageError("--patients says who is at the sites of a SCENARIO: give its name")
    # All are vetted before anything is sent.
    vetted = target_from(target, i_own, allow_list) if target is not None else None
    rows: list[Row] = []
    try:
        found, following = _look(choice, vetted, i_own, allow_list, patients, rows)
    finally:
        # Also before an error: what was found until then often says why.
        if not as_json:
            _print(rows)
    if as_json:
        print(json.dumps({**found, "rows": [asdict(row) for row in rows]}, indent=2))
    elif following:
        print(following)
    return 0


def _look(
    choice: Choice | None,
    target: Target | None,
    i_own: tuple[str, ...],
    allow_list: Path | None,
    patients: Path | None,
    rows: list[Row],
) -> tuple[dict[str, Any], str]:
    """What was found, for programs, and the command to type next; rows are added as they are found."""
    from harness.control import ControlClient, destinations_of, preflight, seed_command, survey

    if choice is None:
        assert target is not None  # noqa: S101 (one of the two is given, see above)
        with ControlClient(target) as client:
            return preflight(client, None, on_row=rows.append).to_json(), ""
    where = destinations_of(choice.spec(), target, i_own=i_own, allow_list=allow_list)
    file = patients_from(patients, where.spec)
    rows += _rows_before(where, file)
    following = _next(choice, where, patients)
    if not list(where.places()):
        return {}, following
    how = seed_command(choice.scenario, where, choice.sets, choice.sites_file)
    return survey(where, patients=file, how_to_seed=how, on_row=rows.append).to_json(), following


def _rows_before(where: Destinations, file: PatientsFile | None) -> list[Row]:
    """What is known before anything is sent."""
    from harness.control import Row

    rows = [_scenario_row(where.spec)]
    if file is not None:
        sites = count_text(len({row.site for row in file.rows}), "site")
        rows.append(Row("patients file", "ok", f"{file.name}: {count_text(len(file.rows), 'patient')} at {sites}"))
    if where.target is None and where.own and where.at_target:
        unseen = f"{count_text(where.at_target, 'site')} without an own endpoint"
        rows.append(Row("target", "skipped", f"no --target is given; not looked at: {unseen}"))
    return rows


def _scenario_row(spec: RunSpec) -> Row:
    from harness.control import Row

    heads = sum(sum(site.heads.values()) for site in spec.sites)
    patients = sum(site.patients for site in spec.sites)
    sizes = f"{count_text(heads, 'head')}, {count_text(patients, 'patient')}"
    return Row(
        "scenario", "ok", f"{spec.scenario.name}: {count_text(len(spec.sites), 'site')}, {sizes}, seed {spec.seed}"
    )


def _print(rows: Sequence[Row]) -> None:
    """A table that wraps within a terminal; one line a row where there is none."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        for row in rows:
            print(f"{row.outcome:<9}{row.check:<20}{_detail(row)}")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(Text(row.outcome, style=_STYLE[row.outcome]), Text(row.check), Text(_detail(row)))
    console.print(table)


def _detail(row: Row) -> str:
    """The figures, with the endpoint before them where there are several."""
    return row.detail if row.detail.startswith(row.endpoint) else f"{row.endpoint}: {row.detail}"


def _next(choice: Choice, where: Destinations, patients: Path | None) -> str:
    more = [] if patients is None else ["--patients", str(patients)]
    if where.target is not None or not where.at_target:
        return f"next     emrload run {choice.arguments()} {shlex.join([*where.arguments(), *more])} --duration 2m"
    if more:  # the built-in server has nobody's patients
        return (
            f"next     emrload check {choice.arguments()} {shlex.join(['--target', 'URL', *where.arguments(), *more])}"
        )
    words = shlex.join(["--target", "sandbox", *where.arguments()])
    return f"next     emrload run {choice.arguments()} {words} --duration 60s"
