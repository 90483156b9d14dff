"""``spacy absa annotate``: bulk runs over many files, in shards, that can be gone on with."""

from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm
from wasabi import msg

from ..bulk.engines import Engine, run_local
from ..bulk.job import Job, Settings, plan
from ..bulk.ray_engine import run_ray
from ..bulk.run import QUARANTINE, run
from ..data.parquet import require_pyarrow
from ..data.texts import distinct, list_files
from ..errors import InputError
from ._util import (
    ColumnOpt,
    ExplainOpt,
    LexiconOpt,
    PipelineArg,
    command,
    load_pipeline,
    progress,
)


class Format(str, Enum):
    """The formats of the output."""

    jsonl = "jsonl"
    parquet = "parquet"


class EngineName(str, Enum):
    """What runs the shards."""

    local = "local"
    ray = "ray"


_ENGINES = {EngineName.local: run_local, EngineName.ray: run_ray}


@command("annotate")
def annotate(
    pipeline: PipelineArg,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Rows: files, folders or quoted globs"),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the annotated rows")],
    format: Annotated[Format, typer.Option(help="Format of the output")] = Format.jsonl,
    column: ColumnOpt = None,
    lexicon: LexiconOpt = None,
    explain: ExplainOpt = False,
    n_process: Annotated[
        int, typer.Option(min=0, help="Worker processes of one thread each, 0 for one per core")
    ] = 0,
    shard_size: Annotated[int, typer.Option(min=1, help="Most rows in an output file")] = 10_000,
    max_chars: Annotated[int, typer.Option(min=1, help="Quarantine longer texts")] = 100_000,
    batch_chars: Annotated[
        int, typer.Option(min=1, help="Characters that a worker annotates at a time")
    ] = 25_000,
    engine: Annotated[
        EngineName, typer.Option(help="This machine, or a Ray cluster")
    ] = EngineName.local,
) -> None:
    """Annotate all rows of .jsonl, .csv, .tsv (each also with .gz) and .parquet files.

    The rows go to part-00000.jsonl and so on in the output folder, in the order of the input, with
    all of their columns and a new one, "absa", that lists the entities as doc._.absa does. Rows
    without a usable text go to quarantine.jsonl: file, line, reason. manifest.json says what was
    made from what. --explain adds to each entity the "explanation" of `absa predict --explain`, and
    makes the run many times longer.

    A run that ended early, however it did, is gone on with by the same command; the output is the
    same to the byte.

    \b
    Example:
      python -m spacy absa annotate training/model-best "reviews/*.csv.gz" --output annotated
    """
    if format is Format.parquet:
        require_pyarrow(output)
    files = _files(inputs, output)
    load = partial(load_pipeline, pipeline, lexicon, -1, explain=explain)
    settings = Settings(format.value, shard_size, max_chars, batch_chars, explain)
    job = plan(progress(files, "files"), output, load, settings, column)
    manifest = _run(job, _ENGINES[engine], n_process)
    _report(output, manifest["counts"])


def _files(inputs: list[Path], output: Path) -> list[Path]:
    """The input files, each once, without what an earlier call has written."""
    named = distinct(file for path in inputs for file in list_files(path))
    files = [file for place, file in named.items() if output.resolve() not in place.parents]
    if not files:
        raise InputError(f"{output}: all inputs are in the output folder: name another one.")
    return files


def _run(job: Job, engine: Engine, n_process: int) -> dict[str, Any]:
    # The rows that are left, at their mean rate: shards end in fits.
    with tqdm(total=job.n_rows, unit=" rows", smoothing=0, disable=None) as bar:

        def report(n_rows: int, was_there: bool) -> None:
            if was_there:
                bar.total -= n_rows
            else:
                bar.update(n_rows)

        return run(job, engine, n_process, report)


def _report(output: Path, counts: dict[str, Any]) -> None:
    by_label = ", ".join(f"{count} {label}" for label, count in counts["entities"].items())
    msg.good(
        f"{output}: {counts['rows_out']} of {counts['rows_in']} rows in {counts['shards']} files, "
        f"entities: {by_label or 'none'}"
    )
    if counts["quarantined"]:
        msg.warn(f"{output / QUARANTINE}: {counts['quarantined']} rows could not be annotated")
    if counts["rows_in"] and not counts["rows_out"]:
        raise InputError(
            f"{output}: no row could be annotated: {QUARANTINE} has the reasons; name the key or "
            "column of the texts with --column."
        )
