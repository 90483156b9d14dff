"""A run: what is missing of a job is done, and all of it counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..data.files import atomic_write, write_json
from ..data.rows import read_rows
from ..errors import InputError
from .engines import Engine
from .job import Job
from .manifest import MANIFEST, read_manifest
from .shards import Annotator, Receipt, Shard, cut, read_receipt

QUARANTINE = "quarantine.jsonl"
_LOCK = ".lock"
_COUNTS = ("shards", "rows_in", "rows_out", "quarantined", "characters")


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
    manifest = {
        "whole": True,
        "run": job.identity,
        "counts": {
            **{name: totals[name] for name in _COUNTS},
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
