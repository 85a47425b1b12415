"""What every tool asks: one Bundle again and again, or a chart review of seven requests; and what it is answered.

    identifiers.csv ──▶ 1 Patient?identifier=…            its id is read from the answer
                        5 searches of that patient's chart, of which each match must be about that patient
                        1 transaction about that patient

Charts are those that the harness seeds. Requests are written by `harness.fhir.requests`, as the engine under test
writes them, and handed to the other tools as text with `@identifier@` and `@patient@` in it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from harness.clinic.charts import write_chart
from harness.clinic.registry import collecting
from harness.clinic.site_population import SitePopulation, site_population
from harness.fhir import requests
from harness.fhir.call import Call

with collecting():  # only the load processes do them
    from benchmarks.peers.emrload_scenario.workflows import END, ONE_BUNDLE, REVIEWED, vital_signs

__all__ = ["BUNDLE_BYTES", "END", "PATIENTS", "Workload", "bundle", "write_workload"]

Resource = dict[str, Any]

BUNDLE_BYTES: Final = 2134
PATIENTS: Final = 100
SYSTEM: Final = "urn:bench:mrn"
_DAY: Final = date(2026, 11, 10)
"""At the end of the one Bundle: who finds it has kept the content and looked through all of it."""
_NAME, _PATIENT = "@identifier@", "@patient@"
_REQUIRED: Final = ("Condition", "AllergyIntolerance", "MedicationRequest")
_NEEDS: Final[Mapping[str, Sequence[str]]] = {
    "Patient": ("identifier",),
    "Observation": ("patient", "category"),
    "Condition": ("patient", "category"),
    "MedicationRequest": ("patient", "intent", "status"),
    "AllergyIntolerance": ("patient",),
}


@dataclass(frozen=True)
class Workload:
    """Where it all is. `answers` is what a web server is to serve, named by kind, category and patient."""

    folder: Path

    @property
    def answers(self) -> Path:
        return self.folder / "answers"

    @property
    def bundle(self) -> Path:
        """JSON: path of the one Bundle, and what it ends with."""
        return self.folder / "bundle.json"

    @property
    def review(self) -> Path:
        """JSON: the seven requests of a chart review."""
        return self.folder / "review.json"

    @property
    def identifiers(self) -> Path:
        """CSV with the header `identifier`, each as it stands in a request."""
        return self.folder / "identifiers.csv"

    @property
    def patients(self) -> Path:
        """The same people as `emrload run --patients` takes them."""
        return self.folder / "patients.csv"

    def lines(self, kind: str) -> Path:
        """The same requests written out, `METHOD<tab>path<tab>body` a line, for who can neither read nor parse."""
        return self.folder / f"{kind}.tsv"


def write_workload(folder: Path, patients: int = PATIENTS) -> Workload:
    """Write everything that is asked and answered, with so many patients."""
    workload = Workload(folder)
    workload.answers.mkdir(parents=True)
    people = list(islice(_charts(patients), patients))
    for patient, mrn, chart in people:
        for name, resources in _found(patient, mrn, chart).items():
            (workload.answers / f"{name}.json").write_bytes(_searchset(resources))
    (workload.answers / "Observation-laboratory-1.json").write_bytes(bundle())
    (workload.answers / "metadata.json").write_text(json.dumps(_statement()))
    (workload.answers / "transaction.json").write_text(_transaction_response())
    workload.bundle.write_text(json.dumps({"path": _target(ONE_BUNDLE), "end": END.decode()}))
    review = _review()
    workload.review.write_text(json.dumps(review))
    _write_column(workload.identifiers, [_in_url(mrn) for _, mrn, _ in people])
    _write_column(workload.patients, [f"{SYSTEM}|{mrn}" for _, mrn, _ in people])
    workload.lines("bundle").write_text(f"GET\t{_target(ONE_BUNDLE)}\t\n")
    workload.lines("review").write_text(
        "".join(line for patient, mrn, _ in people for line in _written_out(review, patient, _in_url(mrn)))
    )
    return workload


def bundle() -> bytes:
    """A searchset of five laboratory results, filled up to 2,134 bytes; what it ends with stands nowhere else."""
    entries = [
        {
            "fullUrl": f"http://127.0.0.1/fhir/Observation/{number}",
            "resource": {
                "resourceType": "Observation",
                "id": str(number),
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
                "subject": {"reference": "Patient/1"},
                "effectiveDateTime": "2026-11-23T05:30:00Z",
                "valueQuantity": {"value": 4.0 + number / 10, "unit": "mmol/L"},
            },
        }
        for number in range(5)
    ]
    whole = {"resourceType": "Bundle", "id": "", "type": "searchset", "total": 5, "entry": entries}
    whole["link"] = [{"relation": "self", "url": json.loads(END.removesuffix(b"}]}"))}]
    missing = BUNDLE_BYTES - len(json.dumps(whole).encode())
    return json.dumps({**whole, "id": "b" * missing}).encode()


def _review() -> Resource:
    """The seven requests, with placeholders."""
    find = requests.search("Patient", "", {"identifier": _NAME})
    searches = [requests.search(kind, _PATIENT, parameters) for kind, parameters in REVIEWED]
    tagged = [
        {**entry, "resource": requests.tagged(entry["resource"], "run-00000000")} for entry in vital_signs(_PATIENT)
    ]
    write = requests.bundle("transaction", "chart-review", tagged)
    return {
        "find": _target(find),
        "searches": [
            {"path": _target(search), "kind": kind} for search, (kind, _) in zip(searches, REVIEWED, strict=True)
        ],
        "transaction": {"path": _target(write), "body": write.body.decode()},
        "subject": f"Patient/{_PATIENT}",
        "stored": '"transaction-response"',
    }


def _target(call: Call) -> str:
    """The path as it stands in the request line; a placeholder is none of what a URL quotes."""
    path = call.path.replace("%40", "@")
    return f"/fhir/{path}" if path else "/fhir"


def _in_url(mrn: str) -> str:
    return requests.search("Patient", "", {"identifier": f"{SYSTEM}|{mrn}"}).path.partition("=")[2]


def _written_out(review: Resource, patient: str, identifier: str) -> Iterator[str]:
    yield f"GET\t{review['find'].replace(_NAME, identifier)}\t\n"
    for search in review["searches"]:
        yield f"GET\t{search['path'].replace(_PATIENT, patient)}\t\n"
    write = review["transaction"]
    yield f"POST\t{write['path']}\t{write['body'].replace(_PATIENT, patient)}\n"


def _charts(patients: int) -> Iterator[tuple[str, str, Sequence[Resource]]]:
    """Id, record number and resources of whoever has something to be found by each of the searches."""
    people = site_population(7, "bench", "en_US", 10 * patients, {"nurse": 4, "primary-care-physician": 4}, _DAY)
    staff = {"nurse": ("n1", "n2"), "primary-care-physician": ("c1", "c2")}
    for ordinal in count():
        entries = write_chart(people, ordinal, "bench", staff)
        chart = [_stored(entry, ordinal, number, people) for number, entry in enumerate(entries)]
        if {one["resourceType"] for one in chart}.issuperset(_REQUIRED):
            yield f"p{ordinal}", str(1_000_000 + ordinal), chart


def _stored(entry: Resource, ordinal: int, number: int, people: SitePopulation) -> Resource:
    """As a server gives it back: with an id, a version and the patient's own id in each reference to her."""
    text = json.dumps(entry["resource"]).replace(people.urn("patient", ordinal), f"Patient/p{ordinal}")
    resource: Resource = json.loads(text)
    resource["id"] = f"p{ordinal}" if number == 0 else f"p{ordinal}-{number}"
    resource["meta"] = {"versionId": "1", "lastUpdated": "2026-11-10T06:00:00Z", **resource.get("meta", {})}
    return resource


