"""The CapabilityStatement, made from the tables that the server works with: it declares nothing that is not there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from harness import __version__
from harness.sandbox.parameters import COLUMN_PARAMETERS, PARAMETERS
from harness.sandbox.routes import INTERACTIONS

__all__ = ["capability_statement"]

_KEPT = 16  # anything may stand in a Host header: only the last few addresses are remembered
_CODES = {"history": "history-instance", "search": "search-type"}


@lru_cache(maxsize=_KEPT)
def capability_statement(base: str, started: str) -> bytes:
    """`started` is an instant: the statement is as old as the process."""
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "emr-load-harness sandbox", "version": __version__},
        "implementation": {"description": "Embedded FHIR server for load tests; synthetic data only", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(kind) for kind in sorted(PARAMETERS)],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }
    return orjson.dumps(statement)


def _resource(kind: str) -> dict[str, Any]:
    parameters = {
        **COLUMN_PARAMETERS,
        **{
            name: "token" if parameter.kind == "contact" else parameter.kind
            for name, parameter in PARAMETERS[kind].items()
        },
    }
    return {
        "type": kind,
        "interaction": [{"code": _CODES.get(name, name)} for name in INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
        "searchInclude": [f"{kind}:{name}" for name, p in sorted(PARAMETERS[kind].items()) if p.kind == "reference"],
        "searchRevInclude": [
            f"{other}:{name}"
            for other in sorted(PARAMETERS)
            for name, p in sorted(PARAMETERS[other].items())
            if p.kind == "reference" and kind in p.targets
        ],
        "searchParam": [{"name": name, "type": kind_} for name, kind_ in sorted(parameters.items())],
    }
