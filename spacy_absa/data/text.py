"""Text files in and out: compression, encodings, and writing all or nothing."""

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, TextIO

from ..errors import InputError

_CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# No GB18030 line in 80,000 of real Chinese text stays valid UTF-8 for more characters than 7.
_CERTAINLY_UTF8 = 12


class _Defect(NamedTuple):
    """Where a file stops being valid in an encoding."""

    offset: int  # in bytes
    line: int  # from 1
    decoded: int  # characters beyond ASCII before it


def open_text(path: str | Path, newline: str = "") -> TextIO:
    """Open a text file, plain or ``.gz``, in the encoding it is written in.

    The encoding is told by the byte order mark (UTF-8, UTF-16); without one it is UTF-8 if the
    whole file is valid UTF-8, else GB18030 (and so GBK, GB2312) if it is valid GB18030.
    ``newline`` is as for ``open``; the default leaves line ends as they are.

    Raises InputError if the file is missing, unreadable, a folder, a damaged archive, no text,
    or in another encoding.
    """
    path = Path(path)
    try:
        encoding = _detect(path)
        return io.TextIOWrapper(_open_bytes(path), encoding=encoding, newline=newline)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged or no gzip archive: compress it again.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


def _open_bytes(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else open(path, "rb")


def _detect(path: Path) -> str:
    with _open_bytes(path) as file:
        head = file.read(_CHUNK)
    by_mark = [encoding for mark, encoding in _BOMS if head.startswith(mark)]
    if b"\0" in head and not by_mark:
        raise InputError(f"{path}: holds NUL bytes, so it is no text: save it as UTF-8 text.")
    defects = []
    for encoding in by_mark or ["utf-8", "gb18030"]:
        defect = _first_defect(path, encoding)
        if defect is None:
            return encoding
        defects.append(defect)
        if defect.decoded >= _CERTAINLY_UTF8:
            break
    offset, line, _ = max(defects)
    tried = by_mark[0].removesuffix("-sig").upper() if by_mark else "UTF-8 or GB18030"
    raise InputError(
        f"{path}, line {line} (byte {offset}): not valid {tried}: "
        "mend the line or save the file as UTF-8."
    )


def _first_defect(path: Path, encoding: str) -> _Defect | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = decoded = 0
    line = 1
    with _open_bytes(path) as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode(encoding)
                # The decoder put the bytes it had kept back before the chunk.
                offset += len(chunk) - len(error.object) + error.start
                return _Defect(offset, line + text.count("\n"), decoded + _beyond_ascii(text))
            if not chunk:
                return None
            offset += len(chunk)
            line += text.count("\n")
            decoded += _beyond_ascii(text)


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else sum(char > "\x7f" for char in text)


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Write a file whole or not at all: UTF-8 text (``"w"``) or bytes (``"wb"``).

    The file object writes to a temporary neighbour of ``path`` that takes its place when the
    block ends and is removed if the block fails. Missing parent folders are made; line ends
    are written as given.

    Raises InputError if the place cannot be written to.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder: name a file to write to.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, mode, **text) as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
