"""The page of all personas: published figures beside what is modelled, then how each persona works, with sources."""

from __future__ import annotations

from collections.abc import Iterator

from page_text import NOTE, escaped, table

from harness.cli.personas_text import anchor_rows, comes_by_itself, pace_text
from harness.clinic.registry import WORKFLOWS
from harness.plan.personas import Modelled, modelled
from harness.scenario import load_everybody
from harness.scenario.model import Persona, Scenario
from harness.units import duration_text

__all__ = ["persona_page"]

INTRODUCTION = """\
A persona is a role: what a kind of clinician does, how often, and how long she thinks in between. {count} ship. Where
work has been measured and published, the persona is held against the figure, as an *anchor* in its file: the table
shows what the source says and what the persona comes to. `emrload scenarios --personas` prints the same, and `--json`
adds standard errors.

Modelled is arithmetic: the persona's own pauses and weights, her workflows played on a virtual clock with answers of
0.2 s; nobody gives up, and no phase, hour, experience or kind of site shifts anything. `make prove` plays a thousand of
each for twelve hours on that clock (of those who come by themselves a hundred thousand visits), and what they do lies
within three standard errors of it.

An action is a pause: a moment of thinking within a workflow, or from one workflow to the next. Why a figure lies
outside what its source says is told below the table.
"""


def persona_page() -> str:
    everybody = load_everybody()
    models = {name: modelled(persona) for name, persona in everybody.personas.items()}
    parts = [
        NOTE,
        "# Personas",
        INTRODUCTION.format(count=len(models)),
        "## Published figures",
        _anchors(everybody, models),
    ]
    for name, persona in sorted(everybody.personas.items(), key=lambda item: item[1].title):
        parts += _persona(persona, models[name], everybody)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _anchors(everybody: Scenario, models: dict[str, Modelled]) -> str:
    rows, notes, bare = [], [], []
    for name, persona in everybody.personas.items():
        if not persona.anchors:
            bare.append(persona.title)
        for row in anchor_rows(persona, models[name]):
            cells = (f"[{escaped(name)}](#{name})", row.figure, row.says, row.modelled, row.difference)
            rows.append((*cells, escaped(row.source)))
            if row.why and row.why not in notes:
                notes.append(row.why)
    heads = ("persona", "figure", "the source says", "modelled", "difference", "source")
    said = [f"Difference: {note}." for note in notes]
    return "\n\n".join([table(heads, rows), *said, f"Without a published figure: {', '.join(bare)}."])


def _persona(persona: Persona, model: Modelled, everybody: Scenario) -> Iterator[str]:
    how = "Comes by itself, as arrivals" if comes_by_itself(persona.name, everybody) else "Is on duty"
    yield f"({persona.name})=\n## {persona.title}"
    yield f"`{persona.name}`. {how}: {pace_text(persona, model, everybody)}. Source: {escaped(persona.source)}"
    rows = [(f"thinks at a step, {_pause(persona.think.mean_s, persona.think.sigma)}", escaped(persona.think.source))]
    rows.append(
        (
            f"from one workflow to the next, {_pause(persona.between.mean_s, persona.between.sigma)}",
            escaped(persona.between.source),
        )
    )
    if persona.on_arrival:
        rows.append((f"first thing in a shift: {', then '.join(f'`{one}`' for one in persona.on_arrival)}", ""))
    if persona.patience:
        again = persona.patience.back_entry_s
        then = "does not do it again" if again is None else f"does it again {duration_text(again)} later"
        gives_up = duration_text(persona.patience.gives_up_s)
        rows.append((f"gives up waiting after {gives_up}, {then}", escaped(persona.patience.source)))
    yield table(("how", "source"), rows)
    yield table(
        ("workflow", "of all runs", "lane", "what is done", "source of the weight"),
        [
            (f"`{name}`", f"{model.shares[name]:.0%}", WORKFLOWS[name].lane, _story(name), escaped(share.source))
            for name, share in persona.workflows.items()
        ],
    )


def _story(workflow: str) -> str:
    return escaped(WORKFLOWS[workflow].story.split("\n\n")[0])


def _pause(mean_s: float, sigma: float) -> str:
    return f"{duration_text(mean_s)} on the mean, σ {sigma:g}" if mean_s else "not at all"
