"""Writes the pages that say what the scenarios say: `.venv/bin/python docs/generate.py`.

    scenarios/*.yaml, templates  ──▶ docs/scenarios/NAME.md, NAME.svg and index.md
    scenarios/personas/*.yaml    ──▶ docs/personas.md
    harness/clinic/clinician.py  ──▶ docs/clinician.md

They are committed; a test fails where one is not what this writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from clinician_page import clinician_page
from duty_picture import duty_svg
from page_text import NOTE, escaped, table
from persona_page import persona_page

from harness.cli.site_text import bound_text, rate_text
from harness.plan import Plan, SiteClock, compile_plan, on_duty, timeline_of
from harness.scenario import apportion, list_scenarios, resolve
from harness.scenario.model import ArrivalRate, Scenario, SiteTemplate
from harness.units import count_text, duration_text, moment_text

FOLDER = Path(__file__).parent
HALF_HOUR_S = 1800.0


def pages() -> dict[Path, str]:
    """Path below `docs/` → what stands in it."""
    found = {Path("personas.md"): persona_page(), Path("clinician.md"): clinician_page()}
    scenarios = list_scenarios()
    found[Path("scenarios/index.md")] = _index(scenarios)
    for scenario in scenarios:
        plan = compile_plan(resolve(scenario, seed=1))
        found[Path("scenarios") / f"{scenario.name}.md"] = _page(scenario, plan)
        found[Path("scenarios") / f"{scenario.name}.svg"] = duty_svg(plan)
    return found


def _index(scenarios: Iterable[Scenario]) -> str:
    scenarios = list(scenarios)
    rows = []
    for one in scenarios:
        start_s, end_s = one.plays or one.timeline
        link = f"[{one.title}]({one.name}.md)"
        rows.append((link, f"{_span(start_s, end_s)}, {duration_text(end_s - start_s)}", escaped(one.story)))
    toctree = "```{toctree}\n:hidden:\n\n" + "\n".join(one.name for one in scenarios) + "\n```"
    parts = [NOTE, "# Scenarios", f"{len(scenarios)} ship. `emrload scenarios` lists them.", toctree]
    parts.append(table(("scenario", "plays, local time", "story"), rows))
    return "\n\n".join(parts) + "\n"


def _page(scenario: Scenario, plan: Plan) -> str:
    zone = plan.spec.clock_zone
    start_s, end_s = scenario.plays or scenario.timeline
    day = (
        f"of a timeline {_span(*scenario.timeline)} from {scenario.date:%A} on"
        if scenario.plays
        else f"of a {scenario.date:%A}"
    )
    most = int(on_duty(plan, np.linspace(0, plan.length_s, 2000, endpoint=False)).max())
    lasts, sites = duration_text(end_s - start_s), count_text(scenario.default_sites, "site")
    parts = [
        NOTE,
        f"# {scenario.title}",
        escaped(scenario.story),
        f"Plays {_span(start_s, end_s)} ({lasts}) {day}, on the clock of {zone}, where most people are. "
        f"Where nothing else is said it has {sites}, and at most {most:,} clinicians on duty at once.",
        f"![Heads on duty over time: all clinicians, then each persona]({scenario.name}.svg)",
        f"*Heads on duty at {sites}, seed 1; clocks show the time in {zone}, where the shaded phases are.*",
        "## Play it",
        _commands(scenario, plan),
        "## Sites",
        *_sites(scenario, plan),
        "## Who is on duty",
        *_people(scenario),
        "## Who comes by itself",
        _arrivals(scenario),
        "## Phases",
        _phases(scenario),
        "## Objectives",
        _objectives(scenario),
        "## The scenario's own figures",
        _figures(scenario),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _commands(scenario: Scenario, plan: Plan) -> str:
    name, window = scenario.name, _busiest(plan)
    lines = {
        f"emrload scenarios {name}": "all that it says, with every source",
        f"emrload plan {name} --sites 3": "who is on duty where and when, no traffic",
        f"emrload run {name} --sites 3 --duration 60s": "a time lapse on the built-in server, in about a minute",
        f"emrload run {name} --window {window} --workers 2": "the fullest half hour at true speed",
    }
    width = max(len(line) for line in lines)
    return "\n".join(["```sh", *(f"{line:<{width}}  # {what}" for line, what in lines.items()), "```"])


def _busiest(plan: Plan) -> str:
    """The half hour with most people on duty, from one quarter of an hour to another, as `--window` takes it."""
    clock: SiteClock = next(
        timeline_of(plan.spec).clocks[site.name] for site in plan.spec.sites if site.time_zone == plan.spec.clock_zone
    )
    starts_s = np.arange(0.0, plan.length_s - HALF_HOUR_S + 1, HALF_HOUR_S / 2)
    heads = [
        on_duty(plan, np.linspace(start_s, start_s + HALF_HOUR_S, 60, endpoint=False)).sum() for start_s in starts_s
    ]
    start_s = clock.local_s(float(starts_s[int(np.argmax(heads))]))
    return _span(start_s, start_s + HALF_HOUR_S)


def _sites(scenario: Scenario, plan: Plan) -> Iterator[str]:
    counts: dict[tuple[str, str], int] = {}
    for site in plan.spec.sites:
        counts[site.template, site.time_zone] = counts.get((site.template, site.time_zone), 0) + 1
    rows = [
        (
            mix.template,
            mix.time_zone,
            f"{mix.weight:g}",
            f"{counts.get((mix.template, mix.time_zone), 0)}",
            escaped(mix.source),
        )
        for mix in scenario.sites
    ]
    yield table(("kind of site", "time zone", "weight", f"of {scenario.default_sites}", "source"), rows)
    kinds = [_kind(template) for template in _templates(scenario)]
    yield table(("kind of site", "heads at the peak", "patients", "open", "novices, experts", "source"), kinds)


def _kind(template: SiteTemplate) -> tuple[str, ...]:
    open_ = _span(*template.opening) if template.opening else "day and night"
    skills = ", ".join(
        f"{skill.share:.0%} {kind}s think {skill.think_factor:g} times as long"
        for kind, skill in template.experience.items()
    )
    return (
        template.name,
        f"{template.peak:,}",
        f"{template.patients:,}",
        open_,
        skills or "–",
        escaped(template.source),
    )


def _people(scenario: Scenario) -> Iterator[str]:
    templates = _templates(scenario)
    heads = {template.name: apportion(template.peak, template.mix) for template in templates}
    personas = dict.fromkeys(persona for template in templates for persona in template.mix)
    rows = []
    for persona in personas:
        shifted = [template.name for template in templates if persona in template.shifts]
        how = f"shifts at a {', a '.join(shifted)}" if shifted else ""
        curve = scenario.curves.get(persona) and any(persona in t.mix and persona not in t.shifts for t in templates)
        cells = (f"{heads[t.name].get(persona, 0) or '–'}" for t in templates)
        link = f"[{persona}](../personas.md#{persona})"
        rows.append((link, *cells, ", ".join(filter(None, (how, "curve" if curve else "")))))
    yield "Heads at the peak of one site, and what says when they are there."
    yield table(("persona", *heads, "there by"), rows)
    shifts = [
        (
            template.name,
            persona,
            f"{shift.name}, {moment_text(shift.start_s)}..{moment_text(shift.end_s)}",
            f"{shift.share:.0%}",
            f"{shift.arrive_s / 60:g} min, {shift.linger_s / 60:g} min",
            escaped(shift.source),
        )
        for template in templates
        for persona, cohort in template.shifts.items()
        for shift in cohort
    ]
    if shifts:
        yield (
            "Shifts: each has people of its own, a share of the heads. They come in so many minutes before it, and "
            "leave in so many after."
        )
        yield table(("at a", "persona", "shift", "share", "come, leave within", "source"), shifts)
    yield "Curves: the share of heads on duty, straight from point to point."
    curves = [
        (
            persona,
            ", ".join(f"{moment_text(time_s)} {share:.0%}" for time_s, share in curve.points),
            escaped(curve.source),
        )
        for persona, curve in scenario.curves.items()
    ]
    yield table(("persona", "points", "source"), curves)


def _arrivals(scenario: Scenario) -> str:
    rows = [
        (
            template.name,
            f"[{persona}](../personas.md#{persona})",
            rate_text(arrival.rate_per_s),
            _over_day(arrival),
            escaped(arrival.source),
        )
        for template in _templates(scenario)
        for persona, arrival in template.arrivals.items()
    ]
    return table(("at each", "who", "rate", "times", "source"), rows)


def _over_day(arrival: ArrivalRate) -> str:
    return ", ".join(f"{factor:g} at {moment_text(time_s)}" for time_s, factor in arrival.points)


def _phases(scenario: Scenario) -> str:
    rows = []
    for phase in scenario.phases:
        emphasis = "; ".join(
            f"{persona}: {', '.join(f'`{name}` × {factor:g}' for name, factor in factors.items())}"
            for persona, factors in phase.emphasis.items()
        )
        rows.append((phase.name, _span(phase.start_s, phase.end_s), emphasis or "–", escaped(phase.source)))
    return table(("phase", "local time", "done so many times as often", "source"), rows)


def _objectives(scenario: Scenario) -> str:
    rows = [
        (
            one.id,
            one.scope + (f": {', '.join(one.only)}" if one.only else ""),
            bound_text(one.metric, one.bound),
            "required" if one.required else "advisory",
            escaped(one.source),
        )
        for one in scenario.objectives
    ]
    return table(("objective", "over", "bound", "for the verdict", "source"), rows)


def _figures(scenario: Scenario) -> str:
    figures = {
        "timeline": _span(*scenario.timeline),
        "plays": _span(*scenario.plays) if scenario.plays else "",
        "default_sites": str(scenario.default_sites),
        "connect_timeout": duration_text(scenario.connect_timeout_s),
        "answer_timeout": duration_text(scenario.answer_timeout_s),
        "first_byte_timeout": duration_text(scenario.first_byte_timeout_s) if scenario.first_byte_timeout_s else "",
        "max_open_in_flight": f"{scenario.max_open_in_flight:,}" if scenario.max_open_in_flight else "",
    }
    rows = [(f"`{name}`", value, escaped(scenario.sources.get(name, ""))) for name, value in figures.items() if value]
    return table(("figure", "value", "source"), rows)


def _templates(scenario: Scenario) -> list[SiteTemplate]:
    return [scenario.templates[name] for name in dict.fromkeys(mix.template for mix in scenario.sites)]


def _span(start_s: float, end_s: float) -> str:
    return f"{moment_text(start_s)}..{moment_text(end_s)}"


if __name__ == "__main__":
    for path, text in pages().items():
        (FOLDER / path).write_text(text, encoding="utf-8")
        print(f"wrote docs/{path}")
