"""What a server declares that it can do, as far as workflows need it: read once from `/metadata`, kept as a JSON file.

A workflow states its needs as words: `Encounter.update`, `Patient.create.conditional`, `Appointment?practitioner&date`,
`transaction`, `batch`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.errors import TargetError

__all__ = ["Capabilities"]

_NEED: Final = re.compile(
    r"(?P<system>transaction|batch)"
    r"|(?P<kind>[A-Z][A-Za-z]+)(\.(?P<interaction>read|create|update|delete|create\.conditional)|\?(?P<parameters>[^?&\s]+(&[^?&\s]+)*))"
)
_EVERYWHERE: Final = frozenset({"_id", "_lastUpdated", "_tag", "_profile", "_security"})
"""Search parameters of every resource (R4, 3.1.1): a statement may declare them once for all, or with each."""
_TAKES_BUNDLES: Final = "transaction"
"""Both kinds of Bundle are posted to the base URL; HAPI declares `transaction` only, and takes batches as well."""
_CONDITIONAL: Final = {"conditionalCreate": "create.conditional"}


@dataclass(frozen=True)
class Capabilities:
    """`interactions` and `parameters` by resource kind, `system` for the whole server (`transaction`, `batch`)."""

    fhir_version: str
    software: str
    """Name and version as the server tells them; "" where it does not."""
    interactions: Mapping[str, frozenset[str]]
    parameters: Mapping[str, frozenset[str]]
    system: frozenset[str]

    @classmethod
    def from_statement(cls, statement: Any) -> Capabilities:
        """From a CapabilityStatement. Raises TargetError where it is none, or declares nothing that a server does."""
        if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
            raise TargetError(
                "the target's /metadata is no CapabilityStatement", "give the base URL of a FHIR R4 server"
            )
        try:
            return cls._from_rest(
                statement, [rest for rest in statement["rest"] if rest.get("mode", "server") == "server"]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise TargetError(
                "the target's CapabilityStatement cannot be read: `rest` is missing or not as R4 has it",
                "ask whoever runs the server for a valid /metadata",
            ) from error

    @classmethod
    def _from_rest(cls, statement: dict[str, Any], servers: Sequence[dict[str, Any]]) -> Capabilities:
        interactions: dict[str, frozenset[str]] = {}
        parameters: dict[str, frozenset[str]] = {}
        for rest in servers:
            everywhere = _names(rest.get("searchParam", ()))
            for resource in rest.get("resource", ()):
                kind = resource["type"]
                conditional = {word for flag, word in _CONDITIONAL.items() if resource.get(flag) is True}
                interactions[kind] = frozenset(one["code"] for one in resource.get("interaction", ())) | conditional
                parameters[kind] = everywhere | _names(resource.get("searchParam", ()))
        software = statement.get("software", {})
        return cls(
            fhir_version=str(statement.get("fhirVersion", "")),
            software=" ".join(str(software[part]) for part in ("name", "version") if part in software),
            interactions=interactions,
            parameters=parameters,
            system=frozenset(one["code"] for rest in servers for one in rest.get("interaction", ())),
        )

    def lacks(self, needs: Sequence[str]) -> tuple[str, ...]:
        """Those of `needs` that the server does not declare, in their order.

        Of a search only the parameters that are missing are given; those that shape the answer (`_sort`, `_count`) are
        not looked at. Raises ValueError for a word that is no need.
        """
        return tuple(missing for need in dict.fromkeys(needs) if (missing := self._missing(need)))

    def _missing(self, need: str) -> str:
        match = _NEED.fullmatch(need)
        if match is None:
            raise ValueError(f"'{need}' is no need; write Kind.read, Kind?parameter&parameter, transaction or batch")
        if match["system"]:
            return "" if need in self.system or _TAKES_BUNDLES in self.system else need
        kind = match["kind"]
        declared = self.interactions.get(kind, frozenset())
        if match["interaction"]:
            return "" if match["interaction"] in declared else need
        if "search-type" not in declared:
            return need
        known = self.parameters[kind]
        absent = [one for one in match["parameters"].split("&") if not _declared(one, known)]
        return f"{kind}?{'&'.join(absent)}" if absent else ""

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; `from_json` reads them."""
        return {
            "fhir_version": self.fhir_version,
            "software": self.software,
            "interactions": {kind: sorted(names) for kind, names in self.interactions.items()},
            "parameters": {kind: sorted(names) for kind, names in self.parameters.items()},
            "system": sorted(self.system),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Capabilities:
        """What `to_json` gave. Raises KeyError where it is something else."""
        return cls(
            fhir_version=values["fhir_version"],
            software=values["software"],
            interactions={kind: frozenset(names) for kind, names in values["interactions"].items()},
            parameters={kind: frozenset(names) for kind, names in values["parameters"].items()},
            system=frozenset(values["system"]),
        )


def _names(parameters: Sequence[Mapping[str, str]]) -> frozenset[str]:
    return frozenset(one["name"] for one in parameters)


def _declared(parameter: str, known: frozenset[str]) -> bool:
    """Of `name:exact` and `patient.identifier` the first part is what a statement declares."""
    name = parameter.partition(":")[0].partition(".")[0]
    return name in known or (name.startswith("_") and name not in _EVERYWHERE)
