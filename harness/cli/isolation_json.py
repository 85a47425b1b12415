"""What `emrload isolation --json` prints: every figure, null where it is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.analysis.comparable import ComparedRun
from harness.analysis.compare import ComparedRow
from harness.analysis.isolation import HURT_FROM, Isolation
from harness.analysis.significance import CONFIDENCE, FALSE_DISCOVERIES
from harness.cli.compared_json import figure_json
from harness.report.isolation import Fairness, isolation_headline, load_name

__all__ = ["isolation_json"]


def isolation_json(
    found: Sequence[Isolation],
    fairness: Sequence[tuple[Fairness, Fairness]],
    sides: Sequence[tuple[str, Sequence[ComparedRun]]],
) -> dict[str, Any]:
    """`sides` are path and runs of the baseline and of each run of `found`; `fairness` is the baseline's and the run's
    own, of each."""
    word, sentence = isolation_headline(found)
    paths = [{"path": path, "runs": [str(run.run_dir.path) for run in runs]} for path, runs in sides]
    return {
        "headline": word.lower(),
        "sentence": sentence,
        "baseline": {**paths[0], **(dict(fairness[0][0]) if fairness else {})},
        "method": "block bootstrap" if len(sides[0][1]) == 1 else "welch",
        "confidence": CONFIDENCE,
        "false_discoveries": FALSE_DISCOVERIES,
        "hurt_from": HURT_FROM,
        "runs": [{**path, **_one(one), **own} for path, one, (_, own) in zip(paths[1:], found, fairness, strict=True)],
    }


def _one(one: Isolation) -> dict[str, Any]:
    growth = one.growth
    return {
        "load": load_name(growth),
        "aggressors": dict(growth.more),
        "demand_ratio": growth.dose,
        "lanes_grown_most": list(growth.lanes),
        "same_load_again": growth.again,
        "blast_radius": one.blast_radius,
        "others": one.others,
        "hurt": {site: list(why) for site, why in one.hurt.items()},
        "unknown": one.untold,
        "others_together": _row(one.together) if one.together is not None else None,
        "sites": {row.key.name: _row(row) for row in one.sites},
        "own": {row.key.name: _row(row) for row in one.aggressors},
        "cascade": {row.key.name: _row(row) for row in one.lanes},
    }


def _row(row: ComparedRow) -> dict[str, Any]:
    """`ratio` is the interference ratio, p95 with the load over p95 without; `interval` its ends."""
    p95 = figure_json(row.p95, "ratio")
    return {
        "samples": {"without": row.samples[0], "with": row.samples[1]},
        "p95_ms": {"without": p95["a"], "with": p95["b"]},
        **{name: p95[name] for name in ("ratio", "interval", "p_value", "adjusted_p")},
        "outcome": row.outcome,
        "error_rate": {
            "without": row.errors.a,
            "with": row.errors.b,
            "outcome": row.errors_outcome or "no difference seen",
        },
    }
