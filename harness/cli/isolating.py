"""From the folders of a baseline and of runs with more load to who is hurt: what `emrload isolation` works out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.analysis.between_sites import between_sites
from harness.analysis.comparable import ComparedRun
from harness.analysis.demand import Growth, growth_of, read_demand
from harness.analysis.isolation import Isolation, Measured, judge_isolation, newly_missed
from harness.analysis.run_rows import RowKey, RunRow
from harness.analysis.victims import Victims, read_cells, rows_of_cells, victims_of
from harness.cli.concluding import read_json
from harness.errors import EXIT_FAIL, EXIT_INVALID, EXIT_PASS, InputError, Problem

__all__ = ["exit_code_of", "fairness_of", "growths_of", "measure"]

Named = Sequence[tuple[str, Path]]
Sides = Sequence[Sequence[ComparedRun]]

SITES_NAMED = 3
_HINT = "A RUN is the baseline's load, and more of it at some site: `emrload run … --greedy SITE=4`."


def growths_of(named: Named, sides: Sides) -> list[Growth]:
    """How the load of each side after the first differs from the first. Raises InputError where one has nothing more,
    or less somewhere, or where nobody is left to be hurt."""
    base = read_demand(sides[0][0].run_dir, sides[0][0].spec)
    growths = [growth_of(base, read_demand(runs[0].run_dir, runs[0].spec)) for runs in sides[1:]]
    problems = [
        Problem(what, f"{name}, {path}", how)
        for (name, path), growth in zip(named[1:], growths, strict=True)
        for what, how in _unfit(growth, base.sites, base.requests)
    ]
    if problems:
        raise InputError(problems, _HINT)
    return growths


def measure(named: Named, sides: Sides, growths: Sequence[Growth]) -> list[Isolation]:
    """Each side after the first against the first, judged as one table. Raises JudgeError where a run is damaged."""
    base, length_s = sides[0], sides[0][0].length_s
    sites = [site.name for site in base[0].spec.sites]
    wanted = [victims_of(growth, sites) for growth in growths]
    of_base = [_rows(run, dict.fromkeys(wanted), length_s, keep=len(base) == 1) for run in base]
    missed = [_missed(run) for run in base]
    measured = []
    for (_, path), runs, growth, victims in zip(named[1:], sides[1:], growths, wanted, strict=True):
        rows = [_rows(run, [victims], length_s, keep=len(runs) == 1)[victims] for run in runs]
        # where every site asks more itself, an objective over all of its work says nothing of others' load
        newly = {} if growth.everywhere else newly_missed(missed, [_missed(run) for run in runs])
        at_victims = {site: ids for site, ids in newly.items() if site in victims.sites}
        measured.append(Measured(str(path), growth, victims, [one[victims] for one in of_base], rows, at_victims))
    return judge_isolation(measured, length_s)


def fairness_of(runs: Sequence[ComparedRun]) -> dict[str, float | None]:
    """`jain`, `max_over_median_delivered` and `max_over_median_p95` of a run; of a group the mean over its runs, None
    where one of them lacks it."""
    each = [between_sites(read_json(run.run_dir.summary)["by_site"], read_json(run.run_dir.expected)) for run in runs]
    found: dict[str, float | None] = {}
    for name in ("jain", "max_over_median_delivered", "max_over_median_p95"):
        values = [one[name] for one in each]
        found[name] = None if None in values else sum(values) / len(values)
    return found


def exit_code_of(found: Sequence[Isolation]) -> int:
    """1 where anybody is hurt, 3 where of some run nobody can tell, else 0."""
    if any(one.hurt for one in found):
        return EXIT_FAIL
    told = all(one.together is not None and one.together.p95.difference is not None for one in found)
    return EXIT_PASS if told else EXIT_INVALID


def _unfit(growth: Growth, sites: Sequence[str], requests: Mapping[tuple[str, str], float]) -> list[tuple[str, str]]:
    if growth.less:
        named = ", ".join(growth.less[:SITES_NAMED])
        more = f" and {len(growth.less) - SITES_NAMED} more" if len(growth.less) > SITES_NAMED else ""
        what = f"less is demanded at {named}{more} than in BASELINE, so that what others wait is of two causes"
        return [(what, "a RUN may only ask more; give the run that asks least as BASELINE")]
    if not growth.more and not growth.again:
        what = f"nobody demands more than in BASELINE: the same people and arrivals at all {len(sites)} sites"
        return [
            (what, "give a run with more load at some site; of a second run of the same load say so by --greedy SITE=1")
        ]
    lanes = {lane for _, lane in requests}
    if growth.everywhere and lanes <= growth.grown_lanes:
        what = f"all {len(sites)} sites demand more, in every lane: nobody is left whom that could hurt"
        return [(what, "let one site ask more, or all of them in some lanes only")]
    return []


def _rows(
    run: ComparedRun, wanted: Sequence[Victims] | Mapping[Victims, None], length_s: float, *, keep: bool
) -> dict[Victims, dict[RowKey, RunRow]]:
    """The rows of a run for each choice of victims; of a run of a group the figures only, since all samples of ten runs
    are too many to hold."""
    cells = read_cells(run.run_dir, run.spec, length_s)
    found = {victims: rows_of_cells(cells, victims) for victims in wanted}
    if keep:
        return found
    return {victims: {key: row.without_samples() for key, row in rows.items()} for victims, rows in found.items()}


def _missed(run: ComparedRun) -> frozenset[tuple[str, str]]:
    """(site, objective) of each required objective that the run missed at a site."""
    objectives = read_json(run.run_dir.verdict).get("objectives", ())
    return frozenset(
        (one["scope"]["site"], one["id"])
        for one in objectives
        if one["required"] and one["outcome"] == "fail" and set(one["scope"]) == {"site"}
    )
