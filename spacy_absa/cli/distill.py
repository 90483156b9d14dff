"""``spacy absa distill``: training data for a small tagger, drawn from a large one."""

from pathlib import Path
from typing import Annotated

import numpy
import typer
from spacy.util import minibatch
from wasabi import msg

from ..data.corpora import write_docs
from ..data.texts import read_texts, unique
from ..errors import InputError
from ..pipeline.judges import final_judge
from ..types import LabelledText
from ._util import (
    BatchSizeOpt,
    ColumnOpt,
    GpuIdOpt,
    LexiconOpt,
    PipelineArg,
    TextsArg,
    check_suffix,
    command,
    load_pipeline,
    progress,
    to_docs,
)


@command("distill")
def distill(
    pipeline: PipelineArg,
    input_path: TextsArg,
    output_path: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Training data, .spacy")],
    samples: Annotated[int, typer.Option(min=1, help="Readings to draw of each text")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the draws")] = 0,
    column: ColumnOpt = None,
    lexicon: LexiconOpt = None,
    batch_size: BatchSizeOpt = 256,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Label raw texts with readings drawn from a teacher's distribution, doubts included.

    Trained on them, a smaller tagger learns the distribution itself: sequence-level knowledge
    distillation (Kim & Rush 2016), with samples in the place of the best reading. Unlike confident
    answers alone (`pseudo-label`) they leave the shares of the labels as the teacher sees them.
    The teacher may be an ensemble. With absa_polarity behind the tagger, the tagger draws the
    entities, and the opinions are drawn from what both say of them.

    \b
    Example:
      python -m spacy absa distill training/ensemble Test.csv corpus/train/distilled.spacy
    """
    check_suffix(output_path, ".spacy")
    nlp = load_pipeline(pipeline, lexicon, gpu_id)
    judge = final_judge(nlp)
    rng = numpy.random.default_rng(seed)
    texts = unique(text for text in read_texts(input_path, column) if text.strip())
    readings: list[LabelledText] = []
    # What stands before the tagger may be what it listens to; what follows has no say.
    with nlp.select_pipes(enable=nlp.pipe_names[: nlp.pipe_names.index("absa_gru")]):
        for batch in minibatch(progress(texts), batch_size):
            drawn = judge.sample(nlp.pipe(batch), samples, rng)
            readings += [
                LabelledText(text, spans)
                for text, of_text in zip(batch, drawn, strict=True)
                for spans in of_text
            ]
    if not readings:
        raise InputError(f"{input_path}: no text there: give others.")
    docs = to_docs(nlp.tokenizer, readings)
    write_docs(output_path, docs)
    msg.good(f"{output_path}: {len(docs)} texts, {sum(len(doc.ents) for doc in docs)} entities")
