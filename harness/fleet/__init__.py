"""Starts and watches Locust processes; knows nothing of what they do inside.

For `cli` only.
"""

from harness.fleet.limits import require_file_handles, require_sandbox_handles
from harness.fleet.local import LocalFleet
from harness.fleet.sandbox import SandboxProcess
from harness.fleet.self_test import SelfTest, try_generator
from harness.fleet.watch import Glance, Watch

__all__ = [
    "Glance",
    "LocalFleet",
    "SandboxProcess",
    "SelfTest",
    "Watch",
    "require_file_handles",
    "require_sandbox_handles",
    "try_generator",
]
