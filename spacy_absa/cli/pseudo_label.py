"""``spacy absa pseudo-label``: training data for self-training from a pipeline's own answers."""

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..data.corpora import write_docs
from ..data.texts import read_texts, stable_hash, unique
from ..types import CharSpan, LabelledText, Mentions
from ._util import (
    BatchSizeOpt,
    ColumnOpt,
    GpuIdOpt,
    LexiconOpt,
    NProcessOpt,
    PipelineArg,
    TextsArg,
    annotate,
    check_suffix,
    command,
    load_pipeline,
    progress,
    to_docs,
)


@command("pseudo-label")
def pseudo_label(
    pipeline: PipelineArg,
    input_path: TextsArg,
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Lowest score of an entity in a kept text")
    ] = 0.8,
    majority_ratio: Annotated[
        float,
        typer.Option(min=0, help="Texts with the majority label alone, per text with another"),
    ] = 2.0,
    empty_ratio: Annotated[
        float, typer.Option(min=0, help="Texts without entities, per text with entities")
    ] = 0.1,
    column: ColumnOpt = None,
    lexicon: LexiconOpt = None,
    batch_size: BatchSizeOpt = 256,
    n_process: NProcessOpt = 1,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Label raw texts with a pipeline and keep those that it is sure of, as training data.

    A text is kept if every entity in it has at least the threshold's score. Of the texts whose
    entities all have the most frequent label, and of those without an entity, only some are
    kept, chosen by a hash of the text: the same ones in every run.

    \b
    Example:
      python -m spacy absa pseudo-label training/model-best Test.csv pseudo.spacy --threshold 0.9
    """
    check_suffix(output_path, ".spacy")
    nlp = load_pipeline(pipeline, lexicon, gpu_id)
    texts = unique(text for text in read_texts(input_path, column) if text.strip())
    found: Counter[str] = Counter()
    sure = []
    for text, mentions, _ in progress(
        annotate(nlp, ((text, None) for text in texts), batch_size, n_process)
    ):
        found.update(mention["label"] for mention in mentions)
        if all(mention["score"] >= threshold for mention in mentions):
            sure.append(LabelledText(text, _spans(mentions)))
    kept = balance(sure, majority_ratio, empty_ratio)
    if not any(example.spans for example in kept):
        msg.warn(f"No text with an entity scores {threshold}: lower --threshold for more data.")
    write_docs(output_path, to_docs(nlp.tokenizer, kept))
    msg.table(
        [
            (label, found[label], _count(sure)[label], _count(kept)[label])
            for label in sorted(found)
        ],
        header=("Entities", "Found", "Sure", "Kept"),
        aligns=("l", "r", "r", "r"),
        divider=True,
    )
    n_empty = sum(not example.spans for example in kept)
    msg.good(f"{output_path}: {len(kept)} texts, {n_empty} of them without entities")


def balance(
    examples: list[LabelledText], majority_ratio: float, empty_ratio: float
) -> list[LabelledText]:
    """Thin out the texts of the most frequent label alone, then those without entities.

    At most ``majority_ratio`` texts with nothing but the most frequent label stay per text with
    another label, and at most ``empty_ratio`` texts without entities per text with some. Which
    ones is settled by ``stable_hash``, in whose order all are returned.
    """
    counts = _count(examples)
    majority = max(sorted(counts), key=counts.__getitem__, default="")
    empty: list[LabelledText] = []
    plain: list[LabelledText] = []
    mixed: list[LabelledText] = []
    for example in sorted(examples, key=lambda example: stable_hash(example.text)):
        labels = {span.label for span in example.spans}
        group = empty if not labels else plain if labels == {majority} else mixed
        group.append(example)
    if len(counts) > 1:
        plain = plain[: int(majority_ratio * len(mixed))]
    empty = empty[: int(empty_ratio * (len(plain) + len(mixed)))]
    return sorted(chain(empty, plain, mixed), key=lambda example: stable_hash(example.text))


def _spans(mentions: Mentions) -> list[CharSpan]:
    return [CharSpan(mention["start"], mention["end"], mention["label"]) for mention in mentions]


def _count(examples: list[LabelledText]) -> Counter[str]:
    return Counter(span.label for example in examples for span in example.spans)
