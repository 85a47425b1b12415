"""The wheel alone, in an environment of its own and far from the checkout, plays a morning rush from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("wheel")]  # its fixtures are made once

CHECKOUT = Path(__file__).parents[2]
PACKAGED = {
    "harness/py.typed": "harness/py.typed",
    "harness/report/templates/report.css": "harness/report/templates/report.css",
    "scenarios": "harness/shipped/scenarios",
    "locustfiles": "harness/shipped/locustfiles",
    "tests/fixtures": "harness/shipped/fixtures",
}
"""What is data, or stands outside the package: place in the checkout → place in the wheel."""


class Installed:
    """The program as it is after `pip install WHEEL`; the libraries are those of this environment."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        home = folder / "an environment"
        venv.create(home, with_pip=False, symlinks=True)
        self._bin = home / "bin"
        self.python = self._bin / "python"
        self.site = next((home / "lib").glob("python*")) / "site-packages"
        # A path in a .pth file is searched, but the .pth files in it are not read: the checkout is not found.
        (self.site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip(folder, "--python", str(self.python), "install", "--no-deps", "--no-index", str(wheel))
        self.folder = folder / "far away"
        self.folder.mkdir()

    def start(self, *command: str) -> subprocess.Popen[str]:
        environment = {"PATH": f"{self._bin}:/usr/bin:/bin", "HOME": str(self.folder), "COLUMNS": "100"}
        return subprocess.Popen(
            command,
            executable=self._bin / command[0],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *command: str) -> str:
        return ended(self.start(*command), 0)


def ended(process: subprocess.Popen[str], *codes: int) -> str:
    """What the process printed; it must end with one of `codes`."""
    try:
        text, _ = process.communicate(timeout=240)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode in codes, text
    return text


def pip(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | {"TMPDIR": str(folder)}, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(folder, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(CHECKOUT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_holds_every_module_and_everything_that_is_read_beside_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "harness").rglob("*.py")}
    assert modules <= names
    for source, place in PACKAGED.items():
        files = [path for path in (CHECKOUT / source).rglob("*") if path.suffix in (".yaml", ".json", ".py")]
        assert files or (CHECKOUT / source).is_file(), source
        for path in files:
            assert f"{place}/{path.relative_to(CHECKOUT / source).as_posix()}" in names
        if not files:
            assert place in names
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name]


def test_a_morning_is_played_from_the_wheel_alone(installed: Installed) -> None:
    where = installed.call("python", "-c", "import harness; print(harness.__file__)").strip()
    assert Path(where) == installed.site / "harness" / "__init__.py"
    assert "morning-rush" in installed.call("emrload", "scenarios")
    assert "p95" in installed.call("emrload", "plan", "morning-rush", "--sites", "1")

    server = installed.start("emrload", "sandbox", "--end-with-parent")
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        store_the_fixtures(installed, url)
        installed.call("emrload", "seed", "morning-rush", "--sites", "1", "--target", url)
        run_it_both_ways(installed, url)
    finally:
        server.terminate()
        server.communicate(timeout=60)


def store_the_fixtures(installed: Installed, url: str) -> None:
    folder = installed.site / "harness" / "shipped" / "fixtures" / "fhir"
    resources = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    assert len(resources) >= 5
    for resource in resources:
        kind = resource["resourceType"]
        answer = httpx.post(url if kind == "Bundle" else f"{url}/{kind}", json=resource, timeout=60)
        assert answer.status_code in (200, 201), answer.text


def run_it_both_ways(installed: Installed, url: str) -> None:
    """`emrload run` and plain Locust at the same time; 12 s are too short for a verdict, so it may be any."""
    out = installed.folder / "by emrload"
    locustfile = installed.site / "harness" / "shipped" / "locustfiles" / "morning_rush.py"
    squeezed = ("--emr-sites", "1", "--emr-duration", "12s")
    locust = installed.start(
        "python", "-m", "locust", "-f", str(locustfile), "--headless", "--host", url, "--only-summary", *squeezed
    )
    run = installed.start(
        *("emrload", "run", "morning-rush", "--sites", "1", "--duration", "12s"), "--target", url, "--out", str(out)
    )
    ended(run, 0, 1, 3)
    ended(locust, 0, 1, 3)

    assert read(out / "manifest.json")["state"] == "finished"
    assert read(out / "summary.json")["overall"]["requests"] > 0
    assert read(out / "verdict.json")["verdict"] in ("pass", "fail", "invalid")
    page = (out / "report.html").read_text()
    assert "<style>" in page
    assert "morning-rush" in page

    (by_locust,) = (installed.folder / "reports").iterdir()
    assert read(by_locust / "manifest.json")["roster_digest"] == read(out / "manifest.json")["roster_digest"]


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())
