"""A fabricated run: finished figures and a finished verdict, shaped as the analysis and the judge make them."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.analysis.compare import ComparedFigure, ComparedRow
from harness.analysis.run_rows import RowKey
from harness.analysis.significance import t_difference
from harness.scenario.model import (
    Curve,
    Objective,
    Persona,
    Phase,
    RunSpec,
    Scenario,
    Site,
    SiteMix,
    SiteTemplate,
    ThinkTime,
    WorkflowShare,
)

NAMES = ("river", "lake", "hill", "harbor", "meadow", "forest", "prairie", "canyon", "valley", "island")
WORKFLOWS = (
    ("primary-care-physician", ("open-clinic-day", "review-results", "find-history", "write-note", "place-orders")),
    ("nurse", ("room-patient", "vital-signs", "medication-pass")),
    ("registration-clerk", ("find-patient", "register-patient", "check-in")),
    ("lab-technician", ("pending-orders", "release-results")),
)
OPERATIONS = (
    "Observation.search[patient+category]",
    "transaction[orders]",
    "Patient.search[birthdate+name]",
    "MedicationRequest.search[patient+intent+status]",
    "DocumentReference.search[patient+category]",
    "Encounter.update",
    "batch[vital-signs]",
    "Patient.read",
    "Patient.create.conditional",
)


@dataclass(frozen=True)
class FabricatedAnalysis:
    """What `render` reads of an Analysis."""

    summary: dict[str, Any]
    timeline: pd.DataFrame
    site_workflow: pd.DataFrame
    site_lane: pd.DataFrame
    concurrency: pd.DataFrame
    figures: dict[str, Any]


@dataclass(frozen=True)
class Run:
    analysis: FabricatedAnalysis
    verdict: dict[str, Any]
    manifest: dict[str, Any]
    spec: RunSpec


def site_names(count: int) -> list[str]:
    return [NAMES[k % 10] + (f"-{k // 10 + 1}" if k >= 10 else "") for k in range(count)]


def a_spec(sites: int, zones: tuple[str, ...] = ("America/New_York",)) -> RunSpec:
    think = ThinkTime(mean_s=13, sigma=0.5, source="assumption")
    scenario = Scenario(
        name="morning-rush",
        title="Morning rush",
        story="Clinics open at 08:00 and at 09:00 the medication pass begins.",
        date=datetime.date(2026, 3, 3),
        timeline=(23_400, 37_800),
        connect_timeout_s=5,
        answer_timeout_s=60,
        sites=(SiteMix(template="clinic", weight=1, time_zone="America/New_York", source="assumption"),),
        default_sites=10,
        site_names=NAMES,
        templates={
            "clinic": SiteTemplate(
                name="clinic", title="Clinic", peak=80, mix={"nurse": 1}, patients=160, source="assumption"
            )
        },
        personas={
            persona: Persona(
                name=persona,
                title=persona,
                think=think,
                between=think,
                workflows={workflow: WorkflowShare(weight=1, source="assumption") for workflow in workflows},
                source="assumption",
            )
            for persona, workflows in WORKFLOWS
        },
        curves={"nurse": Curve(points=((23_400, 0.2), (37_800, 1.0)), source="assumption")},
        phases=(
            Phase(name="results-read", start_s=25_200, end_s=28_800, source="assumption"),
            Phase(name="clinics-open", start_s=28_800, end_s=32_400, source="assumption"),
            Phase(name="medication-pass", start_s=32_400, end_s=35_100, source="assumption"),
        ),
        objectives=(
            Objective(
                id="site-p95",
                scope="each-site",
                metric="p95_ms",
                bound=1000,
                required=True,
                source="CMS beneficiary-fhir-data",
            ),
        ),
    )
    return RunSpec(
        scenario=scenario,
        sites=tuple(
            Site(
                name=name,
                template="clinic",
                time_zone=zones[index % len(zones)],
                locale="en_US",
                utc_offset_s=-18_000,
                start_offset_s=0,
                heads={"nurse": 80},
                patients=160,
            )
            for index, name in enumerate(site_names(sites))
        ),
        clock_zone=zones[0],
        seed=7,
        duration_s=240,
        window=None,
    )


def figures_row(requests: int, p50: float, errors: int = 0) -> dict[str, Any]:
    known = requests >= 200
    return {
        "requests": requests,
        "errors": errors,
        "error_rate": errors / requests,
        "throughput_per_s": requests / 240,
        "p50_ms": p50,
        "p90_ms": p50 * 2.2,
        "p95_ms": p50 * 3,
        "p99_ms": p50 * 5.2 if known else None,
        "p999_ms": None,
        "max_ms": p50 * 11,
        "link_share": None,
        "server_p50_ms": None,
        "server_p95_ms": None,
        "intervals": {
            "p50_ms": [p50 * 0.98, p50 * 1.02],
            "p95_ms": [p50 * 2.8, p50 * 3.25],
            "p99_ms": [p50 * 4.7, None] if known else [None, None],
        },
        "effective_samples": {"p50_ms": requests / 3, "p95_ms": requests / 4, "p99_ms": requests / 5},
    }


def make_run(
    sites: int = 10, outcome: str = "fail", seed: int = 1, zones: tuple[str, ...] = ("America/New_York",)
) -> Run:
    draws = np.random.default_rng(seed)
    names = site_names(sites)
    slow = names[0] if outcome == "fail" else None
    times = np.arange(0, 240, 2.0)
    planned = np.round(sites * 80 * np.interp(times, [0, 90, 150, 240], [0.2, 0.7, 1.0, 0.85]))
    p50 = draws.normal(38, 4, times.size) * (1 + planned / planned.max())
    errors = np.zeros(times.size)
    if outcome == "fail":
        errors[70:80] = draws.integers(1, 6, 10)
    network = pd.DataFrame(
        {
            "time_s": times,
            "site": "",
            "on_duty_planned": planned,
            "on_duty": planned - (draws.random(times.size) < 0.1),
            "visitors": 0.0,
            "requests_per_s": planned * 0.3 + draws.normal(0, 4, times.size),
            "p50_ms": p50,
            "p95_ms": np.where(times < 4, np.nan, p50 * draws.normal(3, 0.2, times.size)),
            "p99_ms": np.where(times < 10, np.nan, p50 * draws.normal(5.2, 0.6, times.size)),
            "errors": errors,
            "in_flight": planned * 0.3 * 0.06,
        }
    )
    frames = [network] + [
        network.assign(
            site=name, on_duty=np.round(network["on_duty"] / sites), on_duty_planned=np.round(planned / sites)
        )
        for name in names
    ]
    summary, heat = _summary(names, slow, network, draws, zones)
    return Run(
        FabricatedAnalysis(
            summary,
            pd.concat(frames, ignore_index=True),
            heat,
            heat.assign(lane="charting").drop_duplicates(["site", "lane"]),
            network.drop(columns=["site"]),
            {},
        ),
        _verdict(names, slow, outcome, summary),
        _manifest(sites),
        a_spec(sites, zones),
    )


def _summary(
    names: list[str], slow: str | None, network: pd.DataFrame, draws: np.random.Generator, zones: tuple[str, ...]
) -> tuple[dict[str, Any], pd.DataFrame]:
    by_site = {
        name: figures_row(6000 + 10 * k, 420.0 if name == slow else 40.0 + k % 7, 61 if name == slow else 0)
        for k, name in enumerate(names)
    }
    pairs = [(persona, workflow) for persona, workflows in WORKFLOWS for workflow in workflows]
    heat = pd.DataFrame(
        [
            {
                "site": name,
                "workflow": workflow,
                "requests": 400,
                "errors": 0,
                "p50_ms": 40.0,
                "p95_ms": float("nan")
                if (k, j) == (2, 3)
                else float(draws.lognormal(np.log(1100 if name == slow else 120), 0.35)),
            }
            for k, name in enumerate(names)
            for j, (_, workflow) in enumerate(pairs)
        ]
    )
    summary = {
        "load_s": 240.0,
        "overall": figures_row(61_204, 55.0, 61 if slow else 0),
        "by_site": by_site,
        "by_time_zone": {zone: figures_row(30_000, 50.0) for zone in zones},
        "by_template": {"clinic": figures_row(61_204, 55.0)},
        "by_workflow": {
            workflow: {**figures_row(4000, 50.0 + 5 * k), "lane": "charting"} for k, (_, workflow) in enumerate(pairs)
        },
        "by_operation": {
            name: figures_row(7000 - 900 * k if k < 7 else 130, 130.0 - 12 * k, 61 if slow and k == 1 else 0)
            for k, name in enumerate(OPERATIONS)
        },
        "by_lane": {
            lane: figures_row(9000, 45.0)
            for lane in ("scheduling", "charting", "orders", "labs", "documents", "identity")
        },
        "by_persona": {persona: figures_row(15_000, 48.0) for persona, _ in WORKFLOWS},
        "by_phase": {
            phase: figures_row(20_000, 50.0) for phase in ("clinics-open", "medication-pass", "results-read", "")
        },
        "open": {"overall": {"expected": 0.0, "begun": 0}, "by_persona": {}},
        "time_lapse": {
            "factor": 60.0,
            "logins": 640,
            "logins_busiest_minute": 212,
            "logins_busiest_minute_in_life": 9,
            "shifts": 800,
            "shifts_without_a_finished_run": 41,
            "cut_share": 0.14,
            "cut_share_by_persona": {"nurse": 0.21, "lab-technician": 0.02},
            "on_arrival_share": 0.3,
        },
        "workflows": _workflows(pairs, names),
        "concurrency": {
            "peak_clinicians_by_site": dict.fromkeys(names, 80),
            "peak_clinicians_by_time_zone": dict.fromkeys(zones, 400),
            "peak_clinicians_by_template": {"clinic": 800},
            "peak_clinicians_by_persona": {persona: 200 for persona, _ in WORKFLOWS},
            "peak_visitors": 0,
            "peak_clinicians": int(network["on_duty"].max()),
            "mean_in_flight": 11.2,
            "peak_in_flight": 48,
        },
        "generator": {"start_lag_p99_ms": 1.8, "loop_lag_p99_ms": 3.1, "cpu_max": 0.41, "steal_max": 0.0},
    }
    return summary, heat


def _workflows(pairs: list[tuple[str, str]], names: list[str]) -> dict[str, Any]:
    def row(ok: int, failed: int = 0) -> dict[str, Any]:
        return {
            "ok": ok,
            "failed": failed,
            "cut": 12,
            "abandoned": 0,
            "skipped": 0,
            "back_entries": 0,
            "lost": failed,
            "waited_p50_ms": 410.0,
            "waited_p95_ms": 1500.0 if ok > 200 else None,
            "intervals": {"waited_p95_ms": [1300.0, 1800.0] if ok > 200 else [None, None]},
        }

    return {
        "overall": row(9000, 30),
        "by_workflow": {workflow: row(1000 - 70 * k, 30 if k == 4 else 0) for k, (_, workflow) in enumerate(pairs)},
        "by_site": {name: row(900) for name in names},
        "by_persona": {persona: row(2000) for persona, _ in WORKFLOWS},
        "by_template": {"clinic": row(9000)},
    }


def _verdict(names: list[str], slow: str | None, outcome: str, summary: dict[str, Any]) -> dict[str, Any]:
    def objective(
        identity: str, scope: dict[str, str], metric: str, bound: float, figures: dict[str, Any], judged: str
    ) -> dict[str, Any]:
        figure = figures[metric]
        interval = [figure * 0.93, figure * 1.08] if figure else [0.0, 0.0004]
        return {
            "id": identity,
            "scope": scope,
            "metric": metric,
            "bound": bound,
            "figure": figure,
            "interval": interval,
            "samples": figures["requests"],
            "required": True,
            "outcome": judged,
            "source": "CMS beneficiary-fhir-data" if metric == "p95_ms" else "assumption (0.1% of requests)",
        }

    overall = summary["overall"]
    objectives = [
        objective("network-p95", {}, "p95_ms", 1000.0, overall, "pass"),
        objective("network-errors", {}, "error_rate", 0.001, overall, "pass"),
        *(
            objective(
                "site-p95",
                {"site": name},
                "p95_ms",
                1000.0,
                summary["by_site"][name],
                "fail" if name == slow else "pass",
            )
            for name in names
        ),
    ]
    validity = [
        {
            "check": "generator-stall",
            "outcome": "pass",
            "figure": 0.012,
            "bound": 1.0,
            "detail": "the longest stall of the generator, in seconds",
        },
        {
            "check": "littles-law",
            "outcome": "pass",
            "figure": 0.0004,
            "bound": 0.01,
            "detail": "Σ latency against the in-flight integral",
        },
        {
            "check": "steal",
            "outcome": "fail" if outcome == "invalid" else "pass",
            "figure": 0.31 if outcome == "invalid" else 0.0,
            "bound": 0.1,
            "detail": "share of the host's CPU taken by others, 10 s mean",
        },
    ]
    findings = []
    if slow:
        findings = [
            {
                "kind": "slow-site",
                "row": None,
                "scope": {"site": slow},
                "evidence": {"p95_ms": 1260.0},
                "sentence": f"{slow} is slow: 1 answer in 20 takes longer than 1.26 s, at the other sites 0.14 s.",
            },
            {
                "kind": "server-errors",
                "row": None,
                "scope": {"operation": "transaction[orders]"},
                "evidence": {"errors": 61},
                "sentence": "The server answered 61 of 6,100 transaction[orders] requests with an error (status 500).",
            },
        ]
    return {
        "verdict": outcome,
        "exit_code": {"pass": 0, "fail": 1, "invalid": 3}[outcome],
        "rehearsal": True,
        "objectives": objectives,
        "validity": validity,
        "findings": findings,
    }


def _manifest(sites: int) -> dict[str, Any]:
    return {
        "run_id": "3fa13fa1",
        "state": "finished",
        "started_at": "2026-11-22T09:15:00Z",
        "ended_at": "2026-11-22T09:19:02Z",
        "exit_code": 1,
        "scenario": "morning-rush",
        "seed": 7,
        "sites": sites,
        "scenario_digest": "1f" * 32,
        "roster_digest": "2e" * 32,
        "target": {
            "url": "http://127.0.0.1:40123/fhir",
            "software": "emr-load-harness sandbox 0.1.0",
            "fhir_version": "4.0.1",
            "sandbox": True,
        },
        "workers": 2,
        "host": {"platform": "Linux-6.1-x86_64", "cpus": 2, "memory_mb": 7950},
        "labels": {"build": "2026.11-rc3", "environment": "staging"},
        "time_lapse": 60.0,
        "rehearsal": True,
        "think_factor": 1.0,
        "window": None,
        "duration_s": 240.0,
        "versions": {"emr-load-harness": "0.1.0", "python": "3.11.2", "locust": "2.47.0"},
        "unsupported": {},
        "workers_reported": [0, 1],
        "sha256": {},
    }


@pytest.fixture(scope="session")
def run_of() -> Callable[..., Run]:
    return make_run


@pytest.fixture
def row() -> Callable[..., ComparedRow]:
    """A row of a comparison whose p95 went from 100 ms by `ratio`; `p` None: too few samples. `errors`: B's, called
    more if there are any."""

    def make(kind: str, name: str, ratio: float = 1.0, p: float | None = 0.9, errors: float = 0.0) -> ComparedRow:
        figure = ComparedFigure(None, None, None)
        if p is not None:
            figure = ComparedFigure(100.0, 100.0 * ratio, t_difference(math.log(ratio), 0.02, 19), p)
        failing = ComparedFigure(0.0, 0.0, None)
        if errors:
            failing = ComparedFigure(0.0, errors, t_difference(errors, errors / 9, 19), 0.001)
        return ComparedRow(RowKey(kind, name), (5000, 5100), figure, figure, failing)

    return make
