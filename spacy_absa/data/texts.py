"""Raw text from files of many formats; cutting long texts and dropping repeated ones."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path

from ..errors import InputError
from .jsonl import read_records
from .tables import SPREADSHEETS, read_table
from .text import TOO_LONG, BadRow, open_text, read_lines

_TABLES = (".csv", ".tsv", *SPREADSHEETS)
_FORMATS = (".txt", ".jsonl", *_TABLES)
_TEXT_COLUMNS = ("content", "text", "review", "sentence", "comment", "内容", "评论", "文本", "正文")
# Rows read to find the text column of a table where no name tells.
SAMPLE = 100
_SENTENCE_END = re.compile(r"[。！？!?；\n]")


def read_texts(path: str | Path, column: str | None = None) -> Iterator[str]:
    """Stream the texts of a file, of the files in a folder, or of those that match a glob.

    .txt holds one text a line, .jsonl one object a line with the text at "text" (or ``column``).
    Tables (.csv, .tsv, .xls, .xlsx) have a header; the text is in ``column``, else in a column
    with a usual name, else in the one with the longest texts. All but spreadsheets may be
    compressed (``.gz``). Empty texts are kept.

    Raises InputError if a file is missing or cannot be read as its suffix says.
    """
    for file in list_files(path):
        match text_format(file):
            case ".txt":
                yield from _read_lines(file)
            case ".jsonl":
                yield from (record.text for record in read_records(file, column or "text"))
            case _:
                yield from _read_column(file, column)


def _read_lines(path: Path) -> Iterator[str]:
    with open_text(path, newline="\n") as file:
        for number, line in enumerate(read_lines(file), start=1):
            if line is None:
                raise BadRow(number, TOO_LONG).error(path)
            yield line.rstrip("\r\n")


def text_format(path: str | Path) -> str:
    """The lower-case suffix that tells a text file's format, a final ``.gz`` aside.

    Raises InputError if it is none that ``read_texts`` knows.
    """
    path = Path(path)
    bare = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = bare.suffix.lower()
    if (suffix in SPREADSHEETS and bare != path) or suffix not in _FORMATS:
        raise InputError(
            f"{path}: cannot tell the format by the name: it must end in "
            f"{', '.join(_FORMATS)}, or .gz after one of the text formats."
        )
    return suffix


def list_files(path: str | Path) -> list[Path]:
    """The file itself, the files in a folder, or the files and folders that match a glob.

    Hidden files and folders in a folder are left out, links are followed, and no file comes twice.
    Raises InputError if there are none, or a folder cannot be read.
    """
    path = Path(path)
    if not path.exists() and glob.has_magic(str(path)):
        places = sorted(map(Path, glob.glob(str(path), recursive=True)))
    else:
        places = [path]
    files = distinct(file for place in places for file in _walk(place))
    if not files:
        raise InputError(f"{path}: no files there: name a text file, a folder or a glob.")
    return sorted(files.values())


def distinct(files: Iterable[Path]) -> dict[Path, Path]:
    """Each file once, by where it really is: the first name that is given for it."""
    named: dict[Path, Path] = {}
    for file in files:
        named.setdefault(Path(os.path.realpath(file)), file)  # a link may lead to itself
    return named


def _walk(path: Path) -> Iterator[Path]:
    """A file, or all of a folder."""
    if not path.is_dir():
        yield path
        return
    seen = set()
    for place, folders, names in os.walk(path, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        # A link to a folder above would lead round and round.
        folders[:] = [] if real in seen else sorted(name for name in folders if name[0] != ".")
        if real not in seen:
            files = (Path(place, name) for name in sorted(names) if name[0] != ".")
            # Neither pipes nor devices; a link to nothing is an error when it is read.
            yield from (file for file in files if file.is_file() or file.is_symlink())
        seen.add(real)


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read: {error.strerror}.") from error


def _read_column(path: Path, column: str | None) -> Iterator[str]:
    rows = (fields for _, fields in read_table(path))
    header = next(rows)
    sample = list(islice(rows, SAMPLE))
    i = header.index(find_column(path, header, sample, column))
    yield from (row[i] for row in chain(sample, rows))


def find_column(
    path: Path, header: list[str], sample: list[list[str]], column: str | None = None
) -> str:
    """The name of a table's text column: ``column``, or guessed from the header and some rows.

    Raises InputError if there is no such column.
    """
    if column is not None:
        if column not in header:
            raise InputError(f"{path}: no column {column!r}: the columns are {', '.join(header)}.")
        return column
    names = [name.strip().lower() for name in header]
    for name in _TEXT_COLUMNS:
        if name in names:
            return header[names.index(name)]
    return header[max(range(len(header)), key=lambda i: sum(len(row[i]) for row in sample))]


def windows(text: str, max_length: int) -> Iterator[str]:
    """Cut a text into pieces of at most ``max_length`` characters, which joined give the text.

    A cut falls after the last sentence end (。！？!?； or a line feed) in the second half of the
    window, else at its very end. An empty text has no window. Raises
    InputError for a length below 1.
    """
    if max_length < 1:
        raise InputError(f"max_length is {max_length}: give 1 or more characters.")
    start = 0
    while len(text) - start > max_length:
        ends = [
            match.end()
            for match in _SENTENCE_END.finditer(text, start + max_length // 2, start + max_length)
        ]
        end = ends[-1] if ends else start + max_length
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def stable_hash(text: str) -> int:
    """64 bits of BLAKE2b of the text: the same on every machine and in every run."""
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def unique(texts: Iterable[str]) -> Iterator[str]:
    """Drop the texts that came before. Holds a 64-bit hash of each text, not the text."""
    seen = set()
    for text in texts:
        key = stable_hash(text)
        if key not in seen:
            seen.add(key)
            yield text
