"""``spacy absa select``: the better one of several trained pipelines."""

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from spacy.training import Corpus
from wasabi import msg

from ..errors import InputError
from ._util import GpuIdOpt, command, load_pipeline, write_folder

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
    """Keep the second pipeline if its mean of micro and macro F-score is higher, else the first.

    \b
    Example:
      python -m spacy absa select training/tagger/model-best \\
          training/self_training/model-best training/final --dev corpus/dev.spacy
    """
    if not dev.exists():
        raise InputError(f"{dev}: no such file: give gold data made by `spacy absa convert`.")
    scores = []
    for path in (first, second):
        nlp = load_pipeline(str(path), None, gpu_id)
        scores.append(nlp.evaluate(list(Corpus(dev)(nlp))))
    msg.table(
        [(name, *(f"{score[name]:.3f}" for score in scores)) for name in _SHOWN],
        header=("", "First", "Second"),
        aligns=("l", "r", "r"),
        divider=True,
    )
    first_mean, second_mean = ((s["absa_f"] + s["absa_macro_f"]) / 2 for s in scores)
    better = second if second_mean > first_mean else first
    write_folder(output_path, partial(shutil.copytree, better))
    gain = f"{100 * (second_mean - first_mean):+.1f} points"
    msg.good(f"{output_path}: kept {better} (the second changes the mean F-score by {gain})")
