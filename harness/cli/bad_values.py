"""How a bad value of an option is told: what it is, which option, how it is written."""

from __future__ import annotations

from typing import Final

import click

from harness.errors import InputError, Problem, shortened

__all__ = ["LONGEST_SHOWN", "bad_value", "said_by_parser"]

LONGEST_SHOWN: Final = 40
"""Characters of a bad value that an error repeats."""


def bad_value(param: click.Parameter | None, what: str, how: str) -> InputError:
    if isinstance(param, click.Argument):
        where = (param.metavar or str(param.name).upper()).strip("[]")
    else:
        where = param.opts[0] if param else ""
    return InputError(Problem(what, where, how))


def said_by_parser(param: click.Parameter | None, error: ValueError, value: str) -> InputError:
    """The parsers of `harness.units` say what is wrong and, after the last colon, what to write."""
    what, _, how = str(error).rpartition(": ")
    return bad_value(param, what.replace(value, shortened(value, LONGEST_SHOWN)), how)
