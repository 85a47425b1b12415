"""A run as data before anything is sent: roster, phases, workers, expected load, what is required.

For `load`, `verdict`, `report`, `control`, `fleet` and `cli`. Cheap to import: pyarrow loads on writing only.
"""

from harness.plan.arrivals import arrival_times, expected_arrivals
from harness.plan.costs import costs_of, mean_run_s
from harness.plan.duty import duty_steps, logins, on_duty, peak_on_duty, peaks_on_duty
from harness.plan.emphasis import NO_PHASE, phase_at, weights_at
from harness.plan.expected import expected_load, most_visitors
from harness.plan.facts import manifest_facts
from harness.plan.files import read_shares, write_plan
from harness.plan.model import ArrivalProcess, ExpectedLoad, PhaseSpan, Plan, Slot
from harness.plan.objectives import Requirement, fewest_samples, required_objectives, samples_for
from harness.plan.partition import link_shares, open_caps, partition, worker_of_process
from harness.plan.roster import compile_plan
from harness.plan.timeline import SiteClock, Timeline, timeline_of

__all__ = [
    "NO_PHASE",
    "ArrivalProcess",
    "ExpectedLoad",
    "PhaseSpan",
    "Plan",
    "Requirement",
    "SiteClock",
    "Slot",
    "Timeline",
    "arrival_times",
    "compile_plan",
    "costs_of",
    "duty_steps",
    "expected_arrivals",
    "expected_load",
    "fewest_samples",
    "link_shares",
    "logins",
    "manifest_facts",
    "mean_run_s",
    "most_visitors",
    "on_duty",
    "open_caps",
    "partition",
    "peak_on_duty",
    "peaks_on_duty",
    "phase_at",
    "read_shares",
    "required_objectives",
    "samples_for",
    "timeline_of",
    "weights_at",
    "worker_of_process",
    "write_plan",
]
