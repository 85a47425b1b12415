"""The command-line options that plain Locust gains; Locust forwards them to its workers by itself."""

from __future__ import annotations

from argparse import ArgumentParser

__all__ = ["add_options"]


def add_options(parser: ArgumentParser, scenario: str) -> None:
    """Add the `--emr-…` options; `scenario` is what the locustfile plays when nobody says otherwise."""
    group = parser.add_argument_group("emr-load-harness", "who works where and when")
    group.add_argument("--emr-scenario", default=scenario, help="scenario by name or file (default: %(default)s)")
    group.add_argument("--emr-sites", default="", help="number of sites, such as 3 (default: the scenario's)")
    group.add_argument("--emr-sites-file", default="", help="CSV of your own sites, one a row, instead")
    group.add_argument("--emr-seed", default="1", help="seed of people, shifts and choices (default: %(default)s)")
    group.add_argument("--emr-duration", default="", help="play the whole as a time lapse of this length, such as 2m")
    group.add_argument("--emr-window", default="", help="play this local slice at true speed, such as 08:45..09:15")
    group.add_argument("--emr-set", action="append", default=[], help="change a value of the scenario: a.b=c")
    group.add_argument("--emr-patients", default="", help="CSV of patients of the target, instead of seeded ones")
    group.add_argument("--emr-i-own", action="append", default=[], help="host of a site's endpoint that may be loaded")
    group.add_argument("--emr-run", default="", help="folder of a run that `emrload run` has prepared")
