"""What the terminal shows at the end of a run: the answer, the worst sites, the next step. NO_COLOR is respected (by
rich)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.report.console_sites import sites_in_columns, sites_shown
from harness.report.fairness import uneven_line
from harness.report.sites import site_rows
from harness.report.wording import sentence
from harness.units import count_text, duration_text
from harness.verdict.headline import headline

__all__ = ["end_of_run"]

FAILED_WORKFLOWS_SHOWN = 3
_VERDICT_STYLE = {"pass": "bold green", "fail": "bold red", "invalid": "bold yellow"}


def end_of_run(
    summary: Mapping[str, Any],
    verdict: Mapping[str, Any],
    manifest: Mapping[str, Any],
    report_path: Path,
    next_commands: Sequence[str],
    console: Console | None = None,
) -> None:
    """Print the verdict as a sentence, the worst sites, the others in one row, the report's path, what to try next."""
    out = console or Console(highlight=False)
    outcome = str(verdict["verdict"])
    word = Text(f"{outcome.upper():<7}", style=_VERDICT_STYLE.get(outcome, "bold"))
    facts = [
        duration_text(float(manifest["duration_s"])) if manifest.get("duration_s") else "",
        count_text(int(summary["overall"]["requests"]), "request"),
        f"seed {manifest['seed']}" if "seed" in manifest else "",
        "rehearsal" if verdict.get("rehearsal") else "",
    ]
    out.print()
    out.print(
        Text.assemble(
            word,
            " ",
            sentence(headline(verdict, summary), summary["by_site"]),
            "   (",
            ", ".join(fact for fact in facts if fact),
            ")",
        ),
        soft_wrap=True,
    )
    out.print()
    rows = site_rows(summary, verdict)
    if rows:
        shown = sites_shown(rows)
        table = sites_in_columns(shown, rows[len(shown) :], summary, verdict, out.width)
        out.print(table, crop=False, no_wrap=True)
        for line in _failed_workflows(verdict):
            out.print(Text(f"  {line}"), soft_wrap=True)
        for row in shown:
            if row.why and row.outcome != "pass":
                out.print(Text(f"  ← {row.why if row.site in row.why else f'{row.site}: {row.why}'}"), soft_wrap=True)
        for line in filter(None, (uneven_line(summary), *_given_up(summary))):
            out.print(Text(f"  {line}"), soft_wrap=True)
        out.print()
    _print_aligned(out, "report", [str(report_path)])
    _print_aligned(out, "next", [step.replace("`", "") for step in next_commands])


def _failed_workflows(verdict: Mapping[str, Any]) -> list[str]:
    """Which workflows did not come out, the first few."""
    found = [each["sentence"].rstrip(".") for each in verdict["findings"] if each["kind"] == "failed-workflows"]
    more = len(found) - FAILED_WORKFLOWS_SHOWN
    return [*found[:FAILED_WORKFLOWS_SHOWN], *([f"{count_text(more, 'more workflow')} failed"] if more > 0 else [])]


def _given_up(summary: Mapping[str, Any]) -> list[str]:
    """What people gave up, and what was done again; nothing where nobody did."""
    runs = summary["workflows"]["overall"]
    again = f", {runs['back_entries']:,} done again later" if runs["back_entries"] else ""
    return [f"{count_text(runs['abandoned'], 'workflow')} abandoned{again}"] if runs["abandoned"] or again else []


def _print_aligned(out: Console, label: str, lines: Sequence[str]) -> None:
    for index, line in enumerate(lines):
        out.print(Text(f"{label if index == 0 else '':<9}{line}"), soft_wrap=True)
