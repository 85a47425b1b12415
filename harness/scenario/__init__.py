"""What is played: YAML with a line for every problem, read into frozen models and resolved into one run.

Lives above `clinic`, whose workflows it checks names against; `plan` and all above it import from here.
"""

from harness.scenario.abilities import unsupported_by_site, unsupported_facts, unsupported_workflows, workflows_of
from harness.scenario.apportion import apportion
from harness.scenario.endpoints import TARGET, endpoint_of, sites_by_endpoint, vet_endpoints, with_sites_of
from harness.scenario.habits import habits_of
from harness.scenario.load import list_scenarios, load_everybody, load_scenario
from harness.scenario.own_workflows import use_workflows
from harness.scenario.patients_file import PatientsFile, read_patients_file
from harness.scenario.people import population_of
from harness.scenario.resolve import resolve, site_of
from harness.scenario.sites_file import scenario_with_sites
from harness.scenario.source_addresses import vet_source_addresses
from harness.scenario.spec_file import dump_spec, read_spec
from harness.scenario.staff import cohorts_of, staff_of, think_factor_of

__all__ = [
    "TARGET",
    "PatientsFile",
    "apportion",
    "cohorts_of",
    "dump_spec",
    "endpoint_of",
    "habits_of",
    "list_scenarios",
    "load_everybody",
    "load_scenario",
    "population_of",
    "read_patients_file",
    "read_spec",
    "resolve",
    "scenario_with_sites",
    "site_of",
    "sites_by_endpoint",
    "staff_of",
    "think_factor_of",
    "unsupported_by_site",
    "unsupported_facts",
    "unsupported_workflows",
    "use_workflows",
    "vet_endpoints",
    "vet_source_addresses",
    "with_sites_of",
    "workflows_of",
]
