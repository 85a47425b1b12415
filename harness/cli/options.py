"""The options that choose what is played, shared by every command that takes a scenario; each bad value says how to
write it."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.bad_values import LONGEST_SHOWN, bad_value, said_by_parser
from harness.cli.greedy import greedy_option, once_each
from harness.errors import shortened
from harness.units import DAY_S, factor_text, moment_text, parse_duration, parse_share, parse_window

if TYPE_CHECKING:
    from harness.scenario.model import RunSpec, Site

__all__ = [
    "DEFAULT_SEED",
    "GREATEST_SEED",
    "MOST_SITES",
    "Choice",
    "DurationType",
    "PathType",
    "ShareType",
    "WholeNumber",
    "Window",
    "WindowType",
    "refuse_both",
    "scenario_options",
    "workers_option",
]

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_SEED = 1
MOST_SITES = 10_000
MOST_WORKERS = 1_000
GREATEST_SEED = 2**63 - 1
LONGEST_TIME_S = 366 * DAY_S
"""No option means a longer time than this; what a run may last is narrower (`scenario.resolve`)."""


@dataclass(frozen=True)
class Window:
    """`--window` as it was written: with its day, or on that which the scenario plays by itself."""

    start_s: float
    end_s: float
    has_day: bool = False

    def argument(self) -> str:
        """As it reads back; times of later days are written with their day anyway."""
        first_day = "0d" if self.has_day and self.end_s <= DAY_S else ""
        return "..".join(f"{first_day}{moment_text(edge_s)}" for edge_s in (self.start_s, self.end_s))


@dataclass(frozen=True)
class Choice:
    """What the command line chose to play; None where the scenario decides."""

    scenario: str
    sites: int | None = None
    duration_s: float | None = None
    window: Window | None = None
    seed: int = DEFAULT_SEED
    sets: tuple[str, ...] = ()
    sites_file: Path | None = None
    greedy: tuple[tuple[str, float], ...] = ()

    def spec(self) -> RunSpec:
        """Load the scenario and resolve it into one run. Raises ScenarioError or InputError."""
        from harness.scenario import load_scenario, resolve, scenario_with_sites

        own_sites: Sequence[Site] = ()
        if self.sites_file is None:
            scenario = load_scenario(self.scenario, self.sets)
        else:
            scenario, own_sites = scenario_with_sites(self.scenario, self.sets, self.sites_file)
        return resolve(
            scenario,
            sites=self.sites,
            own_sites=own_sites,
            seed=self.seed,
            duration_s=self.duration_s,
            window=(self.window.start_s, self.window.end_s) if self.window else None,
            window_has_day=self.window is not None and self.window.has_day,
            greedy=once_each(self.greedy),
        )

    def arguments(self) -> str:
        """The same choice as it is written on a command line, quoted for a shell."""
        words = [self.scenario]
        if self.sites is not None:
            words += ["--sites", str(self.sites)]
        if self.sites_file is not None:
            words += ["--sites-file", str(self.sites_file)]
        if self.duration_s is not None:
            words += ["--duration", _duration_argument(self.duration_s)]
        if self.window is not None:
            words += ["--window", self.window.argument()]
        if self.seed != DEFAULT_SEED:
            words += ["--seed", str(self.seed)]
        for setting in self.sets:
            words += ["--set", setting]
        for site, factor in self.greedy:
            words += ["--greedy", f"{site}={factor_text(factor)}"]
        return shlex.join(words)


class WholeNumber(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """A whole number from `least` to `most`."""

    def __init__(self, name: str, least: int, most: int, example: int) -> None:
        self.name = name
        self.least = least
        self.most = most
        self.example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ARG002
        # No `int(text)`: it also takes '1_0', ' 7 ' and digits of other scripts.
        digits = str(value).removeprefix("-")
        number = int(value) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
        if number is not None and self.least <= number <= self.most:
            return number
        upper = f" to {self.most:,}" if self.most < GREATEST_SEED else ""
        what = f"'{shortened(str(value), LONGEST_SHOWN)}' is not a {self.name}"
        raise bad_value(param, what, f"write a whole number from {self.least}{upper}, such as {self.example}")


class DurationType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """A time above zero with its unit, in seconds; an error calls it `noun` and says how it is written."""

    name = "duration"

    def __init__(
        self, noun: str = "time that a run can take", how: str = "write how long it lasts, such as 90s or 10m"
    ) -> None:
        self.noun = noun
        self.how = how

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ARG002
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            raise said_by_parser(param, error, value) from error
        if not 0 < seconds <= LONGEST_TIME_S:
            raise bad_value(param, f"'{shortened(value, LONGEST_SHOWN)}' is not a {self.noun}", self.how)
        return seconds


class PathType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """A path. An empty one is refused, where `Path("")` would mean the working folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        text = str(value)
        if not text or "\0" in text:
            said = "the path is empty" if not text else f"'{shortened(text, LONGEST_SHOWN)}' is not a path"
            without = "" if param is not None and param.required else ", or leave it out"
            raise bad_value(param, said, f"write the path of a {self.name}{without}")
        return Path(text)


