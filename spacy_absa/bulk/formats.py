"""The formats of part files."""

from typing import IO, TYPE_CHECKING

from ..data.jsonl import to_json
from ..data.parquet import write_parquet
from ..types import Fields

if TYPE_CHECKING:
    import pyarrow


def write_rows(file: IO[bytes], rows: list[Fields], schema: "pyarrow.Schema | None") -> None:
    """Write rows as Parquet of a schema, or without one as JSON Lines."""
    if schema is not None:
        write_parquet(file, rows, schema)
    else:
        file.writelines(to_json(row).encode("utf-8") + b"\n" for row in rows)
