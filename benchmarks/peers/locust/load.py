"""A locustfile: one of the benchmarks' loads, told by the environment (benchmarks/peers/tool.py).

    locust -f load.py FastHttpUser        or FastHttpUserOfBytes, HttpUser

Written as Locust's own documentation has it. Where a check does not hold, a request has failed, and Locust ends with 1.
"""

from __future__ import annotations

import csv
import json
import os
from itertools import cycle
from pathlib import Path
from typing import Any

import locust
from locust import constant

KIND = os.environ["BENCH_KIND"]
THINK_S = float(os.environ["BENCH_THINK_S"])
IN_A_ROW = int(os.environ["BENCH_IN_A_ROW"])
BUNDLE = json.loads(Path(os.environ["BENCH_BUNDLE"]).read_bytes())
REVIEW = json.loads(Path(os.environ["BENCH_REVIEW"]).read_bytes())
with Path(os.environ["BENCH_IDENTIFIERS"]).open(newline="") as file:
    IDENTIFIERS = cycle([row["identifier"] for row in csv.DictReader(file)])
ACCEPT = {"Accept": "application/fhir+json"}
WRITE = {**ACCEPT, "Content-Type": "application/fhir+json"}


def read_bundle(user: Any) -> None:
    for _ in range(IN_A_ROW):
        with user.client.get(BUNDLE["path"], headers=ACCEPT, name="Bundle", catch_response=True) as answer:
            if not user.is_whole(answer):
                answer.failure("not whole")


def review_chart(user: Any) -> None:
    client = user.client
    found = client.get(REVIEW["find"].replace("@identifier@", next(IDENTIFIERS)), headers=ACCEPT, name="Patient")
    patient = found.json()["entry"][0]["resource"]["id"]
    subject = REVIEW["subject"].replace("@patient@", patient)
    for number, search in enumerate(REVIEW["searches"]):
        path, name = search["path"].replace("@patient@", patient), f"search {number}"
        with client.get(path, headers=ACCEPT, name=name, catch_response=True) as answer:
            if not _is_chart_of(answer.json(), search["kind"], subject):
                answer.failure("not her chart")
    path, body = (REVIEW["transaction"][part].replace("@patient@", patient) for part in ("path", "body"))
    with client.post(path, data=body, headers=WRITE, name="transaction", catch_response=True) as answer:
        if not user.is_stored(answer):
            answer.failure("not stored")


def _is_chart_of(found: Any, kind: str, subject: str) -> bool:
    """A searchset of which each match is of this kind, and about this patient."""
    matches = [entry["resource"] for entry in found["entry"]]
    about = [match.get("subject") or match["patient"] for match in matches]
    return (
        found["type"] == "searchset"
        and all(match["resourceType"] == kind for match in matches)
        and all(one["reference"] == subject for one in about)
    )


class _Loads(locust.User):
    abstract = True
    tasks = [review_chart if KIND == "review" else read_bundle]  # noqa: RUF012 (as Locust has it)
    wait_time = constant(THINK_S)

    def is_whole(self, answer: Any) -> bool:
        return bool(answer.text.endswith(BUNDLE["end"]))

    def is_stored(self, answer: Any) -> bool:
        return REVIEW["stored"] in answer.text


class FastHttpUser(_Loads, locust.FastHttpUser):
    pass


class FastHttpUserOfBytes(FastHttpUser):
    """Nobody guesses then in which charset the text is, where a server does not say."""

    def is_whole(self, answer: Any) -> bool:
        return bool(answer.content.endswith(BUNDLE["end"].encode()))

    def is_stored(self, answer: Any) -> bool:
        return REVIEW["stored"].encode() in answer.content


class HttpUser(_Loads, locust.HttpUser):
    pass
