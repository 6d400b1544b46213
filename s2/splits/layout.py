"""Rows as fine-tuning reads them: a prompt and its completion."""

from pathlib import Path

import duckdb
import pyarrow as pa

from s2.kernel.tables import write_rows
from s2.models.prompts import format_prompt

SCHEMA = pa.schema([("id", pa.string()), ("prompt", pa.string()), ("completion", pa.string())])


def write_for_sft(path: Path, taken: duckdb.DuckDBPyRelation) -> int:
    """Write rows of `id`, `question` and `answer` in their order; returns their number."""
    rows = (
        {"id": row["id"], "prompt": format_prompt(row["question"]), "completion": row["answer"]}
        for batch in taken.to_arrow_reader()
        for row in batch.to_pylist()
    )
    return write_rows(path, SCHEMA, rows)
