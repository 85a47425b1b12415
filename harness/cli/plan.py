"""`emrload plan`: what a run would be, with no traffic."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import Choice, PathType, scenario_options, workers_option

if TYPE_CHECKING:
    from harness.plan import ExpectedLoad, Plan, Requirement

__all__ = ["command"]

TEXT_COLUMNS = 100
TABLE_COLUMNS = 140
"""Width of the tables where the output is not a terminal."""

EPILOG = """\b
Examples:
  emrload plan morning-rush --sites 10 --duration 10m
  emrload plan morning-rush --window 08:45..09:15 --workers 2 --png heads.png
"""


@click.command(epilog=EPILOG)
@scenario_options
@workers_option("Load processes that the sites are shared out over.")
@click.option("--png", metavar="FILE", type=PathType("file"), help="Draw heads on duty into this file too.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures for programs instead, every site in full.")
def command(choice: Choice, workers: int, png: Path | None, as_json: bool) -> None:
    """Preview SCENARIO with no traffic: who is on duty where and when, and the load to expect.

    SCENARIO is the name of one that ships (see `emrload scenarios`) or a YAML file. Expected requests come from each
    persona's workflows, played on a virtual clock against answers of 0.2 s.
    """
    from harness.cli.plan_outlook import long_enough
    from harness.plan import compile_plan, expected_load, partition, required_objectives

    plan = compile_plan(choice.spec())
    expected = expected_load(plan)
    worker_of_slot = partition(plan, workers, expected)
    if png is not None:
        from harness.cli.plan_figure import draw_png

        draw_png(plan, png)
    if as_json:
        click.echo(json.dumps(_figures(plan, expected, worker_of_slot), indent=2))
        return
    required = required_objectives(plan, expected)
    _print(plan, expected, required, worker_of_slot)
    if png is not None:
        click.echo(f"picture  {png}")
    with_workers = f" --workers {workers}" if workers > 1 else ""
    click.echo(f"next     emrload run {long_enough(choice, plan, required).arguments()}{with_workers}")


def _print(plan: Plan, expected: ExpectedLoad, required: Sequence[Requirement], worker_of_slot: Sequence[int]) -> None:
    from rich.console import Console

    from harness.cli import plan_text
    from harness.cli.objectives_text import objectives_table
    from harness.cli.plan_figure import draw_terminal
    from harness.cli.plan_outlook import likely_invalid

    on_terminal = sys.stdout.isatty()
    out = Console(highlight=False, width=None if on_terminal else TABLE_COLUMNS)
    out.print(plan_text.headline(plan), style="bold", soft_wrap=True, markup=False)
    for label, sentence in plan_text.time_sentences(plan):
        click.echo(textwrap.fill(f"{label:<12}{sentence}", TEXT_COLUMNS, subsequent_indent=" " * 12))
    click.echo(f"\n{draw_terminal(plan)}")
    lines = {
        "clocks": plan_text.zones_line(plan),
        "phases": plan_text.phases_line(plan),
        "logins": plan_text.logins_line(plan),
        "arrivals": plan_text.arrivals_line(plan),
    }
    for label, line in lines.items():
        if line:
            click.echo(textwrap.fill(f"{label:<12}{line}", TEXT_COLUMNS, subsequent_indent=" " * 12))
    out.print()
    out.print(plan_text.people_table(plan))
    out.print()
    out.print(plan_text.personas_table(plan))
    click.echo(textwrap.fill(plan_text.PEOPLE_NOTE, TEXT_COLUMNS))
    out.print()
    out.print(plan_text.load_table(plan, expected))
    click.echo(f"{plan_text.LOAD_NOTE}\n")
    if len(set(worker_of_slot)) > 1:
        out.print(plan_text.workers_table(plan, worker_of_slot))
        out.print()
    out.print(objectives_table(plan, required))
    out.print()
    invalid = likely_invalid(plan, required)
    if invalid:
        click.echo(textwrap.fill(f"warning  {invalid}", TEXT_COLUMNS, subsequent_indent=" " * 9) + "\n")


def _figures(plan: Plan, expected: ExpectedLoad, worker_of_slot: Sequence[int]) -> dict[str, Any]:
    """What `--json` prints: the facts of the run, then `expected.json` as a run's folder holds it."""
    import numpy as np

    from harness.plan import duty_steps, logins, peaks_on_duty
    from harness.plan.files import arrivals_json, expected_json
    from harness.scenario import staff_of

    spec = plan.spec
    times_s, heads = duty_steps(plan)
    peaks = peaks_on_duty(plan)
    workers: dict[str, set[int]] = {site.name: set() for site in spec.sites}
    for slot, worker in zip(plan.slots, worker_of_slot, strict=True):
        workers[slot.site].add(worker)
    return {
        "scenario": spec.scenario.name,
        "seed": spec.seed,
        "roster_digest": plan.roster_digest,
        "time_lapse": plan.time_lapse,
        "rehearsal": plan.rehearsal,
        "peak_on_duty": max(heads),
        "greedy": spec.greedy,
        "sites": [
            {
                "name": site.name,
                "template": site.template,
                "time_zone": site.time_zone,
                "heads": site.heads,
                "staff": staff_of(spec.scenario, site),
                "peak_on_duty": peaks[site.name],
                "busiest_per_s": round(expected.busiest_per_s[site.name, ""], 4),
                "workers": sorted(workers[site.name]),
            }
            for site in spec.sites
        ],
        "phases": [
            {"site": span.site, "phase": span.phase, "start_s": span.start_s, "end_s": span.end_s}
            for span in plan.phases
        ],
        "network_on_duty": {"time_s": times_s, "heads": heads},
        "logins_per_minute": logins(plan, np.arange(0.0, plan.length_s + 60.0, 60.0)).tolist(),
        "arrivals": arrivals_json(plan, worker_of_slot),
        **expected_json(plan, expected),
    }
