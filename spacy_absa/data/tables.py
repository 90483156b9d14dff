"""Tables as rows of strings: .csv, .tsv, tab-separated .csv, .xls and .xlsx."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .text import open_text

SPREADSHEETS = (".xls", ".xlsx")
# One field may hold a whole article; the csv module stops at 131,072 characters by default.
_FIELD_LIMIT = 2**31 - 1

NumberedRow = tuple[int, list[str]]


def read_table(path: str | Path) -> Iterator[NumberedRow]:
    """Yield (line number from 1, fields) of each row, the header first; blank lines are passed.

    Where the header holds a tab, or the file is called .tsv, fields are separated by tabs, rows
    by line feeds, and quotes mean nothing (as in the BDCI-2016 files); else it is a CSV file
    with commas or semicolons. Of a spreadsheet the first sheet is read. Plain text may be
    compressed (``.gz``).

    Raises InputError if the file cannot be read, is empty, or has a row with more or fewer
    fields than the header.
    """
    path = Path(path)
    rows = _read_spreadsheet(path) if path.suffix.lower() in SPREADSHEETS else _read_text(path)
    width = None
    for line, fields in rows:
        width = width or len(fields)
        if len(fields) != width:
            raise InputError(
                f"{path}, line {line}: {len(fields)} columns where the header has {width}: "
                "mend the line or the file's separators."
            )
        yield line, fields
    if width is None:
        raise InputError(f"{path}: the file is empty: it needs a header line and rows.")


def _read_text(path: Path) -> Iterator[NumberedRow]:
    with open_text(path) as file:
        header = file.readline()
    if "\t" in header or ".tsv" in [suffix.lower() for suffix in path.suffixes]:
        return _read_tabs(path)
    return _read_csv(path, ";" if header.count(";") > header.count(",") else ",")


def _read_tabs(path: Path) -> Iterator[NumberedRow]:
    with open_text(path, newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line := line.rstrip("\r\n"):
                yield number, line.split("\t")


def _read_csv(path: Path, delimiter: str) -> Iterator[NumberedRow]:
    csv.field_size_limit(_FIELD_LIMIT)
    with open_text(path) as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            yield from ((rows.line_num, row) for row in rows if row)
        except csv.Error as error:
            raise InputError(
                f"{path}, line {rows.line_num}: not valid CSV ({error}): mend the quotes there."
            ) from error


def _read_spreadsheet(path: Path) -> Iterator[NumberedRow]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise InputError(
            f"{path}: spreadsheets need python-calamine: pip install 'spacy-absa[excel]'."
        ) from error
    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    except (CalamineError, OSError) as error:
        raise InputError(f"{path}: cannot be read as a spreadsheet: {error}.") from error
    for number, row in enumerate(rows, start=1):
        if any(cell != "" for cell in row):
            yield number, [str(cell) for cell in row]
