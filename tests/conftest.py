"""Fabricated runs: folders such as a load leaves behind, from known distributions, so that every figure has a known
truth.

    run = fabricate()      # a healthy minute: five sites, two personas, 50 clinicians, 5,000 requests
    run.samples.loc[run.samples.site == "river", "latency_ms"] *= 10
    run_dir, spec = run.write()

The recorder's own counters follow the samples, unless `health_edit` says otherwise.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import coverage
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

from harness.engine import ENGINE_VARIABLE
from harness.rundir import RunDir
from harness.samples import FORMAT_VERSION
from harness.samples.schemas import DUTY, HEALTH, SAMPLES, WORKFLOWS
from harness.scenario.model import Link, Objective, RunSpec, Scenario, Site, SiteMix, SiteTemplate

# the sources are what is tested, here and in every process that is started: what was compiled cannot be patched
os.environ.setdefault(ENGINE_VARIABLE, "interpreted")

# whatever started the tests: `nohup` has SIGHUP ignored and a script's `&` SIGINT, and so would every process from here
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# how long an example takes, or is in the making, says more about a shared machine than about the code
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SITES = ("river", "lake", "hill", "forest", "shore")
WORKFLOWS_OF = {"nurse": ("medication-pass", "vital-signs"), "physician": ("find-history", "review-results")}
LANE_OF = {
    "medication-pass": "orders",
    "vital-signs": "charting",
    "find-history": "documents",
    "review-results": "labs",
}
OPERATIONS_OF = {
    "medication-pass": ("MedicationRequest.search[patient]", "MedicationAdministration.create"),
    "vital-signs": ("Patient.read", "transaction[vital-signs]"),
    "find-history": ("Patient.search[name]", "Condition.search[patient]"),
    "review-results": ("Observation.search[patient+category]", "DiagnosticReport.search[patient]"),
}
STEPS = 2
_NAME = pa.dictionary(pa.int32(), pa.string())
_PLAN = pa.schema(
    [
        ("slot", pa.int32()),
        ("site", _NAME),
        ("persona", _NAME),
        ("clinician", pa.int32()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("worker", pa.int16()),
    ]
)


def objective(
    id: str, scope: str, metric: str, bound: float, *, required: bool = True, only: Sequence[str] = ()
) -> Objective:
    values = {"id": id, "scope": scope, "only": tuple(only), "metric": metric, "bound": bound}
    return Objective.model_validate({**values, "required": required, "source": "requirement, made for a test"})


USUAL_OBJECTIVES = (
    objective("network-p95", "network", "p95_ms", 1000.0),
    objective("network-errors", "network", "error_rate", 0.01),
    objective("site-p95", "each-site", "p95_ms", 1000.0),
)


@pytest.fixture
def uncounted() -> Iterator[None]:
    """Lines are not counted meanwhile: it makes long arithmetic three times as long, and others go the same way."""
    counting = coverage.Coverage.current()
    if counting is None:
        yield
        return
    counting.stop()
    try:
        yield
    finally:
        counting.start()


@pytest.fixture
def forget_own() -> Iterator[Callable[[], None]]:
    """Takes every workflow out of the registry that did not ship; after the test this is done in any case."""
    from harness.clinic import WORKFLOWS

    def forget() -> None:
        for name in [name for name, one in WORKFLOWS.items() if one.text]:
            del WORKFLOWS[name]

    yield forget
    forget()


class FabricatedRun:
    """Frames that a test may edit before `write`. Times in run seconds; two workers, each with half of the
    clinicians."""

    def __init__(
        self,
        path: Path,
        *,
        sites: Sequence[str],
        heads: int,
        length_s: float,
        requests: int,
        median_ms: float,
        seed: int,
    ) -> None:
        self.run_dir = RunDir(path)
        self.sites = tuple(sites)
        self.length_s = length_s
        self.objectives: tuple[Objective, ...] = USUAL_OBJECTIVES
        self.required: dict[tuple[str, str], bool] = {}
        """(objective id, scope's name) → required; absent: as the objective says."""
        self.places: dict[str, dict[str, Any]] = {}
        """Site → what is not as everywhere: `time_zone`, `template`, `link`, `bounds` …"""
        self.arrivals: list[dict[str, Any]] = []
        """What arrivals.json holds; `let_come` adds to it."""
        self.health_edit: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame
        self.plan = _plan(self.sites, heads, length_s)
        self.samples = _samples(self.plan, requests // (len(self.plan) * STEPS), length_s, median_ms, seed)
        self.workflows = _workflows(self.samples)
        self.duty = _duty(self.plan, self.workflows)
        self.duty_follows = True
        """Whoever waited longer by the samples, as they are written, was idle for so much less."""
        self._waited_s = _waited_s(self.samples)
        self.expected = {
            "length_s": length_s,
            "requests": [],
            "by_operation": [],
            "by_workflow": _expected_runs(self.workflows),
            "on_duty": [],
        }
        self.manifest: dict[str, Any] = {
            "run_id": "00c0ffee",
            "state": "finished",
            "scenario": "morning-rush",
            "seed": seed,
            "sites": len(self.sites),
            "workers": 2,
            "workers_reported": [0, 1],
            "rehearsal": False,
            "time_lapse": 1.0,
            "think_factor": 1.0,
            "torn_streams": [],
            "unsupported": {},
            "target": {
                "url": "http://127.0.0.1:8090/fhir",
                "software": "sandbox",
                "fhir_version": "4.0.1",
                "sandbox": True,
            },
        }

    @property
    def spec(self) -> RunSpec:
        return _spec(self.sites, self.objectives, self.places)

    def at(self, **names: str) -> pd.Series:
        """Which samples have these names: `run.at(site="river", operation="Patient.read")`."""
        mask = pd.Series(True, index=self.samples.index)
        for column, name in names.items():
            mask &= self.samples[column] == name
        return mask

    def let_come(self, persona: str, site: str, count: int, *, late_s: float = 0.001, workflow: str = "ask") -> None:
        """`count` arrivals, evenly over the run, each with one workflow of one request of 100 ms, begun late."""
        due_s = (np.arange(count) + 0.5) * (self.length_s - 1.0) / count
        first = int(self.samples["request_id"].max()) + 1, int(self.workflows["workflow_run"].max()) + 1
        of_all = {
            "intended_s": due_s,
            "start_s": due_s + late_s,
            "site": site,
            "persona": persona,
            "workflow": workflow,
            "lane": "identity",
            "phase": "clinics-open",
            "open": True,
            "outcome": "ok",
            "clinician": np.arange(count),
            "worker": 0,
            "workflow_run": first[1] + np.arange(count),
        }
        requests = {
            "latency_ms": 100.0,
            "server_ms": 100.0,
            "connect_ms": 0.0,
            "ttfb_ms": 100.0,
            "reused": True,
            "operation": "Patient.read",
            "method": "GET",
            "status": 200,
            "attempt": 1,
            "bytes_sent": 200,
            "bytes_received": 2000,
            "request_id": first[0] + np.arange(count),
        }
        runs = {"duration_ms": 100.0, "waited_ms": 100.0, "think_ms": 0.0, "back_entry": False}
        self.samples = pd.concat([self.samples, pd.DataFrame({**of_all, **requests})], ignore_index=True)
        self.workflows = pd.concat([self.workflows, pd.DataFrame({**of_all, **runs})], ignore_index=True)
        rate = {"time_s": [0.0, self.length_s], "per_s": [count / self.length_s] * 2}
        self.arrivals.append({"site": site, "persona": persona, "worker": 0, "expected": float(count), **rate})

    def write(self) -> tuple[RunDir, RunSpec]:
        """Write the folder; returns what `analyse` takes."""
        self.run_dir.path.mkdir(parents=True, exist_ok=True)
        if self.duty_follows:
            self._let_duty_follow()
        health = self.health_edit(_health(self.samples, self.length_s, self.plan))
        for frame, schema, path in (
            (self.samples, SAMPLES, self.run_dir.samples),
            (self.workflows, WORKFLOWS, self.run_dir.workflows),
            (self.duty, DUTY, self.run_dir.duty),
            (health, HEALTH, self.run_dir.health),
            (self.plan, _PLAN, self.run_dir.plan),
        ):
            write_parquet(frame, schema, path)
        expected = {**self.expected, "objectives": list(self._planned_objectives())}
        self.run_dir.expected.write_text(json.dumps(expected))
        self.run_dir.arrivals.write_text(json.dumps(self.arrivals))
        self.run_dir.write_manifest(self.manifest)
        return self.run_dir, self.spec

    def _let_duty_follow(self) -> None:
        waited_s = _waited_s(self.samples)
        more_s = waited_s.sub(self._waited_s, fill_value=0.0)
        self._waited_s = waited_s
        of_slot = self.plan.set_index("slot")[list(_PERSON)]
        people = self.duty["slot"].map(
            dict(zip(of_slot.index, of_slot.itertuples(index=False, name=None), strict=True))
        )
        first = ~self.duty["slot"].duplicated()
        change_s = people.map(more_s.to_dict()).fillna(0.0).astype(float).where(first, 0.0)
        self.duty = self.duty.assign(waiting_s=self.duty["waiting_s"] + change_s, idle_s=self.duty["idle_s"] - change_s)

    def _planned_objectives(self) -> Iterator[dict[str, Any]]:
        for each in self.objectives:
            column = each.scope.removeprefix("each-")
            names = [""] if column == "network" else each.only or sorted(self.samples[column].unique())
            for name in names:
                required = self.required.get((each.id, name), each.required)
                scope = {column: name} if name else {}
                yield {"id": each.id, "scope": scope, "required": required, "expected_samples": 500.0}


def write_parquet(frame: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    columns = [
        pa.array(frame[field.name].tolist(), type=pa.string()).cast(field.type)
        if pa.types.is_dictionary(field.type)
        else pa.array(frame[field.name].to_numpy(), type=field.type)
        for field in schema
    ]
    table = pa.table(columns, schema=schema.with_metadata({"format_version": str(FORMAT_VERSION)}))
    pq.write_table(table, path, compression="zstd")


@pytest.fixture
def fabricate(tmp_path: Path) -> Callable[..., FabricatedRun]:
    """Make a healthy run: latencies are lognormal around `median_ms` (sigma 0.5), nobody is late, nothing fails."""

    def make(
        *,
        sites: Sequence[str] = SITES,
        heads: int = 10,
        length_s: float = 60.0,
        requests: int = 5000,
        median_ms: float = 100.0,
        seed: int = 7,
    ) -> FabricatedRun:
        path = tmp_path / f"2026-11-22T091500Z-morning-rush-{len(list(tmp_path.iterdir())):04x}"
        path.mkdir()
        return FabricatedRun(
            path, sites=sites, heads=heads, length_s=length_s, requests=requests, median_ms=median_ms, seed=seed
        )

    return make


@pytest.fixture
def make_objective() -> Callable[..., Objective]:
    return objective


def _plan(sites: Sequence[str], heads: int, length_s: float) -> pd.DataFrame:
    rows = [
        {"site": site, "persona": "nurse" if head % 2 else "physician", "clinician": head // 2}
        for site in sites
        for head in range(heads)
    ]
    frame = pd.DataFrame(rows)
    frame.insert(0, "slot", range(len(frame)))
    return frame.assign(start_s=0.0, end_s=length_s, worker=frame["slot"] % 2)


def _samples(plan: pd.DataFrame, runs_each: int, length_s: float, median_ms: float, seed: int) -> pd.DataFrame:
    """Each clinician does `runs_each` workflows of two requests, evenly over her slot; the two workflows of a persona
    in turn."""
    draws = np.random.default_rng(seed)
    slots = plan.loc[plan.index.repeat(runs_each * STEPS)].reset_index(drop=True)
    nth = np.tile(np.arange(runs_each * STEPS), len(plan))
    run, step = nth // STEPS, nth % STEPS
    workflow = [WORKFLOWS_OF[persona][turn % 2] for persona, turn in zip(slots["persona"], run, strict=True)]
    pause_s = (length_s - 1.0) / max(runs_each * STEPS, 1)
    start_s = nth * pause_s + draws.uniform(0, pause_s, len(slots))
    latency_ms = draws.lognormal(np.log(median_ms), 0.5, len(slots))
    return pd.DataFrame(
        {
            "intended_s": start_s - 0.001,
            "start_s": start_s,
            "latency_ms": latency_ms,
            "server_ms": latency_ms,
            "connect_ms": 0.0,
            "ttfb_ms": latency_ms,
            "reused": True,
            "site": slots["site"],
            "persona": slots["persona"],
            "workflow": workflow,
            "operation": [OPERATIONS_OF[name][turn] for name, turn in zip(workflow, step, strict=True)],
            "lane": [LANE_OF[name] for name in workflow],
            "phase": np.where(start_s < length_s / 2, "results-read", "clinics-open"),
            "method": "GET",
            "outcome": "ok",
            "open": False,
            "clinician": slots["clinician"],
            "workflow_run": slots["slot"] * runs_each + run,
            "request_id": np.arange(1, len(slots) + 1),
            "status": 200,
            "bytes_sent": 200,
            "bytes_received": 2000,
            "attempt": 1,
            "worker": slots["worker"],
        }
    )


_PERSON = ("site", "persona", "clinician")


def _waited_s(samples: pd.DataFrame) -> pd.Series:
    """Seconds that each person on duty waited for answers."""
    return samples[~samples["open"].astype(bool)].groupby(list(_PERSON))["latency_ms"].sum() / 1000


def _workflows(samples: pd.DataFrame) -> pd.DataFrame:
    done_s = samples["start_s"] + samples["latency_ms"] / 1000
    runs = samples.assign(done_s=done_s).groupby("workflow_run")
    frame = runs[["site", "persona", "clinician", "workflow", "lane", "phase", "open", "worker"]].first()
    frame["intended_s"] = runs["intended_s"].min()
    frame["start_s"] = runs["start_s"].min()
    frame["duration_ms"] = (runs["done_s"].max() - frame["start_s"]) * 1000
    frame["waited_ms"] = runs["latency_ms"].sum()
    frame["think_ms"] = (frame["duration_ms"] - frame["waited_ms"]).clip(lower=0)
    frame["outcome"] = "ok"
    frame["back_entry"] = False
    return frame.reset_index()


def _duty(plan: pd.DataFrame, workflows: pd.DataFrame) -> pd.DataFrame:
    by_person = workflows.groupby(["site", "persona", "clinician"])[["waited_ms", "think_ms"]].sum() / 1000
    spent = plan.join(by_person, on=["site", "persona", "clinician"]).fillna(0.0)
    return pd.DataFrame(
        {
            "slot": plan["slot"],
            "worker": plan["worker"],
            "claimed_s": plan["start_s"] - 3,
            "started_s": plan["start_s"] + 0.001,
            "ended_s": plan["end_s"] + 0.001,
            "reason": "slot_end",
            "waiting_s": spent["waited_ms"],
            "thinking_s": spent["think_ms"],
            "idle_s": plan["end_s"] - plan["start_s"] - spent["waited_ms"] - spent["think_ms"],
        }
    )


def _health(samples: pd.DataFrame, length_s: float, plan: pd.DataFrame) -> pd.DataFrame:
    """One row a second and worker; the counters follow from the samples."""
    frames = []
    for worker in (0, 1):
        own = samples[samples["worker"] == worker]
        start_s = own["start_s"].to_numpy()
        latency_s = own["latency_ms"].to_numpy() / 1000
        last_s = max(length_s, float((start_s + latency_s).max(initial=0.0)))
        time_s = np.append(np.arange(0.0, last_s, 1.0), last_s + 0.1)
        started = np.array([(start_s <= now).sum() for now in time_s])
        finished = np.array([(start_s + latency_s <= now).sum() for now in time_s])
        in_flight_s = np.array([np.clip(now - start_s, 0, latency_s).sum() for now in time_s])
        heads = int((plan["worker"] == worker).sum())
        frames.append(
            pd.DataFrame(
                {
                    "time_s": time_s,
                    "worker": worker,
                    "loop_lag_ms": 2.0,
                    "cpu": 0.2,
                    "steal": 0.0,
                    "memory_mb": 90.0,
                    "users": heads,
                    "on_duty": heads,
                    "visitors": 0,
                    "in_flight": started - finished,
                    "started": started,
                    "finished": finished,
                    "in_flight_s": in_flight_s,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _expected_runs(workflows: pd.DataFrame) -> list[dict[str, Any]]:
    counts = workflows.groupby(["site", "persona", "workflow"]).size()
    return [
        {"site": site, "persona": persona, "workflow": workflow, "runs": float(runs)}
        for (site, persona, workflow), runs in counts.items()
    ]


def _spec(sites: Sequence[str], objectives: Sequence[Objective], places: dict[str, dict[str, Any]]) -> RunSpec:
    made_up = "assumption, made for a test"
    kinds = {"clinic", *(place["template"] for place in places.values() if "template" in place)}
    links = {place["link"] for place in places.values() if place.get("link")}
    scenario = Scenario(
        name="morning-rush",
        title="Morning rush",
        story="Clinics open.",
        date=date(2026, 11, 23),
        timeline=(23400.0, 37800.0),
        connect_timeout_s=5.0,
        answer_timeout_s=30.0,
        sites=(SiteMix(template="clinic", weight=1.0, time_zone="UTC", source=made_up),),
        default_sites=len(sites),
        site_names=tuple(sites),
        templates={
            kind: SiteTemplate(
                name=kind,
                title=kind.capitalize(),
                peak=10,
                mix={"nurse": 1.0, "physician": 1.0},
                patients=50,
                source=made_up,
            )
            for kind in sorted(kinds)
        },
        links={link: Link(name=link, title=link.capitalize(), round_trip_s=0.08, source=made_up) for link in links},
        personas={},
        curves={},
        phases=(),
        objectives=tuple(objectives),
    )
    usual: dict[str, Any] = {
        "template": "clinic",
        "time_zone": "UTC",
        "locale": "en_US",
        "utc_offset_s": 0.0,
        "start_offset_s": 0.0,
        "heads": {"nurse": 5, "physician": 5},
        "patients": 50,
    }
    return RunSpec(
        scenario=scenario,
        sites=tuple(Site.model_validate({"name": name, **usual, **places.get(name, {})}) for name in sites),
        clock_zone="UTC",
        seed=7,
        duration_s=None,
        window=None,
    )
