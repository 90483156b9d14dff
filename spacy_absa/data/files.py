"""Files and folders that are written whole or not at all."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from ..errors import InputError


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Write a file whole or not at all: UTF-8 text (``"w"``) or bytes (``"wb"``).

    The file object writes to a temporary neighbour of ``path`` that takes its place when the
    block ends and is removed if the block fails. What it wrote is on the disk before it does so,
    and its new name before this returns (see ``sync``). Missing parent folders are made; line
    ends are written as given.

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
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as an indented JSON file. Raises InputError as ``atomic_write``."""
    with atomic_write(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def write_folder(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a folder, so that the target is either the old one or the whole new one.

    Raises InputError if the place cannot be written to, or holds what is no pipeline.
    """
    try:
        if target.resolve() == Path.cwd():
            raise InputError(f"{target}: is the folder you are in: name another one.")
        if target.exists() and not _may_be_replaced(target):
            raise InputError(f"{target}: exists already and is no pipeline: name another folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            fresh, old = Path(folder, "new"), Path(folder, "old")
            write(fresh)
            for path in (fresh, *fresh.rglob("*")):
                sync(path)
            if target.exists():
                target.rename(old)
            try:
                fresh.rename(target)
            finally:
                if not target.exists() and old.exists():
                    old.rename(target)
            sync(target.parent)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}.") from error


def _may_be_replaced(target: Path) -> bool:
    """Pipelines and empty folders: anything else was named by mistake."""
    return (target / "config.cfg").exists() or (target.is_dir() and not any(target.iterdir()))


def sync(path: Path) -> None:
    """Wait until the disk holds a file, or the names in a folder, so that a power failure keeps it.

    Does nothing on Windows, which cannot be asked for this by a path.
    """
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
