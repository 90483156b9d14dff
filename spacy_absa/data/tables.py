"""Tables as rows of strings: .csv, .tsv, tab-separated .csv, .xls and .xlsx."""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..errors import InputError
from .spreadsheets import NumberedRow, read_spreadsheet
from .text import MAX_LINE, TOO_LONG, BadRow, open_text, read_lines

SPREADSHEETS = (".xls", ".xlsx")
# Characters of a CSV file that may be read again, to save the lines behind a quote that is never
# closed. A file made of such quotes would otherwise keep its reader busy for ever.
_PATIENCE = 4 * MAX_LINE
# What a cell begins with that may run as a formula: OWASP, CSV Injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def read_table(path: str | Path) -> Iterator[NumberedRow]:
    """Yield (number of its first line, from 1; fields) of each row, the header first.

    Blank lines are passed.

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
    rows = read_spreadsheet(path) if is_spreadsheet else _read_text(path, tolerant)
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
    """The lines of a text for the csv module, which may go back when a row turns out to be none."""

    def __init__(self, file: TextIO) -> None:
        self._lines = read_lines(file)
        self._again: deque[str | None] = deque()
        self._row: list[str | None] = []  # the lines given since the last row began
        self._size = 0  # of those, in characters
        self._patience = _PATIENCE
        self.number = 0  # of the last line given, from 1
        self.first = 1  # of the row's lines

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        self._row.append(line)
        self._size += len(line or "")
        if line is None or self._size > MAX_LINE:
            raise csv.Error(TOO_LONG)
        return line

    def begin_row(self) -> None:
        """Forget the lines of the last row."""
        self.first = self.number + 1
        self._row.clear()
        self._size = 0

    def go_back(self) -> int:
        """Give the lines behind the first one of this row again; returns how many are lost."""
        rest = self._row[1:]
        if self._size > self._patience:
            return len(rest)
        self._patience -= self._size if rest else 0
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        return 0


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
            lines.begin_row()
            try:
                if row := next(rows):
                    yield lines.first, row
            except StopIteration:
                return
            except csv.Error as error:
                n_lost = lines.go_back()
                with_it = f", {n_lost} lines behind it are lost with it" if n_lost else ""
                yield BadRow(
                    lines.number - n_lost,
                    f"not valid CSV ({error}){with_it}: mend the quotes there",
                )


def neutralise(field: str) -> str:
    """A field of a table for people, which no spreadsheet then takes for a formula (CWE-1236)."""
    return f"'{field}" if field.startswith(_FORMULA) else field
