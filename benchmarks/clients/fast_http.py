"""A locustfile: the fastest client that Locust itself ships, sending the same request.

BENCH_IDLE     one request, then nothing: what a user weighs
"""

from __future__ import annotations

import os

import gevent
from locust import FastHttpUser, task

PATH = "/fhir/Observation?patient=1&category=laboratory&_count=5"
HEADERS = {"Accept": "application/fhir+json", "Cache-Control": "no-cache", "X-Site": "river"}


class Reader(FastHttpUser):
    @task
    def read(self) -> None:
        get = self.client.get
        get(PATH, headers=HEADERS, name="Observation.search[patient+category]")
        if os.environ.get("BENCH_IDLE"):
            gevent.sleep(1e6)
        while True:  # within one task, as a workflow would; choosing a task each time costs extra
            get(PATH, headers=HEADERS, name="Observation.search[patient+category]")
