"""The door every FHIR request passes: counted, held by planted faults, queued for a server, served, counted again.

    arrive ─▶ journal ─▶ stall ─▶ [pool: error-rate, or real work] ─▶ slow-site ─▶ X-…-Ms headers ─▶ journal ─▶ leave
                  └─ down: every connection is closed, no answer

Control traffic (X-Request-Id beginning with `control-`) waits for no server, meets no fault but `down`, and is counted
apart.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
import traceback
import zlib
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.sandbox.bundles import ParsedBundle
from harness.sandbox.capacity import Pools
from harness.sandbox.connections import drop_connections
from harness.sandbox.faults import FaultBoard
from harness.sandbox.journal import Journal
from harness.sandbox.outcome import FhirError, Reply, outcome_reply
from harness.sandbox.routes import BASE_PATH, Interaction, interaction_of, lane_of
from harness.sandbox.service import Asked, FhirService
from harness.sandbox.truth import CONTROL_PREFIX, NO_SITE, Truth

__all__ = ["Gate"]

_GZIP_FROM_BYTES = 1400  # below this a body fits into one packet anyway
_GZIP_UP_TO_BYTES = 1_000_000  # 20 ms a megabyte, in which nobody else is served; scans hardly shrink anyway
_GZIP_LEVEL = 1


@dataclass(slots=True)
class _Visitor:
    """One request on its way through. `operation` becomes exact once the body was read."""

    request_id: str
    site: str
    operation: str
    arrived: float
    """On `time.perf_counter`."""
    service_s: float = 0.0

    @property
    def is_control(self) -> bool:
        return self.request_id.startswith(CONTROL_PREFIX)


class Gate:
    """An ASGI application for everything below the FHIR base."""

    def __init__(self, service: FhirService, truth: Truth, journal: Journal, faults: FaultBoard, pools: Pools) -> None:
        self._service = service
        self._truth = truth
        self._journal = journal
        self._faults = faults
        self._pools = pools
        self._unnamed = itertools.count(1)
        self._stall: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = headers.get("x-request-id") or f"unnamed-{os.getpid()}-{next(self._unnamed)}"
        method, path = scope["method"], scope["path"]
        interaction: Interaction | FhirError
        try:
            interaction = interaction_of(method, path)
            operation = interaction.operation
        except FhirError as error:
            interaction, operation = error, "unknown"
        visitor = _Visitor(request_id, headers.get("x-site") or NO_SITE, operation, arrived)
        if self._faults.is_down():
            self._play_dead(visitor, scope)
            await Response(status_code=503)(scope, receive, send)  # goes nowhere: the connection is closed
            return
        self._journal.arrived(request_id, visitor.site, operation)
        self._truth.arrived(request_id, visitor.site, lane_of(operation))
        try:
            base = f"{scope['scheme']}://{headers.get('host', 'localhost')}{BASE_PATH}"
            body = await Request(scope, receive).body() if method in ("POST", "PUT") else b""
            asked = Asked(method, path, scope["query_string"].decode("latin-1"), headers, base, body)
            reply = await self._serve(visitor, interaction, asked)
        except asyncio.CancelledError:
            self._truth.gave_up(request_id)
            raise
        except ClientDisconnect:  # before all of the body had come: nobody is there to answer
            self._truth.gave_up(request_id)
            return
        await self._leave(visitor, reply, headers)(scope, receive, send)

    def _play_dead(self, visitor: _Visitor, scope: Scope) -> None:
        self._journal.dropped(visitor.request_id, visitor.site, visitor.operation)
        self._truth.dropped += 1
        drop_connections(int(scope["server"][1]), int(scope["client"][1]))

    async def _serve(self, visitor: _Visitor, interaction: Interaction | FhirError, asked: Asked) -> Reply:
        async def work() -> Reply:
            return await self._perform(visitor, interaction, asked)

        if visitor.is_control:
            start = time.perf_counter()
            reply = await work()
            visitor.service_s = time.perf_counter() - start
            return reply
        await self._stand_still()
        factor = self._faults.service_factor(visitor.operation)
        reply, visit = await self._pools.serve(lane_of(visitor.operation), visitor.site, work, factor)
        visitor.service_s = visit.service_s
        delay_s = self._faults.delay_s(visitor.site)
        if delay_s:
            await asyncio.sleep(delay_s)
        return reply

    async def _stand_still(self) -> None:
        """Wait until a stall is over, if there is one; all who do go on in the order in which they came."""
        while (left_s := self._faults.stall_left_s()) > 0:
            if self._stall is None or self._stall.done():
                self._stall = asyncio.create_task(asyncio.sleep(left_s))
            await asyncio.shield(self._stall)

    async def _perform(self, visitor: _Visitor, interaction: Interaction | FhirError, asked: Asked) -> Reply:
        try:
            if isinstance(interaction, FhirError):
                raise interaction
            bundle: ParsedBundle | None = None
            if interaction.name == "bundle":
                bundle = self._service.read_bundle(asked)
                visitor.operation = bundle.kind
            status = None if visitor.is_control else self._faults.error_status(visitor.site, visitor.operation)
            if status is not None:
                raise FhirError(status, "exception", "planted fault 'error-rate'")
            if bundle is not None:
                return await self._service.perform_bundle(bundle, asked)
            return await self._service.perform(interaction, asked)
        except FhirError as error:
            return outcome_reply(error)
        except Exception:  # noqa: BLE001 (a bug of ours must become a 500 that is counted like any other answer)
            traceback.print_exc(file=sys.stderr)
            return outcome_reply(FhirError(500, "exception", "internal error of the sandbox; its log says which"))

    def _leave(self, visitor: _Visitor, reply: Reply, headers: dict[str, str]) -> Response:
        """Everything that takes time happens before the residence is read off; only handing over comes after it."""
        body, answer_headers = reply.body, dict(reply.headers)
        if _GZIP_FROM_BYTES <= len(body) <= _GZIP_UP_TO_BYTES and "gzip" in headers.get("accept-encoding", ""):
            body = zlib.compress(body, _GZIP_LEVEL, wbits=31)
            answer_headers["Content-Encoding"] = "gzip"
            answer_headers["Vary"] = "Accept-Encoding"
        residence_ms = (time.perf_counter() - visitor.arrived) * 1000
        answer_headers["X-Request-Id"] = visitor.request_id
        answer_headers["X-Service-Ms"] = f"{visitor.service_s * 1000:.3f}"
        answer_headers["X-Residence-Ms"] = f"{residence_ms:.3f}"
        site, operation = visitor.site, visitor.operation
        self._journal.answered(visitor.request_id, site, operation, reply.status, residence_ms)
        self._truth.answered(visitor.request_id, site, lane_of(operation), reply.status, residence_ms)
        return Response(body, reply.status, answer_headers)
