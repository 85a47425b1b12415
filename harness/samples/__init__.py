"""What a run writes down: columns, the workers' streams, and the Parquet files that they become.

Imported by load (writer), analysis, report and cli; knows nothing of them. Each module by its own name: whoever only
watches a run needs `progress`, and none of the memory that the others take.
"""

FORMAT_VERSION = 2
"""Of the columns; their history is in `harness.samples.columns`."""
