"""What this machine can generate, held against what the plan asks for, before any of it is sent.

requests a CPU second of one load process × min(load processes, CPUs) ──▶ can generate ◀── the plan's busiest tenth
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import RunError
from harness.machine import usable_cpus

__all__ = ["SelfTest", "try_generator"]

OVER_S: Final = 2.0
"""It takes 1.5 s on a machine that does nothing else; where starting takes longer, it sends for less than a second."""
WITHIN_S: Final = 3.5
"""It is ended then. A machine so busy has told enough."""
_COMMAND: Final = (sys.executable, "-m", "harness.load.self_test")


@dataclass(frozen=True)
class SelfTest:
    """What came of it. `requests_per_cpu_s` is None where it failed, and `failed` says why."""

    requests_per_cpu_s: float | None
    workers: int
    cpus: float
    """Those that we may use; a container's quota may be a part of one."""
    planned_peak_per_s: float
    failed: str = ""

    @property
    def can_generate_per_s(self) -> float | None:
        """Of all load processes together: one keeps one CPU busy at most."""
        if self.requests_per_cpu_s is None:
            return None
        return self.requests_per_cpu_s * min(self.workers, self.cpus)

    @property
    def share(self) -> float | None:
        """How much of that the plan asks for in its busiest tenth."""
        can = self.can_generate_per_s
        return self.planned_peak_per_s / can if can else None

    def to_manifest(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "requests_per_cpu_s": _rounded(self.requests_per_cpu_s, 1),
            "workers": self.workers,
            "cpus": self.cpus,
            "can_generate_per_s": _rounded(self.can_generate_per_s, 1),
            "planned_peak_per_s": round(self.planned_peak_per_s, 4),
            "share": _rounded(self.share, 6),
        }
        return told | {"failed": self.failed} if self.failed else told


def try_generator(log: Path, workers: int, planned_peak_per_s: float) -> SelfTest:
    """Have a process of its own send for a second to a server of its own, on loopback; what it complains of is in
    `log`.

    Raises nothing that a run would end by: a self-test that fails is told as one.
    """
    per_cpu_s, failed = None, ""
    try:
        per_cpu_s = _requests_per_cpu_s(log)
    except (RunError, OSError) as error:
        failed = str(error)
    return SelfTest(per_cpu_s, workers, usable_cpus(), planned_peak_per_s, failed)


def _requests_per_cpu_s(log: Path) -> float:
    # beside the log: whoever is killed meanwhile leaves nothing elsewhere
    with tempfile.TemporaryDirectory(prefix="self-test-", dir=log.parent) as folder, log.open("ab") as sink:
        try:
            done = subprocess.run(  # noqa: S603 (our own program)
                [*_COMMAND, folder, f"{time.monotonic() + OVER_S:.3f}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                timeout=WITHIN_S,
                check=False,
                start_new_session=True,  # a Ctrl-C at the terminal ends it by ending us
            )
        except subprocess.TimeoutExpired:
            raise RunError(f"it was not done after {WITHIN_S:g} s") from None
    if done.returncode:
        raise RunError(_last_line(log) or f"it ended with code {done.returncode}")
    try:
        sent = json.loads(done.stdout)
        return float(sent["requests"]) / float(sent["cpu_s"])
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise RunError(f"it answered nonsense ({type(error).__name__})") from error


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
