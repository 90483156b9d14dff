"""``spacy absa select``: the better one of two trained pipelines, by macro F-score."""

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.corpora import read_examples
from ..data.files import write_folder
from ..errors import InputError
from ._util import GpuIdOpt, command, load_pipeline

_SHOWN = ("absa_f", "absa_macro_f", "absa_span_f", "absa_polarity_acc", "absa_contest_f")


@command("select")
def select(
    first: Annotated[Path, typer.Argument(help="The pipeline to beat")],
    second: Annotated[Path, typer.Argument(help="The pipeline that has to be better")],
    output_path: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Where the better one goes")
    ],
    dev: Annotated[Path, typer.Option(help="Gold data to compare them on, .spacy")],
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Keep the second pipeline if its macro F-score on gold data is higher, else the first.

    The macro F-score is the mean of the labels' F-scores, so that a frequent label cannot make up
    for a rare one. Of equals the first is kept: a second training that has not helped is undone.

    \b
    Example:
      python -m spacy absa select training/tagger/model-best \\
          training/self_training/model-best training/final --dev corpus/dev.spacy
    """
    scores = []
    for path in (first, second):
        nlp = load_pipeline(str(path), None, gpu_id)
        scores.append(nlp.evaluate(read_examples(nlp, dev)))
    if not all("absa_macro_f" in score for score in scores):
        raise InputError(f"{dev}: no text in it is annotated, so nothing tells which is better.")
    msg.table(
        [(name, *(f"{score[name]:.3f}" for score in scores)) for name in _SHOWN],
        header=("", "First", "Second"),
        aligns=("l", "r", "r"),
        divider=True,
    )
    first_macro, second_macro = (score["absa_macro_f"] for score in scores)
    better = second if second_macro > first_macro else first
    write_folder(output_path, partial(shutil.copytree, better))
    gain = f"{100 * (second_macro - first_macro):+.1f} points"
    msg.good(f"{output_path}: kept {better} (the second changes the macro F-score by {gain})")
