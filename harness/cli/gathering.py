"""A run whose load processes are on other hosts, as its leader: wait for them, let them work, wait for their files.

gather ─▶ (the load) ─▶ fetch ─▶ facts for the manifest
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from harness.cli.channel_options import Address
from harness.cli.hosting import Hosting
from harness.cli.saying import say
from harness.errors import InputError, Problem
from harness.fleet import Depot, DepotServer, Handover, HostsFleet, free_port
from harness.rundir import RunDir
from harness.units import count_text, duration_text

__all__ = ["Gathering"]

JOIN_WITHIN_S: Final = 1800.0
"""A cluster may have to fetch an image and start a machine first. source: assumption"""
LOOK_EVERY_S: Final = 0.2
TOLD_AFTER_S: Final = 3.0
"""Files that are here sooner need no word."""


class Gathering:
    """Listens from its making on; its context answers workers."""

    def __init__(self, hosting: Hosting) -> None:
        """Raises InputError where the address cannot be listened on."""
        self._hosting = hosting
        self._server = DepotServer(hosting.address.host, hosting.address.port, hosting.secret)
        self._here = Address(hosting.address.host, self._server.port)

    @property
    def on_loopback(self) -> bool:
        """All workers are on this machine, as far as we can see."""
        return self._here.loopback

    def open(self, run_dir: RunDir, connections: int) -> Gathering:
        """Hand over what stands in the folder now; `connections` is the most that one load process holds."""
        self.depot = Depot(run_dir, Handover.of(run_dir, self._hosting.expected, connections))
        self._run_dir = run_dir
        return self

    def __enter__(self) -> Gathering:
        self._server.serve(self.depot).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, traceback)

    def gather(self) -> None:
        """Return once every worker has joined. Raises InputError where they do not come."""
        where = self._here if self._here.host != "0.0.0.0" else Address(socket.gethostname(), self._here.port)  # noqa: S104 (compared)
        whose = count_text(self._hosting.expected, "worker")
        say(f"workers  waiting for {whose}, each started by: emrload worker --master {where}")
        until_s = time.monotonic() + JOIN_WITHIN_S
        while not self.depot.gathered:
            self._tell_notes()
            if time.monotonic() > until_s:
                what = f"{self.depot.missing} of {whose} did not join within {duration_text(JOIN_WITHIN_S)}"
                start = f"start them with `emrload worker --master {where}`, or expect fewer"
                raise InputError(Problem(what, "--expect-workers", start))
            time.sleep(LOOK_EVERY_S)
        self._tell_notes()

    def fleet(self, target: str) -> HostsFleet:
        host, port = self._here.host, self._hosting.address.port
        own_port = port + 1 if port else free_port(host)
        return HostsFleet(self._run_dir, target, self._hosting.expected, self.depot, host, own_port)

    def fetch(self, stop: Callable[[], bool]) -> None:
        """Return once every worker's files are here, or will not come, or `stop` says so, or they have no place."""
        self.depot.end()
        tell_at_s = time.monotonic() + TOLD_AFTER_S
        while self._run_dir.manifest.is_file() and (awaited := self.depot.awaited()) and not stop():
            if time.monotonic() > tell_at_s:
                tell_at_s = float("inf")
                say(f"files    waiting for those of {', '.join(awaited)}; Ctrl-C judges without them")
            time.sleep(LOOK_EVERY_S)
        parts = self.depot.close()
        if parts:
            say(f"files    {count_text(len(parts), 'file')} did not come whole: {', '.join(parts)}")
        self._tell_notes()

    def facts(self) -> dict[str, Any]:
        return {**self._hosting.manifest_facts(), **self.depot.facts()}

    def _tell_notes(self) -> None:
        while self.depot.notes:
            say(self.depot.notes.popleft())
