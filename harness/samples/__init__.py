"""What a run writes down: columns, the workers' streams, and the Parquet files that they become.

Imported by load (writer), analysis, report and cli; knows nothing of them.
"""

from harness.samples.columns import DUTY, FORMAT_VERSION, HEALTH, SAMPLES, WORKFLOWS
from harness.samples.reader import Merged, merge_streams
from harness.samples.sink import Sink, WriteFailure
from harness.samples.writer import Names, StreamWriter

__all__ = [
    "DUTY",
    "FORMAT_VERSION",
    "HEALTH",
    "SAMPLES",
    "WORKFLOWS",
    "Merged",
    "Names",
    "Sink",
    "StreamWriter",
    "WriteFailure",
    "merge_streams",
]
