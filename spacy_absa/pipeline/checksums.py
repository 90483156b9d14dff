"""Checksums of the files that a component saves, by which a damaged one is told."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

# In the format of the command `sha256sum`, so that `sha256sum -c` reads it too.
CHECKSUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (\w+)")
_TEXTS = ("cfg", "lexicon")  # JSON, to which carriage returns are as blanks
_ADVICE = "copy the pipeline anew, or train it again"


@contextmanager
def checksummed(folder: str | Path) -> Iterator[None]:
    """Note the checksums of the files in a component's folder when the block has written them.

    Until then the list is empty, which tells a save that was broken off. Folders, such as that of
    a vocabulary, are left out.
    """
    sums = Path(folder, CHECKSUMS)
    sums.parent.mkdir(parents=True, exist_ok=True)
    sums.write_bytes(b"")
    yield
    lines = [f"{_digest(path)}  {path.name}\n" for path in _files(sums)]
    sums.write_text("".join(lines), "utf-8", newline="")


def check_files(folder: str | Path) -> None:
    """Compare the files in a component's folder with their checksums, if it has any.

    Raises InputError, naming the file, for one that is missing or is not the one that was saved,
    and naming the folder where the save was broken off.
    """
    sums = Path(folder, CHECKSUMS)
    if not sums.exists():  # saved by version 0.1.0
        return
    if sums.stat().st_size == 0:
        raise InputError(f"{sums.parent}: was not saved to the end: {_ADVICE}.")
    text = sums.read_text("utf-8", "replace")
    lines = [_LINE.fullmatch(line) for line in text.removesuffix("\n").split("\n")]
    if not all(lines):
        raise InputError(f"{sums}: is damaged: {_ADVICE}.")
    listed = {name: digest for digest, name in (line.groups() for line in lines)}
    for path in _files(sums):
        if path.name not in listed:
            raise InputError(f"{path}: is not in {CHECKSUMS}, or that is damaged: {_ADVICE}.")
    for name, digest in listed.items():
        path = sums.with_name(name)
        if not path.is_file():
            raise InputError(f"{path}: is missing: {_ADVICE}.")
        if digest != _digest(path) and digest != _digest(path, as_written=True):
            raise InputError(f"{path}: is damaged, it is not the file that was saved: {_ADVICE}.")


def _files(sums: Path) -> list[Path]:
    """All files beside the list, but for hidden ones, which some systems make."""
    beside = (path for path in sums.parent.iterdir() if path.is_file() and path != sums)
    return sorted(path for path in beside if not path.name.startswith("."))


def _digest(path: Path, *, as_written: bool = False) -> str:
    """as_written: of a text with the line ends that git may have changed since."""
    content = path.read_bytes()
    if as_written and path.name in _TEXTS:
        content = content.replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()