class ShareType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """A share from 0 to 1, written as a percentage."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ARG002
        if isinstance(value, float):
            return value
        try:
            return parse_share(value)
        except ValueError as error:
            raise said_by_parser(param, error, value) from error


class WindowType(click.ParamType):  # type: ignore[type-arg]  # generic only from click 8.5 on
    """START..END by the clock, with or without a day."""

    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Window:  # noqa: ARG002
        if isinstance(value, Window):
            return value
        try:
            return Window(*parse_window(value), has_day="d" in value)
        except ValueError as error:
            raise said_by_parser(param, error, value) from error


def scenario_options(command: Command) -> Command:
    """Add SCENARIO, `--sites`, `--sites-file`, `--duration`, `--window`, `--seed`, `--set` and `--greedy`; the command
    gets them as one `choice`."""

    # Takes the parameters that `command` has already (`__click_params__`) along.
    @functools.wraps(command)
    def choosing(
        scenario: str,
        sites: int | None,
        sites_file: Path | None,
        duration_s: float | None,
        window: Window | None,
        seed: int,
        sets: tuple[str, ...],
        greedy: tuple[tuple[str, float], ...],
        **others: Any,
    ) -> Any:
        refuse_both(sites, sites_file)
        return command(Choice(scenario, sites, duration_s, window, seed, sets, sites_file, greedy), **others)

    decorate: Any = choosing
    for option in reversed(_scenario_parameters()):
        decorate = option(decorate)
    decorated: Command = decorate
    return decorated


def refuse_both(sites: int | None, sites_file: Path | None) -> None:
    """Raises UsageError where both say which sites there are."""
    if sites is not None and sites_file is not None:
        raise click.UsageError("--sites and --sites-file both say which sites there are: give one of them")


def workers_option(help_text: str, default: int = 1) -> Callable[[Command], Command]:
    """Add `--workers`; the command gets `workers`."""
    kind = WholeNumber("number of workers", 1, MOST_WORKERS, 2)
    return click.option("--workers", metavar="N", type=kind, default=default, show_default=True, help=help_text)


def _scenario_parameters() -> list[Callable[[Any], Any]]:
    sites = WholeNumber("number of sites", 1, MOST_SITES, 10)
    seed = WholeNumber("seed", 0, GREATEST_SEED, 7)
    return [
        click.argument("scenario"),
        click.option(
            "--sites", metavar="N", type=sites, help="So many sites, in the scenario's mix.  [default: the scenario's]"
        ),
        click.option(
            "--sites-file", metavar="FILE", type=PathType("CSV file"), help="Your own sites, one a row of a CSV file."
        ),
        click.option(
            "--duration",
            "duration_s",
            metavar="D",
            type=DurationType(),
            help="Squeeze the whole timeline into this time, such as 10m.  [default: true speed]",
        ),
        click.option(
            "--window",
            metavar="A..B",
            type=WindowType(),
            help="Play this slice at true speed, such as 08:45..09:15, by the clock of the zone with most people.",
        ),
        click.option(
            "--seed",
            metavar="S",
            type=seed,
            default=DEFAULT_SEED,
            show_default=True,
            help="The same seed gives the same people, roster and draws.",
        ),
        click.option(
            "--set",
            "sets",
            metavar="A.B=C",
            multiple=True,
            help="Change one value of the scenario, such as think_factor=0.5. Repeatable.",
        ),
        greedy_option,
    ]


def _duration_argument(seconds: float) -> str:
    for unit, unit_s in (("h", 3600), ("m", 60)):
        if seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
