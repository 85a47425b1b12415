"""The options of every command that speaks to a target: where it is, and the user's word that load may be put on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from harness.control.target import Target

__all__ = ["target_from", "target_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def target_options(help_text: str, *, required: bool = False) -> Callable[[Command], Command]:
    """Add `--target`, `--i-own` and `--allow-list`; the command gets `target`, `i_own` and `allow_list`."""

    def decorate(command: Command) -> Command:
        # the last decorator is listed first in the help
        command = click.option(
            "--allow-list",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="Hosts you may put load on, one a line. Default: ~/.config/emr-load-harness/allowed-hosts",
        )(command)
        command = click.option(
            "--i-own",
            metavar="HOST",
            multiple=True,
            help="You may put load on this host. Needed for a target that is not loopback.",
        )(command)
        return click.option("--target", metavar="URL", required=required, help=help_text)(command)

    return decorate


def target_from(target: str, i_own: tuple[str, ...], allow_list: Path | None) -> Target:
    """The vetted target. Raises InputError; nothing is sent."""
    from harness.control.target import parse_target

    return parse_target(target, i_own=i_own, allow_list=allow_list)
