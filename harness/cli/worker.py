"""`emrload worker`: a load process for a run that is led on another host."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.channel_options import Address, AddressType, require_secret, secret_from, secret_option
from harness.cli.options import DurationType, PathType
from harness.cli.saying import say
from harness.cli.signals import ending_signals, handled_by, interrupted_by_any_end

if TYPE_CHECKING:
    from harness.fleet import Channel, HostWorker

__all__ = ["command"]

WAIT_S = 600.0

EPILOG = """\b
Examples:
  emrload worker --master 10.0.0.1:5556 --secret-file fleet.secret
      one load process for the run that `emrload run … --expect-workers N --bind 10.0.0.1:5556` leads
  emrload worker --master 127.0.0.1 --wait 30m --keep
      on the same machine, or through a tunnel; what it measured stays here, too

\b
Exit codes: 0 all is handed in, 2 refused, 3 cut short, interrupted or not handed in, 4 internal error.
Ctrl-C once finishes the step at hand and leaves, and the run is invalid; twice stops at once.
SIGTERM and a terminal that is closed are a Ctrl-C.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--master",
    metavar="HOST[:PORT]",
    type=AddressType(own=False),
    required=True,
    help="Where `emrload run` listens; Locust's own channel is on the next port.  [default port: 5556]",
)
@secret_option
@click.option(
    "--wait",
    "wait_s",
    metavar="D",
    type=DurationType("time to wait", "write for how long, such as 90s or 10m"),
    default=WAIT_S,
    help="For how long to look for the run, before and after joining.  [default: 10m]",
)
@click.option(
    "--out", type=PathType("new folder"), metavar="DIR", help="A new folder to work in.  [default: in reports/]"
)
@click.option("--keep", is_flag=True, help="Keep the folder, also when everything in it is handed in.")
def command(master: Address, secret_file: Path | None, wait_s: float, out: Path | None, keep: bool) -> int:
    """Take part in a run that is led on another host.

    The plan comes from there and must be the same on this host; what was measured goes there after the load. The
    versions of both must be the same. Only connections to the outside are made.
    """
    secret = secret_from(secret_file)
    require_secret(secret, master, "--master")
    from harness.fleet import Channel, own_name

    channel = Channel(master.host, master.port, secret, secrets.token_hex(16))
    with closing(channel), interrupted_by_any_end():
        return _take_part(channel, own_name(), out, wait_s, keep)


def _take_part(channel: Channel, name: str, out: Path | None, wait_s: float, keep: bool) -> int:
    from harness.fleet import HostWorker, SeatLost, join

    while True:
        joined = join(channel, name, out, wait_s, say)
        worker = HostWorker(channel, joined, say, keep=keep)
        with _on_interrupts(worker):
            say(f"joined   {joined.run} at {channel.host}:{channel.port}, as {joined.name}; waiting for the others")
            try:
                return worker.work(wait_s)
            except SeatLost as lost:
                say(f"waiting  the run is led no more ({lost}); looking for it again")
                joined.run_dir.discard()
            if worker.interrupted:
                raise KeyboardInterrupt


def _on_interrupts(worker: HostWorker) -> AbstractContextManager[None]:
    """SIGINT, SIGTERM and a terminal that is closed all mean: leave."""

    def on_interrupt(*_: object) -> None:
        worker.interrupted += 1

    return handled_by(on_interrupt, *ending_signals())
