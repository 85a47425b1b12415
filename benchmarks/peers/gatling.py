"""Gatling: one JVM; the simulation is in its Java DSL, compiled by whoever installs it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from benchmarks.peers.tool import TOOLS_VARIABLE, Load, Start, Tool, settings

__all__ = ["TOOL"]

INSTALL: Final = "sh benchmarks/peers/get.sh gatling"
OPTIONS: Final = ("-server", "-Xmx1G", "-XX:MaxInlineLevel=20", "-XX:MaxTrivialSize=12")
"""As Gatling's own build plugins start it; which collector is left to Java, as they do."""
OPENS: Final = "--add-opens=java.base/java.lang=ALL-UNNAMED"
WARM_UP_S: Final = 40
"""Java compiles what runs often while it runs, on the core that is measured: for some 25 s."""


def version() -> str | None:
    """Of the library, where Java, the library and the compiled simulation are there."""
    home = _home()
    compiled = (home / "classes" / "Load.class").exists()
    return _version_of(home / "lib") if compiled and shutil.which("java") else None


def start(load: Load, folder: Path) -> Start:
    home = _home()
    command = ["java", *OPTIONS, OPENS, "-cp", f"{home / 'classes'}:{home / 'lib'}/*", "io.gatling.app.Gatling"]
    command += ["--simulation", "Load", "--results-folder", str(folder / "results"), "--no-reports"]
    return Start(command, settings(load))


def _home() -> Path:
    return Path(os.environ.get(TOOLS_VARIABLE, "")) / "gatling"


def _version_of(library: Path) -> str | None:
    names = [path.name for path in library.glob("gatling-charts-highcharts-*.jar")]
    versions = [match[1] for name in names if (match := re.fullmatch(r"gatling-charts-highcharts-([\d.]+)\.jar", name))]
    return max(versions, default=None)


TOOL: Final = Tool(
    "Gatling",
    INSTALL,
    frozenset({"bundle", "review", "connected", "arrivals"}),
    version,
    start,
    warm_up_s=WARM_UP_S,
)
