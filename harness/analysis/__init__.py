"""What a run's files say: percentiles, errors, concurrency, the generator's own health, measured and not judged.

Pure functions over the files of one run. Imported by verdict, report, control and cli.
"""

from harness.analysis.incidents import GivenUp, Incidents, OperationErrors, Outage, WorkflowFailures
from harness.analysis.instrument import Instrument, Mix, WorkerCounts
from harness.analysis.measures import Measure
from harness.analysis.replications import Replications, replicate, replicate_rows
from harness.analysis.summary import Analysis, analyse

__all__ = [
    "Analysis",
    "GivenUp",
    "Incidents",
    "Instrument",
    "Measure",
    "Mix",
    "OperationErrors",
    "Outage",
    "Replications",
    "WorkerCounts",
    "WorkflowFailures",
    "analyse",
    "replicate",
    "replicate_rows",
]
