"""The formats of part files."""

import base64
import json
import math
from typing import IO, TYPE_CHECKING, Any

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


def to_json(fields: Fields) -> str:
    """A row as JSON that every parser reads.

    What Parquet knows and JSON does not becomes a string: times as ISO 8601, bytes as base64.
    Numbers that are not finite become null.
    """
    try:
        return json.dumps(fields, ensure_ascii=False, allow_nan=False, default=_default)
    except ValueError:
        return json.dumps(_finite(fields), ensure_ascii=False, allow_nan=False, default=_default)


def _default(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
