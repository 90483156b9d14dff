"""A job: which rows go through which pipeline to where."""

import hashlib
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language

from ..data.parquet import JsonColumns, output_schema, parquet_schema, string_schema
from ..data.rows import Row, read_rows, row_format, table_header, text_column
from ..data.text import find_surrogate
from ..errors import InputError
from ..pipeline.char_pipe import pipes_with_lexicon

if TYPE_CHECKING:
    import pyarrow

_PACKAGES = ("spacy-absa", "spacy", "thinc", "torch", "numpy", "numba")


@dataclass(frozen=True)
class Settings:
    """What the output depends on beside the inputs and the pipeline."""

    format: str  # "jsonl" or "parquet"
    shard_size: int  # rows
    max_chars: int  # of a text
    batch_chars: int
    explain: bool  # whether `load` makes a pipeline that explains


@dataclass(frozen=True)
class Source:
    """An input file."""

    file: str
    size: int  # bytes
    sha256: str
    column: str  # of the text
    rows: int


@dataclass(frozen=True)
class Job:
    """All that a run depends on; ``identity`` is what a later call must agree with to go on."""

    output: Path
    load: Callable[[], Language]
    settings: Settings
    sources: list[Source]
    identity: dict[str, Any]
    schema: "pyarrow.Schema | None"

    @property
    def suffix(self) -> str:
        """That of the part files."""
        return f".{self.settings.format}"

    @property
    def n_rows(self) -> int:
        """Rows of all inputs."""
        return sum(source.rows for source in self.sources)


def plan(
    files: Iterable[Path],
    output: Path,
    load: Callable[[], Language],
    settings: Settings,
    column: str | None = None,
) -> Job:
    """Read the inputs once, to count and hash them, and describe the job.

    load: makes the pipeline; is called here and in every worker. column: key or column of the
    texts, guessed where it is not given.

    Raises InputError for inputs that cannot be read.
    """
    nlp = load()
    json_columns = JsonColumns()
    sources = [_survey(path, column, settings, json_columns) for path in files]
    identity = {
        "pipeline": _describe_pipeline(nlp),
        "lexicon": _describe_lexicon(nlp),
        "packages": {
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "settings": asdict(settings),
        "inputs": [asdict(source) for source in sources],
    }
    schema = None
    if settings.format == "parquet":
        schema = _schema([Path(source.file) for source in sources], json_columns, nlp)
    return Job(output, load, settings, sources, identity, schema)


def _survey(path: Path, column: str | None, settings: Settings, columns: JsonColumns) -> Source:
    if find_surrogate(str(path)) is not None:
        raise InputError(f"{str(path)!r}: the file's name is not valid UTF-8: rename it.")
    column = text_column(path, column)
    collect = settings.format == "parquet" and row_format(path) == ".jsonl"
    n_rows = 0
    for row in read_rows(path, column, settings.max_chars):
        n_rows += 1
        if collect and isinstance(row, Row):
            columns.add(row.fields)
    return Source(str(path), path.stat().st_size, _hash_file(path), column, n_rows)


def _schema(files: list[Path], columns: JsonColumns, nlp: Language) -> "pyarrow.Schema":
    schemas = [columns.schema()]
    for path in files:
        match row_format(path):
            case ".jsonl":
                continue
            case ".parquet":
                schemas.append(parquet_schema(path))
            case _:
                schemas.append(string_schema(table_header(path)))
    labels = nlp.get_pipe("absa_gru").labels
    return output_schema(schemas, labels, explained="absa_explain" in nlp.pipe_names)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # numba, which is optional, changes the last digits
        return None


def _describe_pipeline(nlp: Language) -> dict[str, str]:
    files = sorted(path for path in nlp.path.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(nlp.path).as_posix()} {_hash_file(path)}\n".encode())
    return {
        "name": f"{nlp.meta['lang']}_{nlp.meta['name']}",
        "version": nlp.meta["version"],
        "sha256": digest.hexdigest(),
        "weights_sha256": _hash(b"".join(p.model.to_bytes() for p in pipes_with_lexicon(nlp))),
    }


def _describe_lexicon(nlp: Language) -> dict[str, Any]:
    lexicon = nlp.get_pipe("absa_gru").lexicon
    return {"names": len(lexicon.entries), "sha256": _hash(lexicon.to_bytes())}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
