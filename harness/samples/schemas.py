"""The columns as Arrow schemas, for whoever reads and writes tables; load processes do without pyarrow."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from harness.samples import columns
from harness.samples.columns import Columns

__all__ = ["DUTY", "HEALTH", "SAMPLES", "WORKFLOWS", "coded_columns", "schema_of"]


def schema_of(kinds: Columns) -> pa.Schema:
    """Names as dictionaries of texts."""
    name: pa.DataType = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([(column, name if kind == "name" else pa.type_for_alias(kind)) for column, kind in kinds.items()])


SAMPLES: Final = schema_of(columns.SAMPLES)
WORKFLOWS: Final = schema_of(columns.WORKFLOWS)
DUTY: Final = schema_of(columns.DUTY)
HEALTH: Final = schema_of(columns.HEALTH)


def coded_columns(schema: pa.Schema) -> tuple[str, ...]:
    """Names of the columns that hold a code into a dictionary."""
    return tuple(field.name for field in schema if pa.types.is_dictionary(field.type))
