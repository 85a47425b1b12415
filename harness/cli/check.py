"""`emrload check`: everything that can be known before load is sent, one row a check."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.target_options import people_options, target_arguments, target_from, target_options
from harness.units import count_text

if TYPE_CHECKING:
    from harness.cli.options import Choice
    from harness.control import Row, Target
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
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(
    choice: Choice | None, target: str | None, i_own: tuple[str, ...], allow_list: Path | None, as_json: bool
) -> int:
    """Look before the load: scenario, reach, capabilities, data, round trips.

    With a target, a few small searches are sent, and five tagged probe resources are written and deleted again. With a
    scenario, its file is checked, and with both whether the target can do the work and has the people. No load is sent.
    """
    if choice is None and target is None:
        raise click.UsageError("give a SCENARIO, a --target URL, or both")
    # Both are vetted before anything is sent.
    vetted = target_from(target, i_own, allow_list) if target is not None else None
    spec = choice.spec() if choice is not None else None
    rows: list[Row] = [] if spec is None else [_scenario_row(spec)]
    found: dict[str, Any] = {}
    try:
        if vetted is not None:
            found = _look(vetted, choice, spec, rows.append)
    finally:
        # Also before an error: what was found until then often says why.
        if not as_json:
            _print(rows)
    if as_json:
        print(json.dumps({**found, "rows": [asdict(row) for row in rows]}, indent=2))
    elif choice is not None:
        print(_next(choice, vetted))
    return 0


def _look(target: Target, choice: Choice | None, spec: RunSpec | None, on_row: Callable[[Row], None]) -> dict[str, Any]:
    from harness.control import ControlClient, preflight, seed_command

    how = seed_command(choice.scenario, spec, target, choice.sets) if choice and spec else ""
    with ControlClient(target) as client:
        return preflight(client, spec, how_to_seed=how, on_row=on_row).to_json()


def _scenario_row(spec: RunSpec) -> Row:
    from harness.control import Row

    heads = sum(sum(site.heads.values()) for site in spec.sites)
    patients = sum(site.patients for site in spec.sites)
    sizes = f"{count_text(heads, 'clinician')}, {count_text(patients, 'patient')}"
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
            print(f"{row.outcome:<9}{row.check:<20}{row.detail}")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(Text(row.outcome, style=_STYLE[row.outcome]), Text(row.check), Text(row.detail))
    console.print(table)


def _next(choice: Choice, target: Target | None) -> str:
    if target is None:
        return f"next     emrload run {choice.arguments()} --target sandbox --duration 60s"
    return f"next     emrload run {choice.arguments()} {target_arguments(target)} --duration 2m"
