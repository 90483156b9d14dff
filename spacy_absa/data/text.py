"""Text files as they come: compression and encodings."""

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from ..errors import InputError

_CHUNK = 1 << 20
_BOMS = (  # that of UTF-16 is the beginning of one of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# No GB18030 line in 80,000 of real Chinese text stays valid UTF-8 for more characters than 7.
_CERTAINLY_UTF8 = 12
# Characters. No line that is longer is ever held in memory, whatever an archive unfolds to.
MAX_LINE = 1 << 24
# How many times its size a compressed file may unfold to, once that is much. Text gets to 20, logs
# to 100; an archive made to fill a disk or to keep a machine busy gets to 1,000.
MAX_RATIO = 200
MUCH = 1 << 26  # bytes


class BadRow(NamedTuple):
    """A row of a file that cannot be read, as a reader gives it that goes on behind it."""

    line: int  # from 1
    reason: str  # what is wrong and what to do, without a full stop

    def error(self, path: str | Path) -> InputError:
        """What a reader raises that does not go on."""
        return InputError(f"{path}, line {self.line}: {self.reason}.")


TOO_LONG = f"longer than {MAX_LINE:,} characters: break the line"


def check_ratio(path: Path, n_bytes: int) -> None:
    """Raise InputError if a compressed file has unfolded to suspiciously many bytes."""
    if n_bytes <= MUCH:
        return
    given = os.environ.get("SPACY_ABSA_MAX_RATIO", "")
    ratio = int(given) if given.isdecimal() else MAX_RATIO
    if n_bytes > ratio * path.stat().st_size:
        raise InputError(
            f"{path}: unfolds to more than {ratio} times its size, as no text does: if you "
            "trust it, unpack it or set the environment variable SPACY_ABSA_MAX_RATIO higher."
        )


class _GzipFile(gzip.GzipFile):
    """An archive that raises InputError for what is wrong with it, at whatever place it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._path = path

    def read(self, size: int | None = -1) -> bytes:
        return self._checked(super().read, size)

    def read1(self, size: int = -1) -> bytes:
        return self._checked(super().read1, size)

    def _checked(self, read: Callable[[int | None], bytes], size: int | None) -> bytes:
        try:
            data = read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(
                f"{self._path}: damaged or no gzip archive: compress it again."
            ) from error
        check_ratio(self._path, self.tell())
        return data


class _Defect(NamedTuple):
    """Where a file stops being valid in an encoding."""

    offset: int  # in bytes
    line: int  # from 1
    decoded: int  # characters beyond ASCII before it


def open_text(path: str | Path, newline: str = "", *, tolerant: bool = False) -> TextIO:
    """Open a text file, plain or ``.gz``, in the encoding it is written in.

    The encoding is told by the byte order mark (UTF-8, UTF-16, UTF-32); without one it is UTF-8 if
    the whole file is valid UTF-8, else GB18030 (and so GBK, GB2312) if it is valid GB18030.
    ``newline`` is as for ``open``; the default leaves line ends as they are. ``tolerant`` opens a
    file without a mark that is neither as the one it is for longer; its invalid bytes become
    unpaired surrogates (``surrogateescape``), by which ``find_surrogate`` tells them.

    Raises InputError if the file is missing, unreadable, a folder, a damaged archive, no text,
    or in another encoding; so does reading it for what comes late in an archive.
    """
    path = Path(path)
    try:
        encoding = _detect(path, tolerant)
        return io.TextIOWrapper(
            _open_bytes(path),
            encoding=encoding,
            errors="surrogateescape" if tolerant else "strict",
            newline=newline,
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


def read_lines(file: TextIO) -> Iterator[str | None]:
    """The lines of a file with their ends; None for one of more than ``MAX_LINE`` characters."""
    while line := file.readline(MAX_LINE):
        # A carriage return at the limit may be in the midst of a line, or of its end.
        if len(line) < MAX_LINE or line.endswith("\n"):
            yield line
            continue
        while len(rest := file.readline(MAX_LINE)) == MAX_LINE and not rest.endswith("\n"):
            pass
        yield None


def find_surrogate(text: str) -> int | None:
    """Where the first unpaired surrogate is, with which a text cannot be written as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None


def _open_bytes(path: Path) -> BinaryIO:
    return _GzipFile(path) if path.suffix.lower() == ".gz" else open(path, "rb")


def _detect(path: Path, tolerant: bool) -> str:
    with _open_bytes(path) as file:
        head = file.read(_CHUNK)
    by_mark = [encoding for mark, encoding in _BOMS if head.startswith(mark)][:1]
    if b"\0" in head and not by_mark:
        raise InputError(f"{path}: holds NUL bytes, so it is no text: save it as UTF-8 text.")
    defects: dict[_Defect, str] = {}
    for encoding in by_mark or ["utf-8", "gb18030"]:
        defect = _first_defect(path, encoding)
        if defect is None:
            return encoding
        defects.setdefault(defect, encoding)
        if defect.decoded >= _CERTAINLY_UTF8:
            break
    if tolerant and not by_mark:
        return defects[max(defects)]
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
    return len(text) - len(text.encode("ascii", "ignore"))
