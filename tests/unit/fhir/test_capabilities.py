"""What a server declares, against what a workflow needs."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import TargetError
from harness.fhir import Capabilities


def statement(**rest: Any) -> dict[str, Any]:
    patient = {
        "type": "Patient",
        "interaction": [{"code": "read"}, {"code": "search-type"}, {"code": "create"}],
        "conditionalCreate": True,
        "searchParam": [{"name": "name"}, {"name": "birthdate"}],
    }
    written_only = {"type": "DocumentReference", "interaction": [{"code": "create"}]}
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "Example", "version": "2"},
        "rest": [{"mode": "server", "resource": [patient, written_only], "interaction": [{"code": "batch"}], **rest}],
    }


@pytest.fixture
def server() -> Capabilities:
    return Capabilities.from_statement(statement(searchParam=[{"name": "_tag"}]))


def test_what_is_declared_is_not_missing(server: Capabilities):
    needs = ("Patient.read", "Patient.create", "Patient.create.conditional", "Patient?name&birthdate", "batch")
    assert server.lacks(needs) == ()


def test_what_is_missing_is_named_in_order(server: Capabilities):
    needs = ("Patient.update", "Task.read", "Patient?name&gender&phone", "transaction", "Patient.update")
    assert server.lacks(needs) == ("Patient.update", "Task.read", "Patient?gender&phone", "transaction")


def test_parameters_that_shape_the_answer_are_not_looked_at(server: Capabilities):
    assert server.lacks(["Patient?name&_sort&_count&_include&_total"]) == ()


def test_a_tag_may_be_declared_once_for_all_kinds(server: Capabilities):
    assert server.lacks(["Patient?_tag"]) == ()
    assert Capabilities.from_statement(statement()).lacks(["Patient?_tag"]) == ("Patient?_tag",)


def test_a_modifier_or_a_chain_needs_the_parameter_itself(server: Capabilities):
    assert server.lacks(["Patient?name:exact"]) == ()
    assert server.lacks(["Patient?organization.name"]) == ("Patient?organization.name",)


def test_a_kind_that_cannot_be_searched_lacks_the_whole_search(server: Capabilities):
    assert server.lacks(["DocumentReference?patient", "Task?owner"]) == ("DocumentReference?patient", "Task?owner")


def test_a_server_that_takes_transactions_takes_batches():
    hapi = Capabilities.from_statement(statement(interaction=[{"code": "transaction"}, {"code": "history-system"}]))
    assert hapi.lacks(["batch", "transaction"]) == ()


def test_what_a_client_does_is_no_capability_of_the_server():
    content = statement()
    content["rest"][0]["mode"] = "client"
    assert Capabilities.from_statement(content).lacks(["Patient.read"]) == ("Patient.read",)


def test_software_and_version_are_kept(server: Capabilities):
    assert (server.software, server.fhir_version) == ("Example 2", "4.0.1")
    nameless = statement()
    del nameless["software"]
    assert Capabilities.from_statement(nameless).software == ""


@pytest.mark.parametrize("need", ["", "Patient", "patient.read", "Patient.vread", "Patient?", "Patient?a&", "history"])
def test_a_word_that_is_no_need_is_refused(server: Capabilities, need: str):
    with pytest.raises(ValueError, match="is no need"):
        server.lacks([need])


@pytest.mark.parametrize(
    "content",
    [None, [], {}, {"resourceType": "Patient"}, {"resourceType": "CapabilityStatement"}, statement(resource=[{}])],
)
def test_what_is_no_capability_statement_is_a_fault_of_the_target(content: Any):
    with pytest.raises(TargetError) as caught:
        Capabilities.from_statement(content)
    assert caught.value.exit_code == 2
    assert caught.value.hint
