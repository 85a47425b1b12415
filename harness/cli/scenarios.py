"""`emrload scenarios`: what ships, all that one scenario says, and what its personas do beside published figures."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from harness.cli.sections import console, print_next
from harness.units import duration_text, moment_text

if TYPE_CHECKING:
    from harness.scenario.model import Scenario

__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload scenarios morning-rush
  emrload scenarios --personas

A scenario of your own is named by its file: emrload scenarios ./mine.yaml
"""


@click.command(epilog=EPILOG, short_help="List what ships; with NAME its story, sites, personas, curve and sources.")
@click.argument("name", required=False)
@click.option("--personas", is_flag=True, help="What each persona does in an hour, beside published figures.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def command(name: str | None, personas: bool, as_json: bool) -> None:
    """List the scenarios that ship; with NAME show what one says.

    NAME is a shipped scenario or the path of a YAML file. Shown are its story, kinds of sites, personas with their
    workflows and pauses, who is on duty when, phases and objectives, each figure with its source.

    With --personas: a line for each published figure, and what comes out of the persona at its own pace, by arithmetic
    from its workflows on a virtual clock. Those of NAME, or all that ship.
    """
    from harness.scenario import list_scenarios, load_everybody, load_scenario

    if personas:
        from harness.cli.personas_text import personas_json, show_personas

        scenario = load_scenario(name) if name else load_everybody()
        if as_json:
            _print_json(personas_json(scenario))
        else:
            show_personas(scenario)
        return
    if name is None:
        scenarios = list_scenarios()
        if as_json:
            _print_json([_in_brief(scenario) for scenario in scenarios])
        else:
            _show_list(scenarios)
        return
    scenario = load_scenario(name)
    if as_json:
        _print_json(scenario.model_dump(mode="json"))
    else:
        from harness.cli.scenario_text import show_scenario

        show_scenario(scenario, name)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _in_brief(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": scenario.story,
        "lasts_s": scenario.timeline[1] - scenario.timeline[0],
        "plays": [moment_text(edge_s) for edge_s in scenario.plays or scenario.timeline],
        "default_sites": scenario.default_sites,
        "personas": list(scenario.personas),
    }


def _show_list(scenarios: list[Scenario]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("scenario", "plays", "sites", "story"):
        table.add_column(heading)
    for scenario in scenarios:
        start_s, end_s = scenario.plays or scenario.timeline
        sentence = re.split(r"(?<=\.)\s", scenario.story, maxsplit=1)[0]
        table.add_row(scenario.name, duration_text(end_s - start_s), str(scenario.default_sites), sentence)
    out = console()
    out.print(table)
    if scenarios:
        print_next(out, f"emrload scenarios {scenarios[0].name}", "all that it says, with sources")
