"""A locustfile as Locust's own documentation has it: one request, again and again, and a wait in between.

STALL_PATH      the request
STALL_PACE_S    a user asks once in so many seconds, as far as the answers allow (`constant_throughput`)
STALL_THINK_S   instead: so long from an answer to the next request, on the mean, exponential (`poisson`)
"""

from __future__ import annotations

import os
import random
from time import perf_counter

import gevent
from locust import FastHttpUser, constant_throughput, poisson, task

PATH = os.environ["STALL_PATH"]
PACE_S = float(os.environ.get("STALL_PACE_S", "0"))
THINK_S = float(os.environ.get("STALL_THINK_S", "0"))


class Reader(FastHttpUser):
    wait_time = constant_throughput(1 / PACE_S) if PACE_S else poisson(1 / THINK_S)

    def on_start(self) -> None:
        """All are spawned at once; each begins somewhere in its wait, so that they do not ask in lockstep."""
        gevent.sleep(random.uniform(0, PACE_S) if PACE_S else random.expovariate(1 / THINK_S))
        self._cp_last_run = perf_counter()  # else constant_throughput brings all back into step with their common birth

    @task
    def read(self) -> None:
        self.client.get(PATH, headers={"Accept": "application/fhir+json"}, name="Patient.read")
