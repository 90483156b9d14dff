"""A job: which rows go through which pipeline to where, what of it is done, and its manifest."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from spacy.language import Language

from ..data.files import atomic_write, write_json
from ..data.parquet import JsonColumns, output_schema, parquet_schema, string_schema
from ..data.rows import Row, read_rows, row_format, table_header, text_column
from ..data.text import find_surrogate
from ..errors import InputError
from ..pipeline.char_pipe import pipes_with_lexicon
from .engines import Engine
from .shards import Annotator, Receipt, Shard, cut, read_receipt

if TYPE_CHECKING:
    import pyarrow

MANIFEST = "manifest.json"
QUARANTINE = "quarantine.jsonl"
_LOCK = ".lock"
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


def run(
    job: Job, engine: Engine, n_process: int, report: Callable[[int, bool], None]
) -> dict[str, Any]:
    """Write the part files that are missing, then the quarantine file and the manifest.

    report: is given the number of rows of each whole shard, and whether it was so before.

    Returns the manifest. Raises InputError if the output folder belongs to another job, is in use
    or cannot be written, if a worker dies, or if the inputs change meanwhile.
    """
    with _locked(job.output):
        started = _begin(job)
        make = partial(
            Annotator, job.load, job.output, job.suffix, job.settings.batch_chars, job.schema
        )
        for receipt in engine(make, _missing(job, report), n_process):
            report(receipt.rows, False)
        return _finish(job, started)


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


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    """Hold the output folder; the system lets go of it when the process ends, however it does."""
    lock = FileLock(output / _LOCK)
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"{output}: another run is writing there: wait for its end or name another folder."
        ) from error
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def _begin(job: Job) -> str:
    """Claim the folder for the job, or see that it is the job's. Returns when the job began."""
    path = job.output / MANIFEST
    started = _now()
    if path.exists():
        old = read_manifest(path)
        other = [key for key, value in job.identity.items() if old["run"].get(key) != value]
        if other:
            raise InputError(
                f"{job.output}: holds a run with other {' and '.join(other)}: call it as before to "
                "go on with it, or name another folder."
            )
        started = old["time"]["started"]
    elif any(entry.name[0] != "." for entry in job.output.iterdir()):
        raise InputError(f"{job.output}: is not empty and holds no run: name another folder.")
    for stale in job.output.rglob(".*.tmp"):
        stale.unlink(missing_ok=True)
    write_json(path, {"whole": False, "run": job.identity, "time": {"started": started}})
    return started


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run, whole or not. Raises InputError if the file is none."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["time"]["started"], manifest["run"]["settings"]["format"]
        [source["column"] for source in manifest["run"]["inputs"]]
        if manifest["whole"]:
            manifest["counts"]["shards"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no manifest of a run: name another folder, or remove this one."
        ) from error
    return manifest


def _missing(job: Job, report: Callable[[int, bool], None]) -> Iterator[Shard]:
    """The shards that are not yet whole, in order."""
    index = 0
    for source in job.sources:
        rows = read_rows(Path(source.file), source.column, job.settings.max_chars)
        for shard in cut(rows, source.file, job.settings.shard_size, index):
            index = shard.index + 1
            if read_receipt(job.output, shard.index, job.suffix) is None:
                yield shard
            else:
                report(len(shard.rows), True)


def _finish(job: Job, started: str) -> dict[str, Any]:
    """Add up the receipts; write the quarantine file and then the manifest."""
    totals: Counter[str] = Counter()
    entities: Counter[str] = Counter()
    cpu_seconds = 0.0
    with atomic_write(job.output / QUARANTINE) as file:
        for receipt in _receipts(job):
            for line, reason in receipt.quarantined:
                bad = {"file": receipt.file, "line": line, "reason": reason}
                file.write(json.dumps(bad, ensure_ascii=False) + "\n")
            n_bad = len(receipt.quarantined)
            totals.update(
                shards=1,
                rows_in=receipt.rows,
                rows_out=receipt.rows - n_bad,
                quarantined=n_bad,
                characters=receipt.characters,
            )
            entities.update(receipt.entities)
            cpu_seconds += receipt.cpu_seconds
    if totals["rows_in"] != job.n_rows:
        raise InputError(
            f"{job.output}: {totals['rows_in']} rows were read where {job.n_rows} had been "
            "counted: the inputs have changed meanwhile; run it anew in another folder."
        )
    names = ("shards", "rows_in", "rows_out", "quarantined", "characters")
    manifest = {
        "whole": True,
        "run": job.identity,
        "counts": {
            **{name: totals[name] for name in names},
            "entities": dict(sorted(entities.items())),
        },
        "time": {
            "started": started,
            "finished": _now(),
            "cpu_seconds": round(cpu_seconds, 3),
        },
    }
    write_json(job.output / MANIFEST, manifest)
    return manifest


def _receipts(job: Job) -> Iterator[Receipt]:
    for index in count():
        receipt = read_receipt(job.output, index, job.suffix)
        if receipt is None:
            return
        yield receipt


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
