"""Spreadsheets as rows of strings, through python-calamine (the extra ``excel``)."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from ..extras import require
from .text import check_ratio

NumberedRow = tuple[int, list[str]]

# The cells of the rectangle round all that are filled, each of which takes 24 bytes of memory.
MAX_CELLS = 1 << 24
_CHUNK = 1 << 20
# The address of a cell or a row: `<c r="AB12">`, `<row r="12">`.
_ADDRESS = re.compile(
    rb"""<(?:\w+:)?(?:c|row)\s[^<]*?\br\s*=\s*["']([A-Za-z]{0,4})0*([0-9]{0,8})"""
)


def read_spreadsheet(path: Path) -> Iterator[NumberedRow]:
    """Yield (number from 1, cells as strings) of each row of the first sheet that is not empty.

    Raises InputError if the file is no spreadsheet, or would take too much memory.
    """
    require("excel", "python_calamine", what=f"{path}: a spreadsheet")
    from python_calamine import CalamineWorkbook

    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    except InputError:
        raise
    except Exception as error:  # zipfile has many of them for what a damaged archive asks it for
        raise InputError(f"{path}: cannot be read as a spreadsheet: {error}.") from error
    for number, row in enumerate(rows, start=1):
        if any(cell != "" for cell in row):
            yield number, [_as_shown(cell) for cell in row]


def _as_shown(cell: object) -> str:
    """A cell as a spreadsheet shows it: all of its numbers are floats, 1 among them."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _check_archive(path: Path) -> None:
    """Raise InputError for an .xlsx file that unfolds to too much, or has cells too far out.

    calamine makes room for every cell up to the last one, so that a stray cell at the end of the
    largest possible sheet would end the process.
    """
    n_bytes = n_rows = n_columns = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            tail = b""
            with archive.open(member) as file:
                while chunk := file.read(_CHUNK):
                    n_bytes += len(chunk)
                    check_ratio(path, n_bytes)
                    for column, row in _ADDRESS.findall(tail + chunk):
                        n_rows = max(n_rows, int(row or 0))
                        n_columns = max(n_columns, _column(column))
                    tail = chunk[chunk.rfind(b"<") :]
    if n_rows * n_columns > MAX_CELLS:
        raise InputError(
            f"{path}: {n_rows} rows by {n_columns} columns, more than {MAX_CELLS:,} cells: remove "
            "stray cells far from the others, or save the sheet as .csv."
        )


def _column(letters: bytes) -> int:
    """The number of a column from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - ord("A") + 1
    return number
