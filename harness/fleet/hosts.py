"""Locust's master on this machine, its workers on other hosts; the depot tells them when to begin.

depot   PORT        ours: plan, clocks, signs of life, files
master  PORT + 1    Locust's own channel, which asks nobody who she is
"""

from __future__ import annotations

from typing import Final

from harness.errors import RunError
from harness.fleet.depot import Depot
from harness.fleet.local import LocalFleet
from harness.rundir import RunDir, conductor_path

__all__ = ["HostsFleet"]

LOCUSTS_WITHIN_S: Final = 120
"""A worker starts its Locust with its next sign of life, which a cut of a minute may put off; one that is not there by
then will not come. source: assumption"""


class HostsFleet(LocalFleet):
    """The leader of one run; the other processes are on other hosts, and not ours to end."""

    def __init__(self, run_dir: RunDir, target: str, workers: int, depot: Depot, host: str, port: int) -> None:
        super().__init__(run_dir, target, workers)
        self._depot = depot
        self._host, self._port = host, port
        self._gone = ""

    def _launch_all(self) -> None:
        leader = ("--headless", "--only-summary", "--master", "--master-bind-host", self._host)
        expected = ("--expect-workers", str(self._workers), "--expect-workers-max-wait", str(LOCUSTS_WITHIN_S))
        self._launch("master", *leader, "--master-bind-port", str(self._port), *expected)
        self._depot.begin(self._port)

    @property
    def running(self) -> bool:
        """The leader is at work. Before the load it waits for all workers; one that is gone then will not come."""
        if not self._gone and not conductor_path(self._run_dir.streams).exists():
            self._gone = self._depot.gone()
            if self._gone:
                self.stop_at_once()
        return super().running

    def join(self) -> int:
        """As of any fleet. Raises RunError, too, where a worker was gone before the load had begun."""
        try:
            code = super().join()
        except RunError:
            if not self._gone:
                raise
        finally:
            self._depot.end()
        if self._gone:
            raise RunError(f"the load did not begin: {self._gone}", f"what its load process said: {self._run_dir.logs}")
        return code
