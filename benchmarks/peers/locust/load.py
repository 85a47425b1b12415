"""A locustfile: one of the benchmarks' loads, told by the environment (benchmarks/peers/tool.py).

    locust -f load.py FastHttpUser        or HttpUser

Where a check does not hold the user raises, and Locust ends with 1. Users loop within one task, as a workflow would:
having Locust choose a task each time costs extra.
"""

from __future__ import annotations

import csv
import json
import os
from itertools import cycle
from pathlib import Path
from typing import Any

import gevent
import locust

KIND = os.environ["BENCH_KIND"]
THINK_S = float(os.environ["BENCH_THINK_S"])
BUNDLE = json.loads(Path(os.environ["BENCH_BUNDLE"]).read_bytes())
REVIEW = json.loads(Path(os.environ["BENCH_REVIEW"]).read_bytes())
with Path(os.environ["BENCH_IDENTIFIERS"]).open(newline="") as file:
    IDENTIFIERS = cycle([row["identifier"] for row in csv.DictReader(file)])
ACCEPT = {"Accept": "application/fhir+json"}
WRITE = {**ACCEPT, "Content-Type": "application/fhir+json"}
WHOLE, STORED = BUNDLE["marker"].encode(), REVIEW["stored"].encode()


def work(user: Any) -> None:
    step = _review if KIND == "review" else _read
    while True:
        step(user.client)
        if THINK_S:
            gevent.sleep(THINK_S)


def _read(client: Any) -> None:
    _require(client.get(BUNDLE["path"], headers=ACCEPT, name="Bundle"), WHOLE)


def _review(client: Any) -> None:
    found = client.get(REVIEW["find"].replace("@identifier@", next(IDENTIFIERS)), headers=ACCEPT, name="Patient")
    patient = found.json()["entry"][0]["resource"]["id"]
    hers = REVIEW["marker"].replace("@patient@", patient).encode()
    for number, path in enumerate(REVIEW["searches"]):
        answer = client.get(path.replace("@patient@", patient), headers=ACCEPT, name=f"search {number}")
        _require(answer, hers)
    write = REVIEW["transaction"]
    body = write["body"].replace("@patient@", patient)
    _require(client.post(write["path"], data=body, headers=WRITE, name="transaction"), STORED)


def _require(answer: Any, marker: bytes) -> None:
    if answer.status_code != 200 or marker not in answer.content:
        raise ValueError(f"{answer.status_code}, or {marker!r} is missing")


class FastHttpUser(locust.FastHttpUser):
    tasks = [work]  # noqa: RUF012 (as Locust has it)


class HttpUser(locust.HttpUser):
    tasks = [work]  # noqa: RUF012 (as above)
