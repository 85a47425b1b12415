"""`emrload scenarios`: what ships, and all that one scenario says, each figure beside its source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from harness.units import clock_text, duration_text

if TYPE_CHECKING:
    from rich.console import Console

    from harness.scenario.model import Objective, Persona, Phase, Scenario, SiteTemplate, ThinkTime

__all__ = ["command"]

CURVE_ROWS = 15
TICK_S = 1800.0
WIDEST_CURVE = 100
"""A four-hour curve drawn wider than this in columns shows nothing more."""

EPILOG = """\b
Examples:
  emrload scenarios
  emrload scenarios morning-rush --json

A scenario of your own is named by its file: emrload scenarios ./mine.yaml
"""


@click.command(epilog=EPILOG, short_help="List what ships; with NAME its story, sites, personas, curve and sources.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def command(name: str | None, as_json: bool) -> None:
    """List the scenarios that ship; with NAME show what one says.

    NAME is a shipped scenario or the path of a YAML file. Shown are its story, sites, personas with their workflows and
    pauses, the curve of people on duty, phases and objectives, each figure with its source.
    """
    from harness.scenario import list_scenarios, load_scenario

    if name is None:
        scenarios = list_scenarios()
        if as_json:
            click.echo(json.dumps([_in_brief(scenario) for scenario in scenarios], indent=2, ensure_ascii=False))
        else:
            _show_list(scenarios)
        return
    scenario = load_scenario(name)
    if as_json:
        click.echo(json.dumps(scenario.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _show(scenario, name)


def _in_brief(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "story": scenario.story,
        "lasts_s": scenario.timeline[1] - scenario.timeline[0],
        "default_sites": scenario.default_sites,
        "personas": list(scenario.personas),
    }


def _show_list(scenarios: list[Scenario]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("scenario", "lasts", "sites", "story"):
        table.add_column(heading)
    for scenario in scenarios:
        sentence = re.split(r"(?<=\.)\s", scenario.story, maxsplit=1)[0]
        table.add_row(scenario.name, _lasts(scenario), str(scenario.default_sites), sentence)
    console = _console()
    console.print(table)
    if scenarios:
        _print_next(console, f"emrload scenarios {scenarios[0].name}", "all that it says, with sources")


def _show(scenario: Scenario, name: str) -> None:
    console = _console()
    console.print(f"[bold]{scenario.title}[/bold]  {_timeline(scenario)} local, {_lasts(scenario)}, {scenario.date:%A}")
    console.print(scenario.story, markup=False)
    console.print(f"think factor {scenario.think_factor:g}, header {scenario.site_header or 'none'}\n")
    _section(console, "The scenario's own figures", _own_figures(scenario))
    _section(console, "Sites", _sites(scenario))
    for heads, persona in _personas_on_site(scenario):
        _section(console, f"{persona.title}: {heads}", _persona(persona))
    _draw_curves(console, scenario)
    _section(console, "Curves", _curves(scenario))
    _section(console, "Phases", _phases(scenario.phases))
    _section(console, "Objectives", _objectives(scenario.objectives))
    _print_next(console, f"emrload plan {name}", "who is on duty where and when, with no traffic")


def _own_figures(scenario: Scenario) -> Iterable[Fact]:
    figures = {
        "timeline": _timeline(scenario),
        "default_sites": str(scenario.default_sites),
        "connect_timeout": duration_text(scenario.connect_timeout_s),
        "answer_timeout": duration_text(scenario.answer_timeout_s),
    }
    for figure, value in figures.items():
        yield Fact((figure, value), scenario.sources.get(figure, "–"))


def _sites(scenario: Scenario) -> Iterable[Fact]:
    for mix in scenario.sites:
        later = f", {duration_text(mix.start_offset_s)} later" if mix.start_offset_s else ""
        yield Fact((mix.template, f"weight {mix.weight:g}", mix.time_zone + later, mix.locale), mix.source)
    for template in _templates(scenario):
        people = (f"{template.peak:,} clinicians at the peak", f"{template.patients:,} patients")
        yield Fact((template.name, *people), template.source)


def _templates(scenario: Scenario) -> list[SiteTemplate]:
    return [scenario.templates[name] for name in dict.fromkeys(mix.template for mix in scenario.sites)]


def _personas_on_site(scenario: Scenario) -> Iterable[tuple[str, Persona]]:
    """Each persona that a site has, with how many of it each template has."""
    from harness.scenario import apportion

    templates = _templates(scenario)
    heads = {template.name: apportion(template.peak, template.mix) for template in templates}
    for persona in dict.fromkeys(name for template in templates for name in template.mix):
        counts = [f"{heads[t.name][persona]} of {t.peak} at a {t.name}" for t in templates if persona in t.mix]
        yield ", ".join(counts), scenario.personas[persona]


def _persona(persona: Persona) -> Iterable[Fact]:
    from harness.clinic.registry import WORKFLOWS

    yield Fact((persona.name,), persona.source)
    yield Fact(("think", "", _pause(persona.think)), persona.think.source)
    yield Fact(("between", "", _pause(persona.between)), persona.between.source)
    whole = sum(share.weight for share in persona.workflows.values())
    for name, share in persona.workflows.items():
        yield Fact((name, WORKFLOWS[name].lane, f"weight {share.weight:g} = {share.weight / whole:.0%}"), share.source)


def _pause(pause: ThinkTime) -> str:
    return f"mean {duration_text(pause.mean_s)}, σ {pause.sigma:g}"


def _draw_curves(console: Console, scenario: Scenario) -> None:
    letters = _letters(scenario.curves)
    legend = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    console.print("[bold]On duty[/bold], share of the persona's heads")
    console.print(legend, markup=False)
    console.print(_drawn(scenario, letters, min(console.width, WIDEST_CURVE)), markup=False)


def _curves(scenario: Scenario) -> Iterable[Fact]:
    for name, curve in scenario.curves.items():
        points = ", ".join(f"{clock_text(time_s)} {share:.0%}" for time_s, share in curve.points)
        yield Fact((name,), curve.source, points)


def _drawn(scenario: Scenario, letters: dict[str, str], width: int) -> str:
    """Every curve as a line of its letter: told apart without colour too."""
    import plotext  # type: ignore[import-untyped]  # ships no type information

    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, CURVE_ROWS)
    for name, curve in scenario.curves.items():
        times, shares = zip(*curve.points, strict=True)
        figure.draw(figure.signal(times, [share * 100 for share in shares], marker=letters[name]).lines(True))
    opening_s, end_s = scenario.timeline
    ticks = [opening_s + index * TICK_S for index in range(int((end_s - opening_s) // TICK_S) + 1)]
    figure.ruler("x").lim(opening_s, end_s)
    figure.ruler("x").ticks(ticks, [clock_text(tick) for tick in ticks])
    figure.ruler("y").lim(0, 100)
    figure.ruler("y").ticks([0, 25, 50, 75, 100], ["0%", "25%", "50%", "75%", "100%"])
    return str(figure.build().string(colorless=True))


def _letters(names: Iterable[str]) -> dict[str, str]:
    """One letter a name, its first that is free."""
    letters: dict[str, str] = {}
    for name in names:
        free = (letter for letter in name + "abcdefghijklmnopqrstuvwxyz0123456789" if letter not in letters.values())
        letters[name] = next((letter for letter in free if letter != "-"), "*")
    return letters


def _phases(phases: Iterable[Phase]) -> Iterable[Fact]:
    for phase in phases:
        emphasis = (
            f"{persona}: " + ", ".join(f"{name} ×{factor:g}" for name, factor in factors.items())
            for persona, factors in phase.emphasis.items()
        )
        span = f"{clock_text(phase.start_s)}..{clock_text(phase.end_s)}"
        yield Fact((phase.name, span), phase.source, *emphasis)


def _objectives(objectives: Iterable[Objective]) -> Iterable[Fact]:
    for objective in objectives:
        needed = "required" if objective.required else "advisory"
        only = (f"only {', '.join(objective.only)}",) if objective.only else ()
        yield Fact((objective.id, objective.scope, _bound(objective), needed), objective.source, *only)


def _bound(objective: Objective) -> str:
    metric = objective.metric.removesuffix("_ms").replace("_", " ")
    if objective.metric.endswith("_ms"):
        return f"{metric} ≤ {duration_text(objective.bound / 1000)}"
    return f"{metric} ≤ {objective.bound * 100:g}%"


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


class Fact:
    """A figure in columns; below it, wrapped, what belongs to it and where it comes from."""

    def __init__(self, columns: tuple[str, ...], source: str, *more: str) -> None:
        self.columns = columns
        self.below = (*more, source)


def _section(console: Console, title: str, facts: Iterable[Fact]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    facts = list(facts)
    count = max((len(fact.columns) for fact in facts), default=0)
    widths = [max(len(fact.columns[i]) for fact in facts if len(fact.columns) > i) for i in range(count)]
    console.print(f"[bold]{title}[/bold]")
    for fact in facts:
        line = "  ".join(column.ljust(width) for column, width in zip(fact.columns, widths, strict=False))
        console.print(Text("  " + line.rstrip()))
        for text in fact.below:
            console.print(Padding(Text(text, style="dim"), (0, 0, 0, 6), expand=False))
    console.print()


def _print_next(console: Console, run: str, what: str) -> None:
    console.print(f"next  [bold]{run}[/bold]  {what}")


def _timeline(scenario: Scenario) -> str:
    return f"{clock_text(scenario.timeline[0])}..{clock_text(scenario.timeline[1])}"


def _lasts(scenario: Scenario) -> str:
    return duration_text(scenario.timeline[1] - scenario.timeline[0])
