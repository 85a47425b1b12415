"""What is played: YAML with a line for every problem, read into frozen models and resolved into one run.

Lives above `clinic`, whose workflows it checks names against; `plan` and all above it import from here.
"""

from harness.scenario.abilities import unsupported_workflows, workflows_of
from harness.scenario.apportion import apportion
from harness.scenario.habits import habits_of
from harness.scenario.load import list_scenarios, load_scenario
from harness.scenario.people import population_of
from harness.scenario.resolve import resolve
from harness.scenario.spec_file import dump_spec, read_spec

__all__ = [
    "apportion",
    "dump_spec",
    "habits_of",
    "list_scenarios",
    "load_scenario",
    "population_of",
    "read_spec",
    "resolve",
    "unsupported_workflows",
    "workflows_of",
]
