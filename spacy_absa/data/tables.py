"""Tables as rows of strings: .csv, .tsv, tab-separated .csv, .xls and .xlsx."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import InputError
from .text import MAX_LINE, TOO_LONG, BadRow, open_text, read_lines

SPREADSHEETS = (".xls", ".xlsx")

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
    for row in scan_table(path):
        if isinstance(row, BadRow):
            raise row.error(path)
        yield row


def scan_table(path: str | Path, *, tolerant: bool = False) -> Iterator[NumberedRow | BadRow]:
    """As ``read_table``, with a ``BadRow`` in the place of each row that cannot be read.

    ``tolerant`` is as for ``open_text``. Raises InputError for what is wrong with the whole file
    or its header.
    """
    path = Path(path)
    is_spreadsheet = path.suffix.lower() in SPREADSHEETS
    rows = _read_spreadsheet(path) if is_spreadsheet else _read_text(path, tolerant)
    header = next(rows, None)
    if header is None:
        raise InputError(f"{path}: the file is empty: it needs a header line and rows.")
    if isinstance(header, BadRow):
        raise header.error(path)
    yield header
    width = len(header[1])
    for row in rows:
        if not isinstance(row, BadRow) and len(row[1]) != width:
            row = BadRow(
                row[0],
                f"{len(row[1])} columns where the header has {width}: "
                "mend the line or the file's separators",
            )
        yield row


class _Lines:
    """The lines of a text for the csv module, which may go on behind one that is too long."""

    def __init__(self, file: TextIO) -> None:
        self._lines = read_lines(file)
        self.number = 0  # of the last line given, from 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if line is None:
            raise csv.Error(TOO_LONG)
        return line


def _read_text(path: Path, tolerant: bool) -> Iterator[NumberedRow | BadRow]:
    with open_text(path, tolerant=tolerant) as file:
        header = file.readline(MAX_LINE)
    if "\t" in header or ".tsv" in [suffix.lower() for suffix in path.suffixes]:
        return _read_tabs(path, tolerant)
    delimiter = ";" if header.count(";") > header.count(",") else ","
    return _read_csv(path, delimiter, tolerant)


def _read_tabs(path: Path, tolerant: bool) -> Iterator[NumberedRow | BadRow]:
    with open_text(path, newline="\n", tolerant=tolerant) as file:
        for number, line in enumerate(read_lines(file), start=1):
            if line is None:
                yield BadRow(number, TOO_LONG)
            elif line := line.rstrip("\r\n"):
                yield number, line.split("\t")


def _read_csv(path: Path, delimiter: str, tolerant: bool) -> Iterator[NumberedRow | BadRow]:
    csv.field_size_limit(MAX_LINE)
    with open_text(path, tolerant=tolerant) as file:
        lines = _Lines(file)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            try:
                if row := next(rows):
                    yield lines.number, row
            except StopIteration:
                return
            except csv.Error as error:
                yield BadRow(lines.number, f"not valid CSV ({error}): mend the quotes there")


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
