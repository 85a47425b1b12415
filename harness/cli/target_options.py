"""The options of commands that speak to a target: where it is, the word that load may be put on it, whose people."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.greedy import greedy_option
from harness.cli.options import (
    DEFAULT_SEED,
    GREATEST_SEED,
    MOST_SITES,
    Choice,
    PathType,
    WholeNumber,
    refuse_both,
)

if TYPE_CHECKING:
    from harness.scenario import PatientsFile
    from harness.scenario.model import RunSpec
    from harness.target import Target

__all__ = ["patients_from", "patients_option", "people_options", "target_from", "target_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def target_options(help_text: str, *, required: bool = False) -> Callable[[Command], Command]:
    """Add `--target`, `--i-own` and `--allow-list`; the command gets `target`, `i_own` and `allow_list`."""

    def decorate(command: Command) -> Command:
        # the last decorator is listed first in the help
        command = click.option(
            "--allow-list",
            metavar="FILE",
            type=PathType("file"),
            help="Hosts you may put load on, one a line.  [default: ~/.config/emr-load-harness/allowed-hosts]",
        )(command)
        command = click.option(
            "--i-own",
            metavar="HOST",
            multiple=True,
            help="You may put load on this host. Needed for a target that is not loopback. Repeatable.",
        )(command)
        return click.option("--target", metavar="URL", required=required, help=help_text)(command)

    return decorate


def people_options(*, required: bool) -> Callable[[Command], Command]:
    """Add SCENARIO, `--sites`, `--sites-file`, `--seed`, `--set` and `--greedy`, which decide what people there are;
    the command gets a `choice`.

    Where the scenario is not required and not given, `choice` is None.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def choosing(
            scenario: str | None,
            sites: int | None,
            sites_file: Path | None,
            seed: int,
            sets: tuple[str, ...],
            greedy: tuple[tuple[str, float], ...],
            **others: Any,
        ) -> Any:
            if scenario is None and (sites is not None or sites_file is not None or sets or greedy):
                what = "--sites, --sites-file, --set and --greedy say something about a SCENARIO"
                raise click.UsageError(f"{what}: give its name")
            refuse_both(sites, sites_file)
            choice = None
            if scenario is not None:
                choice = Choice(scenario, sites, seed=seed, sets=sets, sites_file=sites_file, greedy=greedy)
            return command(choice, **others)

        decorated: Any = choosing
        for option in reversed(_people_parameters(required)):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]  # click's decorators are untyped in a loop

    return decorate


def _people_parameters(required: bool) -> list[Callable[[Any], Any]]:
    sites = WholeNumber("number of sites", 1, MOST_SITES, 10)
    seed = WholeNumber("seed", 0, GREATEST_SEED, 7)
    changes = "Change one value of the scenario, as for the run. Repeatable."
    return [
        click.argument("scenario", required=required),
        click.option("--sites", metavar="N", type=sites, help="As for the run.  [default: the scenario's]"),
        click.option("--sites-file", metavar="FILE", type=PathType("CSV file"), help="As for the run."),
        click.option("--seed", metavar="S", type=seed, default=DEFAULT_SEED, show_default=True, help="As for the run."),
        click.option("--set", "sets", metavar="A.B=C", multiple=True, help=changes),
        greedy_option,
    ]


def target_from(target: str, i_own: tuple[str, ...], allow_list: Path | None) -> Target:
    """The vetted target. Raises InputError; nothing is sent."""
    from harness.target import parse_target

    return parse_target(target, i_own=i_own, allow_list=allow_list)


def patients_option(command: Command) -> Command:
    """Add `--patients`; the command gets `patients`."""
    return click.option(
        "--patients",
        metavar="FILE",
        type=PathType("CSV file"),
        help="Work with these patients of the target instead of seeded ones: a CSV with `id` or `identifier`.",
    )(command)


def patients_from(path: Path | None, spec: RunSpec) -> PatientsFile | None:
    """The patients of the file, if one is given. Raises InputError; nothing is sent."""
    from harness.scenario import read_patients_file

    return None if path is None else read_patients_file(path, [site.name for site in spec.sites])
