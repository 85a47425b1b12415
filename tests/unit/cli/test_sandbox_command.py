"""`emrload sandbox` as far as it goes without starting: help, the list of faults, what it refuses."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner

from harness.cli.program import emrload
from harness.errors import InputError, OutputError


def invoke(*arguments):
    # through the program: a command keeps the help option that it first met
    return CliRunner().invoke(emrload, ["sandbox", *arguments])


def test_help_shows_two_worked_examples():
    result = invoke("--help")
    assert result.exit_code == 0
    assert result.output.count("\n    emrload sandbox") + result.output.count("\n  emrload sandbox") == 2


def test_every_fault_is_listed_with_its_parameters():
    text = invoke("--list-faults").output
    rows = json.loads(invoke("--list-faults", "--json").output)
    assert [row["name"] for row in rows] == ["slow-site", "slow-operation", "error-rate", "stall", "down"]
    for row in rows:
        assert row["does"] in text
        for name, parameter in row["parameters"].items():
            assert f"    {name}" in text
            assert parameter["meaning"] in text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--servers", "4"], "--servers and --service go together"),
        (["--service", "50ms"], "--servers and --service go together"),
        (["--servers", "4", "--service", "0s"], "above 0"),
        (["--servers", "0", "--service", "1s"], "from 1 to 100,000"),
        (["--servers", "4", "--service", "50"], "with its unit"),
        (["--port", "70000"], "from 0 to 65,535"),
        (["--architecture", "monolith"], "shared"),
        (["--distribution", "normal"], "exponential"),
        (["--json"], "--list-faults"),
    ],
)
def test_options_that_make_no_sense_are_refused(arguments, reason):
    result = invoke(*arguments)
    assert result.exit_code == 2 or isinstance(result.exception, InputError)
    assert reason in f"{result.output}{result.exception}"


def test_all_wrong_faults_are_told_at_once():
    error = invoke("--fault", "slowsite", "--fault", "down:fro=1s").exception
    assert isinstance(error, InputError)
    assert len(error.problems) == 2


def test_a_taken_port_is_refused_with_another_one_to_try():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = invoke("--port", str(port)).exception
    assert isinstance(error, InputError)
    assert f"port {port} on 127.0.0.1 cannot be had" in str(error)
    assert "or leave --port out for a free one" in str(error)


def test_a_port_that_another_process_shares_is_refused_too():
    """The server under the sandbox would share it in silence, and every second request would go astray."""
    with socket.socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(("127.0.0.1", 0))
        shared.listen()
        error = invoke("--port", str(shared.getsockname()[1])).exception
    assert isinstance(error, InputError)


def test_a_name_for_an_address_is_refused():
    error = invoke("--host", "my-machine").exception
    assert isinstance(error, InputError)
    assert "is no IP address" in str(error)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    error = invoke("--data", str(tmp_path / "file" / "below")).exception
    assert isinstance(error, OutputError)
    assert "cannot be written" in str(error)


def test_a_folder_with_somebody_elses_database_is_refused(tmp_path):
    (tmp_path / "fhir.sqlite").write_text("hello " * 1000)
    error = invoke("--data", str(tmp_path)).exception
    assert isinstance(error, InputError)
    assert "was not written by this version" in str(error)
