"""Answers every request on a socket that it was handed with the same bytes, as fast as Python can.

For the self-test: what it costs to answer must not be counted as what it costs to ask, so it is a process of its own,
and imports nothing but the standard library. It ends when its standard input does, and so with whoever started it.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from typing import Final

__all__ = ["ENTRIES", "KIND", "PATIENT", "main", "serve"]

KIND: Final = "Observation"
PATIENT: Final = "1"
ENTRIES: Final = 5
"""Results on one screen. source: assumption (the benchmark's answer, of the same size, has as many)"""
_HEAD_END: Final = b"\r\n\r\n"
_RECEIVE_BYTES: Final = 65_536


def _observation(number: int) -> dict[str, object]:
    return {
        "resourceType": KIND,
        "id": f"canned-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-10T08:00:00Z"},
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "valueQuantity": {"value": 13.5, "unit": "g/dL"},
    }


def _answer() -> bytes:
    entries = [{"resource": _observation(number), "search": {"mode": "match"}} for number in range(ENTRIES)]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": ENTRIES, "entry": entries}
    body = json.dumps(bundle, separators=(",", ":")).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def serve(listener: socket.socket, until_closed: int) -> None:
    """Answer on all connections of `listener` until the descriptor `until_closed` has nothing more to give.

    Requests have no body. What a request's end is split over two reads for is not answered; on loopback none is.
    At the end it hangs up on everybody.
    """
    answer = _answer()
    listener.setblocking(False)
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(until_closed, selectors.EVENT_READ)
        try:
            while _answer_all(waiting, listener, answer):
                pass
        finally:
            for key in waiting.get_map().values():
                if key.data is not None:
                    key.data.close()


def _answer_all(waiting: selectors.BaseSelector, listener: socket.socket, answer: bytes) -> bool:
    """Answer all who have asked, and let in who comes; False once it is over."""
    for key, _ in waiting.select():
        if key.fileobj is listener:
            line, _address = listener.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(line, selectors.EVENT_READ, line)
        elif key.data is None:
            return False
        elif not _reply(key.data, answer):
            waiting.unregister(key.data)
            key.data.close()
    return True


def _reply(line: socket.socket, answer: bytes) -> bool:
    """Answer what has come; False once the other end has left."""
    try:
        asked = line.recv(_RECEIVE_BYTES)
        line.sendall(answer * asked.count(_HEAD_END))
    except OSError:
        return False
    return bool(asked)


def main() -> None:
    """`python -m harness.load.canned_server DESCRIPTOR`: of a listening socket."""
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        serve(listener, sys.stdin.fileno())


if __name__ == "__main__":
    main()
