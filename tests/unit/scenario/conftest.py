"""The quick rush, for tests that need a scenario which loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.scenario import load_scenario
from harness.scenario.model import Scenario


@pytest.fixture(scope="session")
def quick_rush_file() -> Path:
    return Path(__file__).parents[2] / "scenarios" / "quick-rush.yaml"


@pytest.fixture(scope="session")
def quick_rush(quick_rush_file: Path) -> Scenario:
    return load_scenario(str(quick_rush_file))
