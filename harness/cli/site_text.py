"""What a scenario says of places, as text: which sites it has, what each kind of them is like, and their links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.cli.sections import Fact
from harness.units import duration_text, moment_text

if TYPE_CHECKING:
    from harness.scenario.model import ArrivalRate, Link, Scenario, Shift, SiteMix, SiteTemplate

__all__ = ["bits_text", "bound_text", "links", "rate_text", "sites", "template_sections"]


def sites(scenario: Scenario) -> Iterable[Fact]:
    """An entry of the mix each: kind, weight, clock, people's names, and what is its own."""
    for mix in scenario.sites:
        later = f", {duration_text(mix.start_offset_s)} later" if mix.start_offset_s else ""
        yield Fact(
            (mix.template, f"weight {mix.weight:g}", mix.time_zone + later, mix.locale),
            mix.source,
            *_its_own(mix, scenario),
        )


def template_sections(scenario: Scenario) -> Iterable[tuple[str, Iterable[Fact]]]:
    """(title, facts) of each kind of site that the scenario has."""
    for name in dict.fromkeys([*(mix.template for mix in scenario.sites), *scenario.templates]):
        template = scenario.templates[name]
        yield f"{template.title} ({name})", _template(template, scenario)


def links(scenario: Scenario) -> Iterable[Fact]:
    """A line to the target each; what it does not say is ideal."""
    for link in scenario.links.values():
        yield Fact((link.name, link.title), link.source, *_line(link))


def bound_text(metric: str, bound: float) -> str:
    """`p95 ≤ 1.00 s`, `error rate ≤ 1%`; latencies in milliseconds, shares from 0 to 1."""
    name = metric.removesuffix("_ms").replace("_", " ")
    return f"{name} ≤ {duration_text(bound / 1000)}" if metric.endswith("_ms") else f"{name} ≤ {bound * 100:g}%"


def rate_text(per_s: float) -> str:
    """A rate in the unit in which it is a handy number: `0.5/s`, `8/h`."""
    return f"{per_s:.3g}/s" if per_s >= 0.1 else f"{per_s * 3600:.3g}/h"


def bits_text(per_s: float) -> str:
    """`16 Mbit/s`, as `harness.units.parse_bandwidth` reads it but for the space."""
    for unit, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6)):
        if per_s >= factor:
            return f"{per_s / factor:g} {unit}"
    return f"{per_s / 1e3:g} kbit/s"


def _its_own(mix: SiteMix, scenario: Scenario) -> Iterable[str]:
    if mix.link:
        yield f"link {mix.link}"
    if mix.endpoint:
        yield f"endpoint {mix.endpoint}"
    if mix.source_address:
        yield f"from {mix.source_address}"
    if mix.identifier_system:
        yield f"record numbers of {mix.identifier_system}"
    if mix.think_factor is not None:
        yield f"think factor {mix.think_factor:g}"
    yield from _order(mix.order)
    if mix.bounds:
        metrics = {objective.id: objective.metric for objective in scenario.objectives}
        bounds = (f"{name} {bound_text(metrics[name], bound)}" for name, bound in mix.bounds.items())
        yield f"bounds of its own: {', '.join(bounds)}"


def _template(template: SiteTemplate, scenario: Scenario) -> Iterable[Fact]:
    from harness.scenario import apportion

    yield Fact((f"{template.peak:,} heads at the peak", f"{template.patients:,} patients"), template.source)
    habits = [f"think factor {template.think_factor:g}"] if template.think_factor != 1 else []
    habits += [f"link {template.link}"] if template.link else []
    if template.opening:
        start_s, end_s = template.opening
        habits.append(f"open {moment_text(start_s)}..{moment_text(end_s)}; outside, only those with a shift")
    for habit in (*habits, *_order(template.order)):
        yield Fact((habit,), "")
    for persona, heads in apportion(template.peak, template.mix).items():
        yield Fact((f"{persona}: {heads}",), "")
        yield from _shifts(template.shifts.get(persona, ()), heads)
    for persona, arrival in template.arrivals.items():
        title = scenario.personas[persona].title
        yield Fact(
            (f"{persona}: come by themselves, {rate_text(arrival.rate_per_s)}",),
            arrival.source,
            title,
            _over_day(arrival),
        )
    for kind, skill in template.experience.items():
        yield Fact((f"{skill.share:.0%} {kind}s", f"think {skill.think_factor:g} times as long"), skill.source)


def _shifts(shifts: Sequence[Shift], heads: int) -> Iterable[Fact]:
    from harness.scenario.staff import heads_of

    for shift in shifts:
        yield Fact(
            (
                f"  {shift.name} {moment_text(shift.start_s)}..{moment_text(shift.end_s)}",
                f"{shift.share:.0%}: {heads_of(shift, heads)}",
                f"come within {_short(shift.arrive_s)}, leave within {_short(shift.linger_s)}",
            ),
            shift.source,
        )


def _short(seconds: float) -> str:
    return f"{seconds / 60:g} min"


def _over_day(arrival: ArrivalRate) -> str:
    return "times " + ", ".join(f"{factor:g} at {moment_text(time_s)}" for time_s, factor in arrival.points)


def _order(order: Mapping[str, Sequence[str]]) -> Iterable[str]:
    for workflow, steps in order.items():
        yield f"{workflow}: first {', then '.join(steps)}"


def _line(link: Link) -> Iterable[str]:
    said = (
        [f"round trip {duration_text(link.round_trip_s)} ± {duration_text(link.jitter_s)}"] if link.round_trip_s else []
    )
    said += [f"down {bits_text(link.down_bits_per_s)}"] if link.down_bits_per_s else []
    said += [f"up {bits_text(link.up_bits_per_s)}"] if link.up_bits_per_s else []
    said += [f"loss {link.loss:.3g}"] if link.loss else []
    said += [f"out {moment_text(start_s)}..{moment_text(end_s)}" for start_s, end_s in link.outages]
    said += ["one line for all sites that name it"] if link.shared else []
    yield ", ".join(said) or "ideal"
