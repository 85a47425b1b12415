"""The ASGI application: FHIR below /fhir, the experimenter's own door below /_sandbox.

GET  /_sandbox/truth    what the server counted            PUT  /_sandbox/faults   replaces the planted faults
GET  /_sandbox/faults   what is planted now
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from harness.errors import InputError
from harness.sandbox.connections import drop_connections
from harness.sandbox.faults import FaultBoard, plant_from_json
from harness.sandbox.gate import Gate
from harness.sandbox.outcome import FhirError, outcome_reply
from harness.sandbox.routes import BASE_PATH
from harness.sandbox.truth import Truth

__all__ = ["SandboxDoor", "sandbox_app"]


_LAST_WORDS_S = 0.05  # so that the answer to planting `down:after=0s` still gets out


class SandboxDoor:
    """Shows the truth and plants faults; every visit counts as control traffic."""

    def __init__(self, truth: Truth, faults: FaultBoard) -> None:
        self._truth = truth
        self._faults = faults
        self._to_go_down: list[asyncio.TimerHandle] = []

    async def truth(self, request: Request) -> Response:  # noqa: ARG002 (Starlette's signature)
        # Sorting a million residences takes a while: a copy is sorted beside the event loop.
        return _json(200, await asyncio.to_thread(copy.deepcopy(self._truth).as_json))

    async def faults(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                faults = plant_from_json(orjson.loads(await request.body()))
            except orjson.JSONDecodeError as error:
                return _json(400, {"error": f"the body is no JSON: {error.msg}"})
            except InputError as error:
                return _json(400, {"error": str(error)})
            self._faults.plant(faults)
            self.arm(int(request.scope["server"][1]))
        return _json(200, self._faults.as_json())

    def arm(self, port: int) -> None:
        """When the server goes down, connections that stand idle break as well, not only those that ask something."""
        loop = asyncio.get_running_loop()
        for timer in self._to_go_down:
            timer.cancel()
        now_s = self._faults.clock()
        self._to_go_down = [
            loop.call_later(max(_LAST_WORDS_S, start - now_s), drop_connections, port)
            for start, _ in self._faults.downtimes_s()
        ]

    def counted(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            self._truth.control.arrivals += 1
            response = await handler(request)
            self._truth.control.answers[response.status_code] += 1
            return response

        return handle


def sandbox_app(gate: Gate, door: SandboxDoor) -> Starlette:
    return Starlette(
        routes=[
            Route(BASE_PATH, gate),
            Mount(BASE_PATH, app=gate),
            Route("/_sandbox/truth", door.counted(door.truth), methods=["GET"]),
            Route("/_sandbox/faults", door.counted(door.faults), methods=["GET", "PUT"]),
            Route("/{path:path}", _elsewhere),
        ]
    )


async def _elsewhere(request: Request) -> Response:  # noqa: ARG001 (Starlette's signature)
    reply = outcome_reply(FhirError(404, "not-found", f"the FHIR base is {BASE_PATH}"))
    return Response(reply.body, reply.status, dict(reply.headers))


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
