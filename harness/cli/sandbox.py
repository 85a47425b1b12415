"""`emrload sandbox`: the embedded FHIR server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.cli.options import GREATEST_SEED, DurationType, PathType, WholeNumber
from harness.errors import InputError, Problem
from harness.sandbox.faults import FAULTS, parse_fault

__all__ = ["command"]

EPILOG = """\b
Examples:
  emrload sandbox --port 8080 --data ./sandbox-data
      a server at full speed that keeps its data; SIGTERM or Ctrl-C ends it
  emrload sandbox --servers 4 --service 50ms --distribution exponential --fault slow-site:site=river,delay=800ms
      four servers of 50 ms on average behind one queue, and one slow site
\b
Once it serves, one JSON line on standard output says where: {"url": …, "pid": …, "data": …}.
GET URL/../_sandbox/truth gives the server's own counts, PUT URL/../_sandbox/faults replaces the faults.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--port",
    type=WholeNumber("port", 0, 65_535, 8080),
    default=0,
    show_default=True,
    metavar="P",
    help="Port; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="IP", help="Address to listen on.")
@click.option(
    "--data",
    type=PathType("folder"),
    metavar="DIR",
    help="Keep resources and journal here and go on from what is there; else a folder that is removed at a clean end.",
)
@click.option(
    "--architecture",
    type=click.Choice(["shared", "per-lane", "per-site"]),
    default="shared",
    show_default=True,
    help="One pool of servers for all, or one of that size for each lane or each site.",
)
@click.option(
    "--servers",
    type=WholeNumber("number of servers", 1, 100_000, 4),
    metavar="C",
    help="How many requests are served at once; needs --service.",
)
@click.option(
    "--service",
    type=DurationType("service time", "write the mean time that one request takes, above 0, such as 50ms"),
    metavar="D",
    help="Mean service time, such as 50ms; needs --servers.",
)
@click.option(
    "--distribution",
    type=click.Choice(["fixed", "exponential"]),
    default="exponential",
    show_default=True,
    help="How service times spread.",
)
@click.option("--fault", "faults", multiple=True, metavar="NAME[:k=v,…]", help="Plant a fault. Repeatable.")
@click.option(
    "--seed",
    type=WholeNumber("seed", 0, GREATEST_SEED, 7),
    default=0,
    show_default=True,
    metavar="S",
    help="For drawn service times and errors.",
)
@click.option("--end-with-parent", is_flag=True, help="End when the process that started it dies.")
@click.option("--list-faults", is_flag=True, help="List the faults that can be planted, and stop.")
@click.option("--json", "as_json", is_flag=True, help="With --list-faults: as JSON.")
def command(
    port: int,
    host: str,
    data: Path | None,
    architecture: Any,
    servers: int | None,
    service: float | None,
    distribution: Any,
    faults: tuple[str, ...],
    seed: int,
    end_with_parent: bool,
    list_faults: bool,
    as_json: bool,
) -> None:
    """Start the embedded FHIR R4 server.

    It stores and searches real resources, and every answer says how long it took (X-Service-Ms, X-Residence-Ms).
    With --servers and --service it has a known capacity; with --fault something known goes wrong.
    """
    if list_faults:
        click.echo(json.dumps(_fault_rows(), indent=2) if as_json else _fault_text())
        return
    if as_json:
        raise click.UsageError("--json goes with --list-faults; the line that a started sandbox prints is JSON anyway")
    _check_capacity(servers, service)
    planted = _parse_faults(faults)

    from harness.sandbox.capacity import Capacity
    from harness.sandbox.server import Settings, serve

    capacity = Capacity(servers or 0, service or 0.0, distribution, architecture, seed)
    serve(Settings(host, port, data, capacity, planted, seed, end_with_parent))


def _check_capacity(servers: int | None, service: float | None) -> None:
    if (servers is None) != (service is None):
        raise click.UsageError("--servers and --service go together: --servers 4 --service 50ms")


def _parse_faults(texts: tuple[str, ...]) -> list[Any]:
    planted = []
    problems: list[Problem] = []
    for text in texts:
        try:
            planted.append(parse_fault(text))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems, "`emrload sandbox --list-faults` explains them.")
    return planted


def _fault_rows() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "does": kind.sentence,
            "parameters": {
                key: {
                    "meaning": parameter.meaning,
                    "default": parameter.default or None,
                    "required": parameter.required,
                }
                for key, parameter in kind.parameters.items()
            },
        }
        for name, kind in FAULTS.items()
    ]


def _fault_text() -> str:
    lines = []
    for name, kind in FAULTS.items():
        lines.append(f"{name}\n  {kind.sentence}")
        for key, parameter in kind.parameters.items():
            extra = (
                "required"
                if parameter.required
                else f"default {parameter.default}"
                if parameter.default
                else "optional"
            )
            lines.append(f"    {key:<10} {parameter.meaning} ({extra})")
    return "\n".join(lines)
