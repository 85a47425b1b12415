"""One clear error for each thing that can be given wrongly, command by command: what, where, and the way out.

Exit code 2 every time, nothing on standard output, and nothing left in the folder.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.cli.program import run_program

Golden = Callable[[str, str], None]
Run = Callable[..., Any]
RUSH = str(Path(__file__).parents[1] / "scenarios" / "quick-rush.yaml")
SECRET = ["--secret-file", __file__]
NOBODY = "http://127.0.0.1:9/fhir"

WRONG: dict[str, list[str]] = {
    # the program
    "unknown-command": ["rnu", "morning-rush"],
    "unknown-command-like-none": ["x" * 500],
    "unknown-option": ["--verison"],
    # calibrate
    "calibrate-a-scenario": ["calibrate", "morning-rush"],
    "calibrate-workers-0": ["calibrate", "--workers", "0"],
    "calibrate-self-test-that-is-kept": ["calibrate", "--self-test", "--out", "kept"],
    # run
    "run-nothing": ["run"],
    "run-two-scenarios": ["run", "morning-rush", "evening-rush"],
    "run-unknown-scenario": ["run", "mornig-rush"],
    "run-empty-scenario": ["run", ""],
    "run-long-scenario": ["run", "rush" * 500],
    "run-scenario-over-two-lines": ["run", "morning\nrush"],
    "run-nul-in-the-scenario": ["run", "morning\0rush.yaml"],
    "run-folder-for-a-scenario": ["run", "./"],
    "run-unknown-option": ["run", "morning-rush", "--site", "3"],
    "run-option-without-its-value": ["run", "morning-rush", "--sites"],
    "run-sites-0": ["run", "morning-rush", "--sites", "0"],
    "run-sites-negative": ["run", "morning-rush", "--sites", "-1"],
    "run-sites-ten": ["run", "morning-rush", "--sites", "ten"],
    "run-sites-1e3": ["run", "morning-rush", "--sites", "1e3"],
    "run-sites-in-other-digits": ["run", "morning-rush", "--sites", "３"],
    "run-sites-empty": ["run", "morning-rush", "--sites", ""],
    "run-sites-huge": ["run", "morning-rush", "--sites", "9" * 300],
    "run-seed-negative": ["run", "morning-rush", "--seed", "-1"],
    "run-duration-without-unit": ["run", "morning-rush", "--duration", "60"],
    "run-duration-negative": ["run", "morning-rush", "--duration", "-5m"],
    "run-duration-nan": ["run", "morning-rush", "--duration", "nan"],
    "run-duration-long-text": ["run", "morning-rush", "--duration", "soon" * 200],
    "run-duration-too-short": ["run", "morning-rush", "--duration", "1ms"],
    "run-duration-too-long": ["run", "morning-rush", "--duration", "30d"],
    "run-duration-of-ages": ["run", "morning-rush", "--duration", "99999999d"],
    "run-window-and-duration": ["run", "morning-rush", "--window", "08:00..08:30", "--duration", "5m"],
    "run-workers-0": ["run", "morning-rush", "--workers", "0"],
    "run-label-without-equals": ["run", "morning-rush", "--label", "build", "--label", "=3", "--label", "a=b"],
    "run-label-twice": ["run", "morning-rush", "--label", "build=1", "--label", "build=2"],
    "run-set-without-equals": ["run", "morning-rush", "--set", "think_factor"],
    "run-set-unknown": ["run", "morning-rush", "--set", "templates.clinic.mix.nurze=3"],
    "run-set-not-a-number": ["run", "morning-rush", "--set", "think_factor=nan"],
    "run-out-empty": ["run", RUSH, "--out", ""],
    "run-out-in-a-file": ["run", RUSH, "--out", "/etc/hostname/run"],
    "run-out-is-a-file": ["run", RUSH, "--out", "/etc/hostname"],
    "run-out-cannot-be-made": ["run", RUSH, "--out", "/proc/nowhere/run"],
    "run-out-not-empty": ["run", RUSH, "--out", "/etc"],
    "run-target-not-a-url": ["run", RUSH, "--target", "ehr"],
    "run-target-empty": ["run", RUSH, "--target", ""],
    "run-target-scheme": ["run", RUSH, "--target", "ftp://127.0.0.1/fhir"],
    "run-target-password": ["run", RUSH, "--target", "https://me:secret@127.0.0.1/fhir"],
    "run-target-not-loopback": ["run", RUSH, "--target", "https://ehr.example.org/fhir"],
    "run-target-another-host": ["run", RUSH, "--target", "https://ehr.example.org/fhir", "--i-own", "ehr.example.com"],
    "run-target-no-such-host": ["run", RUSH, "--target", "http://ehr.invalid/fhir", "--i-own", "ehr.invalid"],
    "run-target-refused": ["run", RUSH, "--target", NOBODY],
    "run-allow-list-missing": ["run", RUSH, "--target", "http://ehr.example.org/fhir", "--allow-list", "./none"],
    # plan
    "plan-nothing": ["plan"],
    "plan-png-empty": ["plan", RUSH, "--sites", "1", "--png", ""],
    "plan-workers-ten": ["plan", RUSH, "--workers", "ten"],
    # run, with workers on other hosts
    "run-workers-here-and-elsewhere": ["run", "morning-rush", "--workers", "2", "--expect-workers", "2"],
    "run-expect-workers-0": ["run", "morning-rush", "--expect-workers", "0"],
    "run-bind-without-workers": ["run", "morning-rush", "--bind", "127.0.0.1"],
    "run-bind-a-name": ["run", "morning-rush", "--expect-workers", "2", "--bind", "ehr.example.org"],
    "run-bind-port-of-ages": ["run", "morning-rush", "--expect-workers", "2", "--bind", "127.0.0.1:65535"],
    "run-bind-for-all-without-a-secret": ["run", "morning-rush", "--expect-workers", "2", "--bind", "0.0.0.0"],
    "run-bind-elsewhere": ["run", RUSH, "--expect-workers", "2", "--bind", "192.0.2.1", "--target", NOBODY, *SECRET],
    "run-sandbox-for-other-hosts": ["run", RUSH, "--expect-workers", "2", "--bind", "10.0.0.1", *SECRET],
    "run-secret-too-short": ["run", RUSH, "--expect-workers", "2", "--secret-file", "/dev/null"],
    "run-secret-missing": ["run", RUSH, "--expect-workers", "2", "--secret-file", "fleet.secret"],
    # worker
    "worker-nothing": ["worker"],
    "worker-master-empty": ["worker", "--master", ""],
    "worker-master-url": ["worker", "--master", "http://10.0.0.1:5556/"],
    "worker-master-port-0": ["worker", "--master", "10.0.0.1:0"],
    "worker-without-a-secret": ["worker", "--master", "10.0.0.1:5556"],
    "worker-wait-without-unit": ["worker", "--master", "127.0.0.1", "--wait", "10"],
    "worker-nobody-there": ["worker", "--master", "127.0.0.1:9", "--wait", "1ms"],
    # scenarios
    "scenarios-unknown": ["scenarios", "rush-morning"],
    "scenarios-unknown-option": ["scenarios", "--jsn"],
    # check
    "check-nothing": ["check"],
    "check-sites-of-nothing": ["check", "--sites", "3"],
    "check-unknown-scenario": ["check", "mornig-rush"],
    "check-sites-ten": ["check", "morning-rush", "--sites", "ten"],
    # seed
    "seed-nothing": ["seed"],
    "seed-without-target": ["seed", "morning-rush"],
    "seed-the-sandbox-by-name": ["seed", "morning-rush", "--target", "sandbox"],
    "seed-refused": ["seed", "morning-rush", "--target", NOBODY],
    "seed-unknown-scenario": ["seed", "mornig-rush", "--target", NOBODY],
    # cleanup
    "cleanup-nothing": ["cleanup"],
    "cleanup-both": ["cleanup", "reports", "--target", NOBODY],
    "cleanup-no-run": ["cleanup", "reports"],
    "cleanup-refused": ["cleanup", "--target", NOBODY],
    # report
    "report-nothing": ["report"],
    "report-empty": ["report", ""],
    "report-no-such-folder": ["report", "reports/2026"],
    "report-no-run": ["report", "."],
    "report-a-file": ["report", RUSH.replace(RUSH, "/etc/hostname")],
    "report-verify-and-rejudge": ["report", ".", "--verify", "--rejudge"],
    "report-several-without-a-place": ["report", "one", "two"],
    "report-several-verified": ["report", "one", "two", "--verify"],
    "report-several-of-none": ["report", "one", "two", "--out", "both"],
    "report-rejudge-in-place": ["report", ".", "--rejudge"],
    # compare
    "compare-nothing": ["compare"],
    "compare-one": ["compare", "reports"],
    "compare-empty": ["compare", "", "reports"],
    "compare-no-such-folder": ["compare", "reports/2026", "reports/2027"],
    "compare-a-file": ["compare", "/etc/hostname", "/etc/hostname"],
    "compare-regression-without-percent": ["compare", "a", "b", "--max-regression", "10"],
    # isolation
    "isolation-nothing": ["isolation"],
    "isolation-one": ["isolation", "reports"],
    "isolation-no-such-folder": ["isolation", "reports/2026", "reports/2027"],
    # sandbox
    "sandbox-port-ten": ["sandbox", "--port", "ten"],
    "sandbox-port-70000": ["sandbox", "--port", "70000"],
    "sandbox-host-is-a-name": ["sandbox", "--host", "my-machine"],
    "sandbox-host-of-others": ["sandbox", "--host", "192.0.2.1"],
    "sandbox-data-empty": ["sandbox", "--data", ""],
    "sandbox-data-in-a-file": ["sandbox", "--data", "/etc/hostname/data"],
    "sandbox-seed-negative": ["sandbox", "--seed", "-1"],
    "sandbox-servers-0": ["sandbox", "--servers", "0", "--service", "50ms"],
    "sandbox-servers-alone": ["sandbox", "--servers", "4"],
    "sandbox-service-without-unit": ["sandbox", "--servers", "4", "--service", "50"],
    "sandbox-service-0": ["sandbox", "--servers", "4", "--service", "0s"],
    "sandbox-service-of-ages": ["sandbox", "--servers", "4", "--service", "999999999d"],
    "sandbox-unknown-fault": ["sandbox", "--fault", "slowsite"],
    "sandbox-fault-without-its-site": ["sandbox", "--fault", "slow-site:delay=nan", "--fault", "error-rate:rate=200%"],
    "sandbox-architecture": ["sandbox", "--architecture", "monolith"],
}


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an allow-list of the developer's own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.delenv("EMRLOAD_FLEET_SECRET", raising=False)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_given_wrongly_is_explained_and_leaves_nothing(
    case: str, emrload: Run, golden: Golden, tmp_path: Path
) -> None:
    told = emrload(*WRONG[case])
    assert told.code == 2, told.err
    assert told.out == ""
    assert "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []
    golden(f"bad-input/{case}.txt", told.err)


def test_a_run_does_not_write_where_a_file_is_in_the_way(emrload: Run, golden: Golden, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine")
    told = emrload("run", RUSH, "--target", NOBODY)
    assert told.code == 2
    assert (tmp_path / "reports").read_text() == "mine"
    named = re.sub(r"reports/\S+?:", "reports/RUN:", told.err)
    golden("bad-input/run-reports-is-a-file.txt", named)


def test_an_empty_folder_that_was_there_before_is_left_empty(emrload: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert emrload("run", RUSH, "--out", "mine", "--target", NOBODY).code == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]
    assert emrload("run", RUSH, "--out", "mine/deep/below", "--target", NOBODY).code == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


NOT_R4 = {
    "web-page": (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Welcome</title>"),
    "fhir-r5": (
        200,
        {"Content-Type": "application/fhir+json"},
        b'{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0", "rest": []}',
    ),
    "login": (302, {"Location": "https://login.example.org/authorize?session=secret#x"}, b""),
}


@pytest.mark.parametrize("case", NOT_R4)
def test_a_run_ends_with_what_check_would_have_said_and_leaves_nothing(case: str, emrload: Run, tmp_path: Path) -> None:
    """`check` has a golden text for each way in which a target can be wrong; a run says the same after its plan."""
    status, headers, body = NOT_R4[case]
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        told = emrload("run", RUSH, "--sites", "1", "--target", f"http://127.0.0.1:{server.server_port}/fhir")
        server.shutdown()
        thread.join()
    assert told.code == 2
    assert asked == ["/fhir/metadata"]
    assert list(tmp_path.iterdir()) == []
    announced, _, rest = told.err.partition("\n")
    assert announced.startswith("plan ")
    golden = Path(__file__).parent / "target" / f"{case}.txt"
    assert re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", rest) == golden.read_text()


@pytest.fixture
def sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "harness.cli", "sandbox", "--end-with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield re.findall(r'"url":"([^"]+)"', process.stdout.readline())[0]
        process.terminate()
        process.wait(10)


def test_where_no_patients_are_the_command_that_seeds_them_can_be_pasted(
    sandbox: str, emrload: Run, golden: Golden, tmp_path: Path
) -> None:
    mine = tmp_path / "a clinic's früh.yaml"
    mine.write_text(Path(RUSH).read_text())
    options = ["--sites", "1", "--target", sandbox]
    told = emrload("run", mine.name, *options, "--seed", "3", "--set", "think_factor=0.5", "--duration", "12s")
    assert told.code == 2
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    golden("bad-input/run-no-patients.txt", re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", told.err))

    program = Path(sys.executable).with_name("emrload")
    pasted = re.findall(r"emrload (seed .*)", told.err)[0].rstrip(".")
    subprocess.run(f"{program} {pasted}", shell=True, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    found = emrload("check", mine.name, *options, "--seed", "3", "--set", "think_factor=0.5")
    assert found.code == 0, found.err


def test_a_port_that_is_taken_is_said_with_another_to_try(emrload: Run, golden: Golden) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = emrload("sandbox", "--port", str(port))
    assert told.code == 2
    golden("bad-input/sandbox-port-taken.txt", told.err.replace(str(port + 1), "NEXT").replace(str(port), "PORT"))


@pytest.mark.parametrize(
    ("case", "options"),
    [("run-ulimit", ["--target", NOBODY]), ("run-ulimit-sandbox", ["--target", "sandbox", "--workers", "16"])],
)
def test_too_few_open_files_for_the_plan_is_said_with_the_number(
    case: str, options: list[str], golden: Golden, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "harness.cli", "run", "morning-rush", "--sites", "10", *options]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -n 256; exec "$@"', "-", *command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []
    golden(f"bad-input/{case}.txt", done.stderr)


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `emrload` is the program."""
    start = f'set -o pipefail; emrload() {{ {sys.executable} -m harness.cli "$@"; }}; {line}'
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environment}
    return subprocess.run(
        ["bash", "-c", start], cwd=folder, env=clean, capture_output=True, text=True, timeout=60, errors="replace"
    )


@pytest.mark.parametrize("line", ["emrload --help | true", "emrload scenarios morning-rush | head -1"])
def test_a_reader_that_leaves_is_no_error(line: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_not_called_a_fault_of_the_program(tmp_path: Path) -> None:
    done = shell("emrload scenarios >/dev/full", tmp_path)
    assert done.returncode == 4
    assert done.stderr == "no space left to write to: free some, then give the command again\n"


def test_a_working_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    done = shell("mkdir gone; cd gone; rmdir ../gone; emrload scenarios", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "the working folder is gone: cd to one that exists\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "dumb", "HOME": "/nonexistent", "COLUMNS": "7"},
        {"TERM": "", "COLUMNS": "wide", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
def test_poor_surroundings_do_not_stop_it(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "an früh.yaml").write_text(Path(RUSH).read_text())
    done = shell("emrload plan 'an früh.yaml' --sites 1", tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "Quick rush" in done.stdout
    assert "next" in done.stdout


def test_control_characters_of_an_input_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program(["run", "\x1b[31mred\x1b[0m"]) == 2
    assert "\x1b" not in capsys.readouterr().err
