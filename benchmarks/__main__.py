"""`python -m benchmarks`: run benchmarks, print a table."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from . import decoding, flair, growth, latency, lexicon, stages, throughput, training
from ._measure import Clock, environment
from ._report import Row, show, write_json
from ._subjects import Settings, Subjects

BENCHMARKS: dict[str, Callable[[Subjects], list[Row]]] = {
    "throughput": throughput.run,
    "flair": flair.run,
    "stages": stages.run,
    "decoding": decoding.run,
    "lexicon": lexicon.run,
    "latency": latency.run,
    "growth": growth.run,
    "training": training.run,
}
DEFAULTS = Settings()


def main(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(BENCHMARKS)}; all if none is given")
    ] = None,
    texts: Annotated[
        str, typer.Option(help="Text file, folder or glob (.txt, .csv, .jsonl, …)")
    ] = DEFAULTS.texts,
    pipeline: Annotated[
        str, typer.Option(help="Trained pipeline with absa_gru")
    ] = DEFAULTS.pipeline,
    ner: Annotated[
        str | None, typer.Option(help="Pipeline with spaCy's ner; by default made on the spot")
    ] = DEFAULTS.ner,
    n_texts: Annotated[int, typer.Option(min=1, help="Texts per run")] = DEFAULTS.n_texts,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each task")] = DEFAULTS.repeats,
    threads: Annotated[int, typer.Option(min=1, help="Threads of PyTorch")] = DEFAULTS.threads,
    clock: Annotated[
        Clock, typer.Option(help="cpu: on a machine that has other work, with one thread")
    ] = DEFAULTS.clock,
    large: Annotated[
        bool, typer.Option("--large", help="The largest sizes too: some minutes more")
    ] = DEFAULTS.large,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file")] = None,
) -> None:
    """Measure how fast the project is, against what a reader would compare it with."""
    names = names or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            msg.fail(f"No benchmark {name!r}: choose of {', '.join(BENCHMARKS)}.", exits=1)
    settings = Settings(
        texts=texts,
        pipeline=pipeline,
        ner=ner,
        n_texts=n_texts,
        repeats=repeats,
        threads=threads,
        clock=clock,
        large=large,
    )
    subjects = Subjects(settings)
    rows = []
    for name in names:
        typer.echo(f"{name} …", err=True)
        rows += BENCHMARKS[name](subjects)
    versions = environment(clock)
    show(rows, versions)
    if json is not None:
        write_json(json, rows, asdict(settings), versions)


if __name__ == "__main__":
    typer.run(main)
