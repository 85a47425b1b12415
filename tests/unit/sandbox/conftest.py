"""A sandbox without its process: the same application, spoken to without sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.sandbox.app import SandboxDoor, sandbox_app
from harness.sandbox.capacity import Capacity, Pools
from harness.sandbox.faults import FaultBoard
from harness.sandbox.gate import Gate
from harness.sandbox.journal import Journal
from harness.sandbox.service import FhirService
from harness.sandbox.store import Store
from harness.sandbox.truth import Truth

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
FHIR_JSON = {"Content-Type": "application/fhir+json"}


class Client:
    """Sends requests one after the other, in an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver:8080")

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **more))

    def together(self, *requests: tuple[str, str]) -> list[httpx.Response]:
        """All at once; answers in the order asked."""

        async def send() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.request(method, path) for method, path in requests))

        return self._runner.run(send())

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@dataclass
class Bench:
    """A sandbox on the workbench: its parts, and how a client speaks to it."""

    client: Client
    truth: Truth
    faults: FaultBoard
    journal: Path
    store: Store
    app: Any

    def get(self, path: str, **headers: str) -> Any:
        return self.client.request("GET", f"/fhir/{path}", headers=_header_names(headers))

    def post(self, path: str, body: Any, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, content, headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        content = json.dumps(body).encode()
        return self.send("PUT", path, content, headers)

    def send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Any:
        every = {**FHIR_JSON, **_header_names(headers)}
        return self.client.request(method, f"/fhir/{path}", content=content, headers=every)

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.request("DELETE", f"/fhir/{path}", headers=_header_names(headers))

    def create(self, resource: dict[str, Any]) -> str:
        """Create; the id it got."""
        answer = self.post(resource["resourceType"], resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def found(self, path: str) -> list[str]:
        """The ids that a search matches, in its order."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        ids = [entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
        assert bundle["total"] >= len(ids)
        return ids

    def refused(self, path: str, status: int) -> str:
        """Why a search is refused."""
        answer = self.get(path)
        assert answer.status_code == status, answer.text
        return diagnostics_of(answer)


def diagnostics_of(answer: Any) -> str:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"
    return str(outcome["issue"][0]["diagnostics"])


def _header_names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def fixture_resource() -> Callable[[str], dict[str, Any]]:
    """A hand-written resource by the name of its file."""
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[tuple[Client, Store, Journal]] = []

    def make(data: Path = tmp_path, capacity: Capacity | None = None, seed: int = 0) -> Bench:
        truth, journal_path = Truth(), data / "journal.jsonl"
        if journal_path.exists():
            truth.restore(journal_path)
        store, journal, faults = Store(data / "fhir.sqlite"), Journal(journal_path), FaultBoard(seed)
        gate = Gate(FhirService(store), truth, journal, faults, Pools(capacity or Capacity()))
        app = sandbox_app(gate, SandboxDoor(truth, faults))
        client = Client(app)
        opened.append((client, store, journal))
        return Bench(client, truth, faults, journal_path, store, app)

    yield make
    for client, store, journal in opened:
        client.close()
        store.close()
        journal.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def diagnostics() -> Callable[[Any], str]:
    return diagnostics_of


@pytest.fixture
def observation() -> Callable[..., dict[str, Any]]:
    """A small Observation."""

    def make(
        patient: str = "p1", code: str = "2823-3", when: str = "2026-11-22T08:00:00Z", **more: Any
    ) -> dict[str, Any]:
        coding: Sequence[dict[str, str]] = [{"system": "http://loinc.org", "code": code}]
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": coding},
            "subject": {"reference": f"Patient/{patient}"},
            "effectiveDateTime": when,
            **more,
        }

    return make
