"""Everything that speaks to the target outside the load, with httpx: preflight, seeding, clean-up.

Imported by `harness.cli` only; independent of `fleet` and `report`. All its requests carry `X-Request-Id: control-…`.
"""

from __future__ import annotations

from harness.control.cleanup import Cleanup, CleanupProgress, clean_up
from harness.control.client import ControlClient
from harness.control.destinations import Destinations, Place, destinations_of, seed_command
from harness.control.metadata import read_capabilities
from harness.control.preflight import Preflight, Row, preflight
from harness.control.seed import Seeded, SeedProgress, seed_sites
from harness.control.survey import Survey, survey
from harness.target import Target, parse_target

__all__ = [
    "Cleanup",
    "CleanupProgress",
    "ControlClient",
    "Destinations",
    "Place",
    "Preflight",
    "Row",
    "SeedProgress",
    "Seeded",
    "Survey",
    "Target",
    "clean_up",
    "destinations_of",
    "parse_target",
    "preflight",
    "read_capabilities",
    "seed_command",
    "seed_sites",
    "survey",
]
