"""Isolation as it reads: who is hurt as a sentence, a row a run, the interference ratio of each site, and of each lane.

HURT  9 of 9 other sites by river ×8

              asks   others' p95        ratio (95% interval)   hurt     Jain's index     slowest p95
river ×4     38/s   129 ms → 195 ms    1.51 (1.21–1.88)       9 of 9   0.999 → 0.998    1.04 → 1.05 times the median
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from harness.analysis.compare import ComparedRow
from harness.analysis.demand import Growth
from harness.analysis.isolation import Isolation, is_slowed
from harness.report.columns import narrowed_table
from harness.report.wording import MISSING, latency_text, range_text
from harness.units import count_text

__all__ = ["Fairness", "interference_text", "isolation_headline", "load_name", "print_isolation", "worst_sites_first"]

SITES_SHOWN: Final = 12
"""Rows of the table by site; more are counted in one line, and `--json` has them all."""
WHY_SHOWN: Final = 6
"""Sites of a run whose errors or objectives are told of in words."""
_LANES_NAMED: Final = 3
_DROPPED_FIRST: Final = (6, 5, 1, 2)
"""Columns of the table by run that a narrow terminal goes without, the first first."""

Fairness = Mapping[str, float | None]
"""`jain` and `max_over_median_p95` of a run, or of a group the mean over its runs."""


def load_name(growth: Growth) -> str:
    """`river ×4`, `all sites ×1.3: documents`, `the same load again`: what the run asks more than the baseline."""
    if not growth.more:
        return "the same load again"
    if growth.everywhere:
        return f"all sites ×{_times(growth.dose)}: {', '.join(growth.lanes[:_LANES_NAMED])}"
    named = [f"{site} ×{_times(times)}" for site, times in growth.more.items()]
    return ", ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")


def interference_text(row: ComparedRow | None, *, interval: bool = True) -> str:
    """`1.51 (1.21–1.88)`; a dash where it is not known."""
    if row is None or row.p95.difference is None:
        return MISSING
    ratio, low, high = map(_ratio_text, row.p95.difference.ratio)
    return f"{ratio} ({low}–{high})" if interval else ratio


def isolation_headline(found: Sequence[Isolation]) -> tuple[str, str]:
    """A word and a sentence: `HURT`, `9 of 9 other sites by river ×8`."""
    worst = max(found, key=lambda one: (one.blast_radius or 0.0, one.growth.dose))
    if worst.hurt:
        order = [name for name in dict.fromkeys([*worst_sites_first([worst]), *worst.hurt]) if name in worst.hurt]
        named = ", ".join(order[:3]) + (f" and {len(order) - 3} more" if len(order) > 3 else "")
        return "HURT", f"{len(order)} of {_others(worst)} by {load_name(worst.growth)}: {named}"
    if any(one.together is None or one.together.p95.difference is None for one in found):
        return "CANNOT TELL", "too few requests at the other sites for a p95 in every run"
    return "NOBODY ELSE HURT", f"in {count_text(len(found), 'run')}; a ratio within the intervals below is possible"


def worst_sites_first(found: Sequence[Isolation]) -> list[str]:
    """All sites that may be hurt in any run; those hurt most often first, then by their greatest ratio."""
    hurt: dict[str, int] = {}
    ratio: dict[str, float] = {}
    for one in found:
        for row in one.sites:
            name, difference = row.key.name, row.p95.difference
            hurt[name] = hurt.get(name, 0) + (name in one.hurt)
            ratio[name] = max(ratio.get(name, -math.inf), difference.estimate if difference else -math.inf)
    return sorted(ratio, key=lambda name: (-hurt[name], -ratio[name], name))


def print_isolation(
    found: Sequence[Isolation],
    fairness: Sequence[tuple[Fairness, Fairness]],
    heads: Mapping[str, str],
    method: Sequence[str],
    console: Console | None = None,
) -> None:
    """Print the sentence, `heads` (label → what was compared), the tables, and how it was done. `fairness`: of each
    run the baseline's and its own."""
    out = console or Console(highlight=False)
    word, sentence = isolation_headline(found)
    out.print()
    out.print(Text.assemble((word, "bold red" if word == "HURT" else "bold"), "  ", sentence), soft_wrap=True)
    out.print()
    width = max(map(len, heads), default=0)
    for label, text in heads.items():
        out.print(Text(f"{label:<{width}}  {text}"), soft_wrap=True)
    out.print()
    _print_table(out, *_by_run(found, fairness), dropped=_DROPPED_FIRST)
    _print_table(out, *_by_site(found))
    _print_table(out, *_cascade(found))
    for line in [*_reasons(found), *method]:
        out.print(Text(line, style="dim"), soft_wrap=True)


