"""`--greedy SITE=K`, for every command that asks what is played, or who must be there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from harness.cli.bad_values import LONGEST_SHOWN, bad_value, said_by_parser
from harness.errors import InputError, Problem, shortened
from harness.units import parse_factor

__all__ = ["GreedyType", "greedy_option", "once_each"]

Command = TypeVar("Command", bound=Callable[..., Any])


class GreedyType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """SITE=K: a site and how many times as much it asks."""

    name = "greedy"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002
    ) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        site, equals, times = str(value).rpartition("=")
        if not equals or not site.strip():
            what = f"'{shortened(str(value), LONGEST_SHOWN)}' does not say which site is greedy, and how much"
            raise bad_value(param, what, "write SITE=K, such as river=4")
        try:
            return site.strip(), parse_factor(times)
        except ValueError as error:
            raise said_by_parser(param, error, times) from error


def greedy_option(command: Command) -> Command:
    """Add `--greedy`; the command gets `greedy`, a tuple of (site, factor)."""
    return click.option(
        "--greedy",
        metavar="SITE=K",
        multiple=True,
        type=GreedyType(),
        help="K times as many people and arrivals at SITE, all else the same. Repeatable.",
    )(command)


def once_each(greedy: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Site → factor. Raises InputError where a site is given twice."""
    found = dict(greedy)
    if len(found) < len(greedy):
        names = [site for site, _ in greedy]
        twice = next(site for site in names if names.count(site) > 1)
        what = f"site '{shortened(twice, LONGEST_SHOWN)}' is given {names.count(twice)} times"
        raise InputError(Problem(what, "--greedy", "give each site once"))
    return found
