"""What a load process, and the program that watches it, hold for as long as the load lasts."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "matplotlib", "scipy", "pyarrow", "duckdb", "httpx")


@pytest.mark.parametrize(
    ("modules", "also"),
    [
        (("locust", "harness.load.session", "harness.load.canned_server"), ()),
        (("harness.cli.run", "harness.cli.performance", "harness.cli.backstage"), ("pydantic", "numpy", "yaml")),
    ],
)
def test_what_nobody_needs_under_load_is_not_there(modules: tuple[str, ...], also: tuple[str, ...]) -> None:
    script = f"import sys\nfor name in {modules}: __import__(name)\nprint(*sys.modules)"
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(there) & {*HEAVY, *also} == set()
