"""Rows with all of their columns, from files of many formats; what cannot be read is told apart."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..types import Fields
from .jsonl import scan_objects, size_of
from .parquet import ABSA, parquet_schema, scan_parquet
from .tables import SPREADSHEETS, scan_table
from .text import BadRow
from .texts import SAMPLE, find_column, text_format

PARQUET = ".parquet"


class Row(NamedTuple):
    """One row of a file."""

    line: int  # from 1; of a Parquet file the number of the row
    fields: Fields  # all of its columns, the text too
    text: str
    size: int  # bytes of its values, roughly


def row_format(path: Path) -> str:
    """The lower-case suffix that tells the format: .jsonl, .csv, .tsv or .parquet.

    Raises InputError if it is another.
    """
    if path.suffix.lower() == PARQUET:
        return PARQUET
    suffix = text_format(path)
    if suffix == ".txt" or suffix in SPREADSHEETS:
        raise InputError(f"{path}: rows are read from .jsonl, .csv, .tsv and .parquet: convert it.")
    return suffix


def text_column(path: Path, column: str | None = None) -> str:
    """The column or key of the text, guessed as ``read_texts`` does where it is not given.

    Raises InputError if a table has no such column, or two of one name, or one that is
    called as the column that annotation adds.
    """
    suffix = row_format(path)
    if suffix == ".jsonl":
        return column or "text"
    header = table_header(path)
    if len(set(header)) < len(header):
        raise InputError(f"{path}: two columns have the same name: rename one of them.")
    if ABSA in header:
        raise InputError(f"{path}: there is a column {ABSA!r} already: rename it.")
    readable = (row[1] for row in scan_rows(path) if not isinstance(row, BadRow))
    sample = [
        [value if isinstance(value, str) else "" for value in fields.values()]
        for fields in islice(readable, SAMPLE)
    ]
    return find_column(path, header, sample, column)


def table_header(path: Path) -> list[str]:
    """The names of the columns of a table, in order."""
    if row_format(path) == PARQUET:
        return parquet_schema(path).names
    return next(scan_table(path, tolerant=True))[1]


def read_rows(path: Path, column: str, max_chars: int) -> Iterator[Row | BadRow]:
    """Stream the rows of a file; a ``BadRow`` stands in the place of each without a usable text.

    column: The key or column of the text. max_chars: The length of the longest usable text.

    Raises InputError for what is wrong with the whole file.
    """
    for row in scan_rows(path):
        yield row if isinstance(row, BadRow) else _check(*row, column, max_chars)


def scan_rows(path: Path) -> Iterable[tuple[int, Fields] | BadRow]:
    """Stream (number, columns) of each row; a ``BadRow`` in the place of one that cannot be read.

    Raises InputError for what is wrong with the whole file.
    """
    match row_format(path):
        case ".parquet":
            return scan_parquet(path)
        case ".jsonl":
            return scan_objects(path, tolerant=True)
        case _:
            return _scan_table(path)


def _scan_table(path: Path) -> Iterator[tuple[int, Fields] | BadRow]:
    rows = scan_table(path, tolerant=True)
    _, header = next(rows)
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        else:
            yield row[0], dict(zip(header, row[1], strict=True))


def _check(line: int, fields: Fields, column: str, max_chars: int) -> Row | BadRow:
    text = fields.get(column)
    if text is None or (isinstance(text, str) and not text.strip()):
        return BadRow(line, f"no text at {column!r}")
    if not isinstance(text, str):
        return BadRow(line, f"the text at {column!r} is no string")
    if len(text) > max_chars:
        return BadRow(line, f"the text has {len(text)} characters, more than {max_chars}")
    if ABSA in fields:
        return BadRow(line, f"there is a column {ABSA!r} already: rename it")
    try:
        size = size_of(fields)
    except UnicodeEncodeError:
        return BadRow(line, "invalid bytes, or an unpaired surrogate")
    except RecursionError:
        return BadRow(line, "nested too deeply")
    return Row(line, fields, text, size)