def _print_table(
    out: Console, heads: Sequence[str], lines: Sequence[Sequence[str]], *, dropped: Sequence[int] = ()
) -> None:
    """Nothing where it has no row; of columns that do not fit the last are left out, and how many is said."""
    if not lines:
        return
    order = dropped or range(len(heads) - 1, 1, -1)
    table = narrowed_table(heads, lines, out.width, list(order), range(1, len(heads)))
    styles = ["red" if any("hurt" in cell for cell in line[1:]) else "" for line in lines]
    for row, style in zip(table.rows, styles, strict=True):
        row.style = style
    out.print(table, crop=False, no_wrap=True)
    left_out = len(heads) - len(table.columns)
    if left_out:
        columns = count_text(left_out, "column")
        out.print(Text(f"  {columns} left out: the terminal is narrow, --json has all", style="dim"), soft_wrap=True)
    out.print()


def _by_run(
    found: Sequence[Isolation], fairness: Sequence[tuple[Fairness, Fairness]]
) -> tuple[list[str], list[list[str]]]:
    heads = ["load", "own p95", "others' p95", "ratio (95% interval)", "hurt", "Jain's index", "slowest p95 / median"]
    return heads, [
        [
            load_name(one.growth),
            _own_text(one.aggressors),
            _change(one.together),
            interference_text(one.together),
            f"{len(one.hurt)} of {one.others}" + (f", {one.untold} unknown" if one.untold else ""),
            _arrow(*(_decimals(side["jain"], 3) for side in both)),
            _arrow(*(_decimals(side["max_over_median_p95"], 2) for side in both)),
        ]
        for one, both in zip(found, fairness, strict=True)
    ]


def _by_site(found: Sequence[Isolation]) -> tuple[list[str], list[list[str]]]:
    """Sites × runs: the ratio, and whether it is hurt."""
    names = worst_sites_first(found)
    shown = names if len(names) <= SITES_SHOWN + 1 else names[:SITES_SHOWN]
    lines = [[name, *(_site_cell(one, name) for one in found)] for name in shown]
    rest = names[len(shown) :]
    if rest:
        counted = [f"{sum(name in one.hurt for name in rest)} hurt" for one in found]
        lines.append([count_text(len(rest), "other"), *counted])
    return ["ratio by site", *(load_name(one.growth) for one in found)], lines


def _site_cell(one: Isolation, name: str) -> str:
    if name in one.growth.more and not one.growth.everywhere:
        return "asks more"
    row = next((row for row in one.sites if row.key.name == name), None)
    word = (
        "hurt" if name in one.hurt else row.outcome if row is not None and row.outcome in ("slower", "faster") else ""
    )
    return f"{interference_text(row, interval=False)} {word}".rstrip()


def _cascade(found: Sequence[Isolation]) -> tuple[list[str], list[list[str]]]:
    """Runs, named by the lanes that grew most, × lanes: the ratio of each over those who may be hurt."""
    lanes = sorted({row.key.name for one in found for row in one.lanes})
    if len(lanes) < 2:  # one lane has the same ratio as all requests together
        return [], []
    lines = [
        [
            f"{', '.join(one.growth.lanes[:_LANES_NAMED]) or 'nothing'} ({load_name(one.growth)})",
            *(_lane_cell(one, lane) for lane in lanes),
        ]
        for one in found
    ]
    return ["what grew → ratio by lane", *lanes], lines


def _lane_cell(one: Isolation, lane: str) -> str:
    if one.growth.everywhere and lane in one.growth.grown_lanes:
        return "grew"
    row = next((row for row in one.lanes if row.key.name == lane), None)
    return interference_text(row, interval=False) + (" hurt" if row is not None and is_slowed(row) else "")


def _reasons(found: Sequence[Isolation]) -> list[str]:
    """Sites that are hurt otherwise than by being slower, in words."""
    told = []
    for one in found:
        others = {site: [why for why in reasons if why != "slower"] for site, reasons in one.hurt.items()}
        said = [f"{site} {' and '.join(_verb(why) for why in reasons)}" for site, reasons in others.items() if reasons]
        more = f"; and {len(said) - WHY_SHOWN} more sites" if len(said) > WHY_SHOWN else ""
        if said:
            told.append(f"{load_name(one.growth)}: {'; '.join(said[:WHY_SHOWN])}{more}.")
    return told


def _verb(why: str) -> str:
    return "has more errors" if why == "more errors" else why.replace("misses ", "newly misses ")


def _others(one: Isolation) -> str:
    noun = "site" if one.growth.everywhere or not one.growth.more else "other site"
    return count_text(one.others, noun)


def _own_text(rows: Sequence[ComparedRow]) -> str:
    """What the sites that asked more did to themselves; of several the worst."""
    known = [row for row in rows if row.p95.difference]
    worst = max(known, key=lambda row: row.p95.difference.estimate if row.p95.difference else 0.0, default=None)
    return _change(worst)


def _change(row: ComparedRow | None) -> str:
    return MISSING if row is None else _arrow(latency_text(row.p95.a), latency_text(row.p95.b))


def _arrow(first: str, last: str) -> str:
    return range_text(first, last).replace(" to ", " → ")


def _decimals(value: float | None, places: int) -> str:
    return MISSING if value is None else f"{value:.{places}f}"


def _ratio_text(ratio: float) -> str:
    if not math.isfinite(ratio):
        return MISSING
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def _times(times: float) -> str:
    return f"{times:.3g}" if times < 1000 else f"{times:,.0f}"
