"""`--sites-file CSV`: one's own organisation, a row a site.

    name,         template, time_zone,        link,      nurse, registration-clerk, site-p95
    north-clinic, clinic,   America/New_York, rural-dsl,     6,                  2,    1500ms
    main-campus,  hospital, ,                 ,               ,                   ,

    name, template        needed; a template of the scenario, or one that is found as the scenario's are
    time_zone, locale, start_offset, link, endpoint, source_address, identifier_system, patients, think_factor
                          an empty cell: as the scenario's first entry of that template has it, else as the template
    novice, expert        shares such as 20%, where the template says how such people work
    an objective's id     its bound at this site, such as 1500ms or 2%; of scope each-site only
    a persona's name      heads; once a row has one count, its counts stand and its empty cells are 0; a row without any
                          has the template's heads

A sites file takes the place of `--sites`: the scenario's own mix is not played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from harness.errors import InputError, Problem, ScenarioError, shortened
from harness.scenario.assemble import SHARED
from harness.scenario.check_sites import (
    endpoint_problems,
    identifier_system_problems,
    locale_problems,
    source_address_problems,
)
from harness.scenario.library import entry_names, find_scenario, shared_file
from harness.scenario.load import load_scenario
from harness.scenario.model import Objective, Scenario, Site, SiteMix, SiteTemplate
from harness.scenario.resolve import site_of
from harness.scenario.shape import METRICS
from harness.scenario.sites_cells import factor_in, name_in, offset_in, whole_in, zone_in
from harness.scenario.sites_table import SiteRow, SitesTable, read_sites_table
from harness.scenario.suggest import meant, suggest
from harness.scenario.tree import read_tree
from harness.units import parse_share

__all__ = ["COLUMNS", "scenario_with_sites", "sites_of"]

COLUMNS: Final = (
    "name",
    "template",
    "time_zone",
    "locale",
    "start_offset",
    "link",
    "endpoint",
    "source_address",
    "identifier_system",
    "patients",
    "think_factor",
    "novice",
    "expert",
)
MOST_PROBLEMS: Final = 50
"""More are not read; how many more there are is said."""
MOST_HEADS: Final = 100_000
MOST_PATIENTS: Final = 1_000_000
_READERS: Final = dict(METRICS.values())
"""Metric → how its bound is read."""
_SOURCE: Final = "the sites file"

T = TypeVar("T")


def scenario_with_sites(name_or_path: str, sets: Sequence[str], sites_file: Path) -> tuple[Scenario, tuple[Site, ...]]:
    """The scenario, with what the sites file names besides it, and the sites of the file.

    Raises ScenarioError for the scenario, InputError for the file, each with all problems at once.
    """
    table = read_sites_table(sites_file)
    folder = find_scenario(name_or_path).parent
    columns = [column for column in table.columns if column not in COLUMNS]
    also = {"templates": table.named("template"), "links": table.named("link"), "personas": columns}
    scenario = load_scenario(name_or_path, sets, also)
    return scenario, sites_of(table, scenario, folder)


def sites_of(table: SitesTable, scenario: Scenario, folder: Path) -> tuple[Site, ...]:
    """The sites of the table, in its order, their `utc_offset_s` still open; `folder` is where the scenario stands.

    Raises InputError with every problem, each with line and column.
    """
    problems = [*_bad_columns(table, scenario), *table.problems]
    sites: list[Site] = []
    first_where: dict[str, str] = {}
    whole = {"name", "template"} <= set(table.columns)
    for row in table.rows if whole else ():
        reader = _Row(row, scenario, folder)
        site = reader.site()
        if site is not None:
            sites.append(site)
        problems += reader.problems
        name = row.get("name")
        first = first_where.setdefault(name, row.where)
        if name and first != row.where:
            problems.append(Problem(f"site '{shortened(name)}' stands twice", row.where, f"the first is at {first}"))
    if problems:
        problems = sorted(dict.fromkeys(problems), key=lambda one: int(one.where.rpartition(":")[2]))
        more = len(problems) - MOST_PROBLEMS
        raise InputError(problems[:MOST_PROBLEMS], f"{more:,} more are not listed." if more > 0 else "")
    return tuple(sites)


def _bad_columns(table: SitesTable, scenario: Scenario) -> Iterator[Problem]:
    objectives = {one.id: one for one in scenario.objectives}
    bounds = [name for name, one in objectives.items() if one.scope == "each-site"]
    known = [*COLUMNS, *bounds, *(name for name in scenario.personas if not _only_comes(name, scenario))]
    missing = [column for column in ("name", "template") if column not in table.columns]
    if len(missing) == 2 and not any(meant(column, table.columns) for column in missing):
        what = "the first row is no header: it has neither a column 'name' nor a column 'template'"
        yield Problem(what, table.header_where, "write what stands in each column above the sites")
        return
    for column in ("name", "template"):
        if column in missing:
            beside = meant(column, [name for name in table.columns if name not in known])
            help_ = f"is it '{beside}'?" if beside else "each site needs a name and a kind"
            yield Problem(f"there is no column '{column}'", table.header_where, help_)
    for column in table.columns:
        taken = "setting of a site" if column in COLUMNS else "persona" if column in scenario.personas else ""
        if taken and column in objectives:
            what = f"column '{column}' is a {taken} and an objective of the scenario: it cannot be told which is meant"
            yield Problem(what, table.header_where, f"give the objective another id, such as {column}-p95")
        elif taken == "persona" and _only_comes(column, scenario):
            what = f"column '{column}' is of a persona that comes at a rate and is never on duty: it has no heads"
            yield Problem(what, table.header_where, "leave it out: `arrivals` of the template says how many come")
        elif column in objectives and column not in bounds:
            what = f"column '{column}' is an objective of {objectives[column].scope}, not of each site"
            yield Problem(what, table.header_where, suggest(column, bounds))
        elif column not in known:
            yield Problem(f"unknown column '{shortened(column)}'", table.header_where, suggest(column, known))


def _only_comes(persona: str, scenario: Scenario) -> bool:
    """Whether she comes at a rate where she comes at all, such as a walk-in."""
    templates = scenario.templates.values()
    return any(persona in one.arrivals for one in templates) and not any(persona in one.mix for one in templates)


def _when_there(persona: str, scenario: Scenario, folder: Path) -> str:
    """What to write under `curves:` of the scenario, so that it says when she is there."""
    try:
        shared = read_tree(shared_file("curves", folder)).fields
    except ScenarioError:
        shared = {}
    if persona in shared:
        return f"write `{persona}: {SHARED}` under `curves:` of the scenario"
    curve = f"write `{persona}: {{points: {{00:00: 100%, 24:00: 100%}}, source: …}}` under `curves:` of the scenario"
    used = {mix.template for mix in scenario.sites}
    if any(persona in scenario.templates[name].mix for name in used if name in scenario.templates):
        return curve
    # a curve of somebody whom no site of the scenario may have is taken for a slip of the pen
    return f"{curve}, and add `{persona}: 0` to the `mix` of a template that it has"


class _Row:
    """One row on its way to a site; collects what is wrong in it."""

    def __init__(self, row: SiteRow, scenario: Scenario, folder: Path) -> None:
        self.problems: list[Problem] = []
        self._row = row
        self._scenario = scenario
        self._folder = folder

    def site(self) -> Site | None:
        """None where it cannot be one; then `problems` says why."""
        name = self._read("name", name_in, needed=True)
        template = self._template()
        settings: dict[str, Any] = {
            "time_zone": self._read("time_zone", zone_in),
            "locale": self._checked("locale", locale_problems),
            "start_offset_s": self._read("start_offset", offset_in),
            "link": self._link(),
            "endpoint": self._checked("endpoint", endpoint_problems),
            "source_address": self._checked("source_address", source_address_problems),
            "identifier_system": self._checked("identifier_system", identifier_system_problems),
            "patients": self._read("patients", lambda text: whole_in(text, 1, MOST_PATIENTS)),
            "think_factor": self._read("think_factor", factor_in),
        }
        bounds = self._bounds()
        if template is None:
            self._heads(None)
            return None
        settings["heads"] = self._heads(template)
        settings |= self._experience(template)
        mix = self._mix(template)
        if name is None or mix is None or self.problems:
            return None
        given = {field: value for field, value in settings.items() if value is not None}
        site = site_of(self._scenario, mix, name)
        site = site.model_copy(update={**given, "bounds": {**site.bounds, **bounds}})
        self._attended(site, template)
        return site

    def _template(self) -> SiteTemplate | None:
        text = self._row.get("template")
        if not text:
            self._tell("template", "nothing stands here", "each site needs a kind")
            return None
        found = self._scenario.templates.get(text)
        if found is None:
            known = sorted({*self._scenario.templates, *entry_names("templates", self._folder)})
            self._tell("template", f"unknown template '{shortened(text)}'", suggest(text, known))
        return found

    def _link(self) -> str | None:
        text = self._row.get("link")
        if text and text not in self._scenario.links:
            known = sorted({*self._scenario.links, *entry_names("links", self._folder)})
            self._tell("link", f"unknown link '{shortened(text)}'", suggest(text, known))
        return text or None

    def _mix(self, template: SiteTemplate) -> SiteMix | None:
        """The scenario's first entry of that template, from which an empty cell is filled."""
        mix = next((one for one in self._scenario.sites if one.template == template.name), None)
        if mix is None and not self._row.get("time_zone"):
            what = f"nothing stands here, and the scenario has no site of template '{template.name}' to take it from"
            self._tell("time_zone", what, "write it as in the IANA data base, such as America/New_York or UTC")
            return None
        # the row has its own time zone then, which takes the place of this one
        return mix or SiteMix(template=template.name, weight=1, time_zone="UTC", source=_SOURCE)

    def _bounds(self) -> dict[str, float]:
        """The bounds that the row gives, by objective."""
        taken = {*COLUMNS, *self._scenario.personas}  # such a column is told of by itself
        own = [one for one in self._scenario.objectives if one.scope == "each-site" and one.id not in taken]
        bounds = {one.id: self._bound(one) for one in own}
        return {name: bound for name, bound in bounds.items() if bound is not None}

    def _bound(self, objective: Objective) -> float | None:
        return self._read(objective.id, _READERS[objective.metric])

    def _heads(self, template: SiteTemplate | None) -> dict[str, int] | None:
        """Heads as they are counted in the row; None where it counts nobody."""
        counted = {
            name: self._read(name, lambda text: whole_in(text, 0, MOST_HEADS))
            for name in self._scenario.personas
            if self._row.get(name) and not _only_comes(name, self._scenario)
        }
        if not counted or template is None:
            return None
        heads = {name: count or 0 for name, count in {**dict.fromkeys(template.mix, 0), **counted}.items()}
        if not any(heads.values()) and None not in counted.values():
            self._tell(next(iter(counted)), "all head counts of the site are 0", "leave them empty, or the site out")
        return heads

    def _experience(self, template: SiteTemplate) -> dict[str, float | None]:
        shares: dict[str, float | None] = {}
        told = {str(kind): skill for kind, skill in template.experience.items()}
        for kind in ("novice", "expert"):
            shares[kind] = share = self._read(kind, parse_share)
            if share and kind not in told:
                help_ = f"add `experience: {{{kind}: {{share: …, think_factor: …, source: …}}}}` to the template"
                self._tell(kind, f"template '{template.name}' does not say how fast a {kind} is", help_)
        both = [told[kind].share if kind in told and share is None else share or 0.0 for kind, share in shares.items()]
        if sum(both) > 1 + 1e-9 and any(share is not None for share in shares.values()):
            column = "novice" if shares["novice"] is not None else "expert"
            self._tell(column, f"novices and experts make up {sum(both):.0%}", "together they are 100% at most")
        return shares

    def _attended(self, site: Site, template: SiteTemplate) -> None:
        """Everybody with heads must be there at some time."""
        open_ = [
            persona
            for persona, heads in site.heads.items()
            if heads and persona not in self._scenario.curves and not template.shifts.get(persona)
        ]
        if open_:
            column = next((persona for persona in open_ if self._row.get(persona)), "template")
            what = f"no curve and no shifts of a {template.name} say when these are there: {', '.join(open_)}"
            self._tell(column, what, _when_there(column if column in open_ else open_[0], self._scenario, self._folder))

    def _read(self, column: str, parse: Callable[[str], T], *, needed: bool = False) -> T | None:
        text = self._row.get(column)
        if not text:
            if needed:
                self._tell(column, "nothing stands here", "each site needs one")
            return None
        try:
            return parse(text)
        except ValueError as error:
            what, _, help_ = str(error).replace(text, shortened(text)).rpartition(": ")
            self._tell(column, what or help_, help_ if what else "")
            return None

    def _checked(self, column: str, check: Callable[[str, str], Any]) -> str | None:
        text = self._row.get(column)
        for problem in check(text, self._row.where) if text else ():
            self._tell(column, problem.what, problem.help)
        return text or None

    def _tell(self, column: str, what: str, help_: str) -> None:
        self.problems.append(Problem(f"column '{column}': {what}", self._row.where, help_))
