"""All that one scenario says, as text: figures, kinds of sites, personas, who is there when, phases, objectives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.cli.sections import Fact, console, print_next, section
from harness.cli.site_text import bound_text, links, sites, template_sections
from harness.units import DAY_S, clock_text, duration_text, moment_text

if TYPE_CHECKING:
    from rich.console import Console

    from harness.scenario.model import Objective, Persona, Phase, Scenario, ThinkTime, WorkflowShare

__all__ = ["show_scenario"]

CURVE_ROWS = 15
WIDEST_CURVE = 100
"""A curve drawn wider than this in columns shows nothing more."""
MOST_TICKS = 9
_TICKS_S = (900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0, DAY_S)


def show_scenario(scenario: Scenario, name: str) -> None:
    """Print it; `name` is what it was asked for by."""
    out = console()
    start_s, end_s = scenario.timeline
    span = f"{_span(start_s, end_s)} local, {duration_text(end_s - start_s)}, from {scenario.date:%A} on"
    if end_s <= DAY_S:
        span = f"{_span(start_s, end_s)} local, {duration_text(end_s - start_s)}, {scenario.date:%A}"
    out.print(f"[bold]{scenario.title}[/bold]  {span}")
    out.print(scenario.story, markup=False)
    out.print(f"think factor {scenario.think_factor:g}, header {scenario.site_header or 'none'}\n")
    section(out, "The scenario's own figures", _own_figures(scenario))
    section(out, "Sites", sites(scenario))
    for title, facts in template_sections(scenario):
        section(out, title, facts)
    section(out, "Links", links(scenario))
    for persona in scenario.personas.values():
        section(out, persona.title, _persona(persona))
    _draw_curves(out, scenario)
    section(out, "Curves", _curves(scenario))
    section(out, "Phases", _phases(scenario.phases))
    section(out, "Objectives", _objectives(scenario.objectives))
    print_next(out, f"emrload plan {name}", "who is on duty where and when, with no traffic")


def _own_figures(scenario: Scenario) -> Iterable[Fact]:
    figures = {
        "timeline": _span(*scenario.timeline),
        "plays": _span(*scenario.plays) if scenario.plays else "",
        "default_sites": str(scenario.default_sites),
        "connect_timeout": duration_text(scenario.connect_timeout_s),
        "answer_timeout": duration_text(scenario.answer_timeout_s),
        "first_byte_timeout": duration_text(scenario.first_byte_timeout_s) if scenario.first_byte_timeout_s else "",
        "max_open_in_flight": f"{scenario.max_open_in_flight:,}" if scenario.max_open_in_flight else "",
        "workflow_files": ", ".join(file.name for file in scenario.workflow_files),
    }
    for figure, value in figures.items():
        if value:
            yield Fact((figure, value), scenario.sources.get(figure, ""))


def _persona(persona: Persona) -> Iterable[Fact]:
    from harness.clinic.registry import WORKFLOWS

    yield Fact((persona.name,), persona.source)
    yield Fact(("think", _pause(persona.think)), persona.think.source)
    yield Fact(("between", _pause(persona.between)), persona.between.source)
    if persona.on_arrival:
        yield Fact(("on_arrival", ", then ".join(persona.on_arrival)), "")
    if persona.patience:
        again = persona.patience.back_entry_s
        then = "never done again" if again is None else f"done again {duration_text(again)} later"
        yield Fact(
            ("patience", f"gives up after {duration_text(persona.patience.gives_up_s)}, {then}"),
            persona.patience.source,
        )
    whole = sum(share.weight for share in persona.workflows.values())
    for name, share in persona.workflows.items():
        weight = f"weight {share.weight:g} = {share.weight / whole:.0%}"
        yield Fact((name, WORKFLOWS[name].lane, weight), share.source, *_by_hour(share))


def _by_hour(share: WorkflowShare) -> Iterable[str]:
    if share.by_hour:
        yield "by hour: " + ", ".join(f"from {moment_text(time_s)} ×{factor:g}" for time_s, factor in share.by_hour)


def _pause(pause: ThinkTime) -> str:
    return f"mean {duration_text(pause.mean_s)}, σ {pause.sigma:g}"


def _draw_curves(out: Console, scenario: Scenario) -> None:
    if not scenario.curves:
        return
    letters = _letters(scenario.curves)
    legend = ", ".join(f"{letter} {name}" for name, letter in letters.items())
    out.print("[bold]On duty[/bold] of those without shifts, share of the persona's heads")
    out.print(legend, markup=False)
    out.print(_drawn(scenario, letters, min(out.width, WIDEST_CURVE)), markup=False)


def _curves(scenario: Scenario) -> Iterable[Fact]:
    for name, curve in scenario.curves.items():
        points = ", ".join(f"{moment_text(time_s)} {share:.0%}" for time_s, share in curve.points)
        yield Fact((name,), curve.source, points)


def _drawn(scenario: Scenario, letters: dict[str, str], width: int) -> str:
    """Every curve over the timeline as a line of its letter: told apart without colour too."""
    import plotext  # type: ignore[import-untyped]  # ships no type information

    from harness.plan.curve import unrolled

    opening_s, end_s = scenario.timeline
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, CURVE_ROWS)
    for name, curve in scenario.curves.items():
        times, shares = zip(*unrolled(curve.points, opening_s, end_s), strict=True)
        figure.draw(figure.signal(times, [share * 100 for share in shares], marker=letters[name]).lines(True))
    step_s = next((step for step in _TICKS_S if (end_s - opening_s) / step < MOST_TICKS), DAY_S)
    ticks = [opening_s + index * step_s for index in range(int((end_s - opening_s) // step_s) + 1)]
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
        yield Fact((phase.name, _span(phase.start_s, phase.end_s)), phase.source, *emphasis)


def _objectives(objectives: Iterable[Objective]) -> Iterable[Fact]:
    for objective in objectives:
        needed = "required" if objective.required else "advisory"
        only = (f"only {', '.join(objective.only)}",) if objective.only else ()
        yield Fact(
            (objective.id, objective.scope, bound_text(objective.metric, objective.bound), needed),
            objective.source,
            *only,
        )


def _span(start_s: float, end_s: float) -> str:
    return f"{moment_text(start_s)}..{moment_text(end_s)}"
