"""Two real runs side by side: what was planted between them is named, and its interval leaves out the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.prove, pytest.mark.timeout(600)]


def test_a_site_that_became_slower_between_two_runs_is_named(emrload: Any, sandbox: Any) -> None:
    sandbox.start("--servers", "8", "--service", "20ms", "--distribution", "exponential")
    emrload.seed(sandbox, 3)
    arguments = ("--sites", "3", "--duration", "90s", "--target", sandbox.url)
    before = emrload.run(*arguments)
    sandbox.plant({"name": "slow-site", "site": "hill", "delay": "150ms"})
    after = emrload.run(*arguments, "--label", "build=slow")
    assert (before.code, after.code) == (0, 0), after.out

    compared = emrload.call("compare", str(before.folder), str(after.folder), "--json")
    assert compared.returncode == 1, compared.stderr
    found = json.loads(compared.stdout)
    assert found["differs"]["label build"] == {"a": "–", "b": "slow"}
    rows = {row["name"]: row for row in found["rows"] if row["kind"] == "site"}
    print({name: (row["outcome"], row["p95_ms"]["interval"]) for name, row in rows.items()})
    assert rows["hill"]["outcome"] == "slower"
    assert [row["name"] for row in found["rows"] if row["kind"] == "site" and row["outcome"] == "slower"] == ["hill"]
    low, _ = rows["hill"]["p95_ms"]["interval"]
    assert all(rows[name]["p95_ms"]["ratio"] < low for name in ("river", "lake"))

    shorter = emrload.run("--sites", "3", "--duration", "20s", "--target", sandbox.url)
    refused = emrload.call("compare", str(before.folder), str(shorter.folder))
    assert refused.returncode == 2
    assert "duration_s is 20.0, but 90.0 in A" in refused.stderr
