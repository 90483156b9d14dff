"""Parquet files, through pyarrow (the extra ``parquet``): rows in, annotated rows out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import InputError
from ..extras import require
from .jsonl import to_json
from .text import BadRow

if TYPE_CHECKING:
    import pyarrow

# The column that annotation adds.
ABSA = "absa"
# Rows that are taken out of a file at a time.
_BATCH = 1000


def parquet_schema(path: Path) -> "pyarrow.Schema":
    """The columns of a file. Raises InputError if it cannot be read."""
    with _open(path) as file:
        return file.schema_arrow.remove_metadata()


def scan_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]] | BadRow]:
    """Stream (number from 1, columns) of each row, as plain Python types.

    A ``BadRow`` stands in the place of a row with a value that Python cannot hold. Raises
    InputError if the file is missing or damaged.
    """
    from pyarrow import ArrowException

    number = 0
    with _open(path) as file:
        try:
            for batch in file.iter_batches(_BATCH):
                for row in _rows(batch):
                    number += 1
                    yield BadRow(number, row) if isinstance(row, str) else (number, row)
        except (ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: damaged behind row {number}: {_say(error)}.") from error


def require_pyarrow(path: Path) -> None:
    """Raise InputError, about a file or folder that needs it, where pyarrow is not installed."""
    require("parquet", "pyarrow", what=f"{path}: Parquet")


def _open(path: Path) -> Any:
    require_pyarrow(path)
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        # A buffer makes it read page by page instead of whole columns.
        file = ParquetFile(path, buffer_size=1 << 16)
        file.schema_arrow.names  # noqa: B018 - decodes them, which may fail
        return file
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as Parquet: {_say(error)}.") from error


def _say(error: Exception) -> str:
    """The message of an error in one line; some of pyarrow's have several."""
    return " ".join(str(error).split()).removesuffix(".")


def _rows(batch: "pyarrow.RecordBatch") -> Iterator[dict[str, Any] | str]:
    """The rows of a batch; for one that cannot be converted the reason."""
    try:
        yield from _in_microseconds(batch).to_pylist()
    except (ValueError, OverflowError) as error:  # invalid UTF-8, nanoseconds, the year 12,000
        if len(batch) == 1:
            yield f"cannot be read: {_say(error)}"
            return
        for i in range(len(batch)):
            yield from _rows(batch.slice(i, 1))


def _in_microseconds(batch: "pyarrow.RecordBatch") -> "pyarrow.Table":
    """Times in a unit that Python has. Raises ValueError for one that is finer than that."""
    import pyarrow

    fields = []
    for field in batch.schema:
        if pyarrow.types.is_timestamp(field.type) and field.type.unit == "ns":
            field = field.with_type(pyarrow.timestamp("us", field.type.tz))
        elif pyarrow.types.is_time64(field.type) and field.type.unit == "ns":
            field = field.with_type(pyarrow.time64("us"))
        elif pyarrow.types.is_duration(field.type) and field.type.unit == "ns":
            field = field.with_type(pyarrow.duration("us"))
        fields.append(field)
    return pyarrow.Table.from_batches([batch]).cast(pyarrow.schema(fields))


class JsonColumns:
    """Finds a Parquet type for each key of JSON objects, all of which it is shown first.

    Strings, truth values, integers (of 64 bits) and numbers have types of their own; a key whose
    values differ in type, or are objects, lists or greater integers, becomes a string with JSON.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, str | None] = {}

    def add(self, fields: dict[str, Any]) -> None:
        """Take an object's keys and the types of its values into account."""
        for key, value in fields.items():
            self._kinds[key] = _common(self._kinds.get(key), _kind(value))

    def schema(self) -> "pyarrow.Schema":
        """The columns; those with JSON say so in their metadata."""
        import pyarrow

        types = {
            "bool": pyarrow.bool_(),
            "int": pyarrow.int64(),
            "float": pyarrow.float64(),
            "str": pyarrow.string(),
        }
        return pyarrow.schema(
            pyarrow.field(key, types[kind])
            if kind in types
            else pyarrow.field(key, pyarrow.string(), metadata={"encoding": "json"})
            for key, kind in self._kinds.items()
        )


def _kind(value: Any) -> str | None:
    if value is None:
        return None
    name = type(value).__name__
    is_plain = name in ("bool", "float", "str") or (name == "int" and -(2**63) <= value < 2**63)
    return name if is_plain else "json"


def _common(first: str | None, second: str | None) -> str | None:
    if first == second or first is None or second is None:
        return first or second
    return "float" if {first, second} == {"int", "float"} else "json"


def string_schema(columns: Iterable[str]) -> "pyarrow.Schema":
    """Columns of strings, as text files have them."""
    import pyarrow

    return pyarrow.schema((column, pyarrow.string()) for column in columns)


def output_schema(
    schemas: Iterable["pyarrow.Schema"], labels: Iterable[str], *, explained: bool = False
) -> "pyarrow.Schema":
    """The columns of all input files, and the column of their mentions, explained or not.

    Raises InputError if the files disagree on a column's type.
    """
    import pyarrow

    try:
        joined = pyarrow.unify_schemas(list(schemas))
    except pyarrow.ArrowException as error:
        raise InputError(
            f"The inputs cannot share one Parquet schema ({error}): annotate them in runs of their "
            "own, or write JSONL."
        ) from error
    return joined.append(pyarrow.field(ABSA, _mentions(labels, explained)))


def _mentions(labels: Iterable[str], explained: bool) -> "pyarrow.DataType":
    """The type of ``doc._.absa``, in which entities may have an explanation."""
    import pyarrow

    text, offset, number = pyarrow.string(), pyarrow.int32(), pyarrow.float64()
    fields = [
        ("text", text),
        ("start", offset),
        ("end", offset),
        ("label", text),
        ("sentiment", text),
        ("scores", pyarrow.struct([(label, number) for label in labels])),
        ("score", number),
        ("id", text),
    ]
    if explained:
        run = [("start", offset), ("end", offset), ("text", text), ("weight", number)]
        fields.append(("explanation", pyarrow.list_(pyarrow.struct(run))))
    return pyarrow.list_(pyarrow.struct(fields))


def write_parquet(file: IO[bytes], rows: list[dict[str, Any]], schema: "pyarrow.Schema") -> None:
    """Write rows as one row group; keys that they lack are null."""
    import pyarrow
    from pyarrow.parquet import write_table

    columns = [
        pyarrow.array([_value(row.get(field.name), field) for row in rows], field.type)
        for field in schema
    ]
    write_table(pyarrow.table(columns, schema=schema), file)


def _value(value: Any, field: "pyarrow.Field") -> Any:
    if value is not None and field.metadata and field.metadata.get(b"encoding") == b"json":
        return to_json(value)
    return float(value) if isinstance(value, int) and str(field.type) == "double" else value