def _found(patient: str, mrn: str, chart: Sequence[Resource]) -> dict[str, list[Resource]]:
    """Name of an answer → what is in it."""
    who = {**chart[0], "identifier": [{"system": SYSTEM, "value": mrn}]}
    found = {f"Patient-{mrn}": [who]}
    for kind, parameters in REVIEWED:
        of_kind = [one for one in chart if one["resourceType"] == kind]
        if kind == "Observation":
            category = parameters["category"]
            of_kind = [one for one in of_kind if one["category"][0]["coding"][0]["code"] == category]
            found[f"{kind}-{category}-{patient}"] = of_kind
        else:
            found[f"{kind}-{patient}"] = of_kind
    return found


def _searchset(matches: Sequence[Resource]) -> bytes:
    entries = [
        {
            "fullUrl": f"http://127.0.0.1/fhir/{one['resourceType']}/{one['id']}",
            "resource": one,
            "search": {"mode": "match"},
        }
        for one in matches
    ]
    whole = {"resourceType": "Bundle", "id": "bench", "type": "searchset", "total": len(entries), "entry": entries}
    return json.dumps(whole, separators=(",", ":")).encode()


def _transaction_response() -> str:
    """Short enough to stand in a web server's configuration, as HAPI answers where nobody asks for what was stored."""
    entries = [
        {"response": {"status": "201 Created", "location": f"Observation/{number}/_history/1", "etag": "1"}}
        for number in range(len(vital_signs("1")))
    ]
    whole = {"resourceType": "Bundle", "id": "bench", "type": "transaction-response", "entry": entries}
    return json.dumps(whole, separators=(",", ":"))


def _statement() -> Resource:
    resources = [
        {
            "type": kind,
            "interaction": [{"code": "search-type"}],
            "searchParam": [{"name": name, "type": "string"} for name in parameters],
        }
        for kind, parameters in _NEEDS.items()
    ]
    rest = {"mode": "server", "resource": resources, "interaction": [{"code": "transaction"}]}
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "canned"},
        "rest": [rest],
    }


def _write_column(path: Path, values: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("identifier",), *((value,) for value in values)])
