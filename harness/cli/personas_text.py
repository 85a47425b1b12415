"""What each persona does in an hour at its own pace, beside the published figures of its file: text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.cli.sections import Fact, console, print_next, section
from harness.units import count_text

if TYPE_CHECKING:
    from harness.plan.personas import Figure, Modelled
    from harness.scenario.model import Anchor, Persona, Scenario

__all__ = ["HOW", "AnchorRow", "anchor_rows", "comes_by_itself", "pace_text", "personas_json", "show_personas"]

HOW = (
    "Modelled is what the persona's own pauses, weights and workflows come to in the long run, by arithmetic: "
    "workflows were played on a virtual clock with answers of 0.2 s, nobody gave up, and no phase, hour or site "
    "shifted the weights."
)
_UNITS = {
    "actions_per_h": "actions an hour",
    "requests_per_h": "requests an hour",
    "writes_per_h": "resources written an hour",
    "runs_per_h": "an hour",
    "run_s": "s a run",
    "time_share": "of the time on duty",
}
WITHIN_ERRORS = 3
"""So many standard errors are put down to how often the workflows were played."""


@dataclass(frozen=True)
class AnchorRow:
    """One published figure in words; `why` is "" where what is modelled lies within what the source says."""

    figure: str
    of: str
    says: str
    modelled: str
    difference: str
    why: str
    source: str


def show_personas(scenario: Scenario) -> None:
    """Print a section for each persona of `scenario`."""
    from harness.plan.personas import modelled

    out = console()
    rows = 0
    for persona in scenario.personas.values():
        model = modelled(persona)
        facts = list(_facts(persona, model))
        rows += len(persona.anchors)
        section(out, f"{persona.title} ({persona.name}): {pace_text(persona, model, scenario)}", facts)
    out.print(f"{count_text(rows, 'published figure')} of {count_text(len(scenario.personas), 'persona')}. {HOW}\n")
    print_next(out, "emrload scenarios NAME", "every figure of a scenario's personas, with its source")


def anchor_rows(persona: Persona, model: Modelled) -> Iterator[AnchorRow]:
    """A row for each of the persona's published figures."""
    from harness.plan.personas import off_by

    for anchor in persona.anchors:
        figure = model.anchored(anchor)
        off = off_by(anchor, figure)
        yield AnchorRow(
            figure=anchor.name,
            of=" + ".join(anchor.of) or "all workflows",
            says=_says(anchor),
            modelled=_number(anchor, figure.value),
            difference=f"{off:+.1%}".replace("-", "−") if off else "within",
            why=_why(figure, off) if off else "",
            source=anchor.source,
        )


def pace_text(persona: Persona, model: Modelled, scenario: Scenario) -> str:
    """What somebody of this persona does in an hour, or in a visit where it comes by itself."""
    if comes_by_itself(persona.name, scenario):
        visit = model.a_run(lambda _, trace: trace.pauses), model.a_run(lambda _, trace: len(trace.calls))
        return f"{visit[0].value:.3g} actions and {visit[1].value:.3g} requests a visit"
    return f"{model.actions_per_h().value:,.0f} actions and {model.requests_per_h().value:,.0f} requests an hour"


def comes_by_itself(name: str, scenario: Scenario) -> bool:
    """Whether no kind of site has the persona on duty, so that it only comes as arrivals."""
    return not any(name in template.mix for template in scenario.templates.values())


def personas_json(scenario: Scenario) -> list[dict[str, Any]]:
    """All figures of all personas, each with its standard error; shares and differences as numbers from 0 to 1."""
    from harness.plan.personas import modelled

    found = []
    for persona in scenario.personas.values():
        model = modelled(persona)
        visits = comes_by_itself(persona.name, scenario)
        pace = {
            "actions_per_visit": model.a_run(lambda _, trace: trace.pauses),
            "requests_per_visit": model.a_run(lambda _, trace: len(trace.calls)),
        }
        if not visits:
            pace = {"actions_per_h": model.actions_per_h(), "requests_per_h": model.requests_per_h()}
        found.append(
            {
                "name": persona.name,
                "title": persona.title,
                "comes": "as arrivals" if visits else "on duty",
                **{name: _json(figure) for name, figure in pace.items()},
                "workflows": [_workflow_json(name, model) for name in model.shares],
                "anchors": [_anchor_json(anchor, model) for anchor in persona.anchors],
            }
        )
    return found


def _facts(persona: Persona, model: Modelled) -> Iterable[Fact]:
    for row in anchor_rows(persona, model):
        why = (row.why,) if row.why else ()
        yield Fact((row.figure, row.says, f"modelled {row.modelled}", row.difference), row.source, *why)
    if not persona.anchors:
        yield Fact(("no published figure to hold it against",), persona.source)
    yield Fact(("runs: " + ", ".join(f"{name} {share:.0%}" for name, share in model.shares.items()),), "")


def _says(anchor: Anchor) -> str:
    ends = dict.fromkeys((_number(anchor, anchor.low), _number(anchor, anchor.high)))
    return f"{'–'.join(ends)} {_UNITS[anchor.measure]}"


def _number(anchor: Anchor, value: float) -> str:
    if anchor.measure == "time_share":
        return f"{value * 100:.3g}%"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _why(figure: Figure, off: float) -> str:
    from harness.plan.personas import ROUNDING

    nearest = figure.value / (1 + off)
    if abs(figure.value - nearest) <= WITHIN_ERRORS * figure.error:
        return "within the error of how often the workflows were played"
    if abs(off) <= ROUNDING:
        return f"less than {ROUNDING:.0%}: pauses and weights are rounded, and answers take their time"
    return f"further off than rounding explains ({ROUNDING:.0%}): the persona does not come out as its source says"


def _json(figure: Figure) -> dict[str, float]:
    return {"value": figure.value, "standard_error": figure.error}


def _workflow_json(name: str, model: Modelled) -> dict[str, Any]:
    return {
        "name": name,
        "share_of_runs": model.shares[name],
        "length_s": _json(model.a_run(model.length_s, name)),
        "pauses": _json(model.a_run(lambda _, trace: trace.pauses, name)),
        "requests": _json(model.a_run(lambda _, trace: len(trace.calls), name)),
        "resources_written": _json(model.a_run(lambda _, trace: trace.written, name)),
    }


def _anchor_json(anchor: Anchor, model: Modelled) -> dict[str, Any]:
    from harness.plan.personas import off_by

    figure = model.anchored(anchor)
    off = off_by(anchor, figure)
    return {
        "name": anchor.name,
        "measure": anchor.measure,
        "of": list(anchor.of or model.shares),
        "low": anchor.low,
        "high": anchor.high,
        "modelled": _json(figure),
        "off_by": off,
        "why": _why(figure, off) if off else "",
        "source": anchor.source,
    }
