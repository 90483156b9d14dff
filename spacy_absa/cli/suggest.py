"""``spacy absa suggest``: the texts worth labelling, for an annotation tool."""

from collections.abc import Iterable, Iterator
from heapq import nlargest
from pathlib import Path
from typing import Annotated

import numpy
import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from wasabi import msg

from ..data.annotation_tools import Tool, write_tasks
from ..data.corpora import read_docs
from ..data.texts import read_texts, unique
from ..errors import InputError
from ..folding import fold
from ..pipeline.annotations import DISPLACY_COLORS
from ..pipeline.judges import final_judge
from ..selection import Candidate, expected_corrections, pick
from ..types import CharSpan, LabelledText
from ._util import (
    BatchSizeOpt,
    ColumnOpt,
    GpuIdOpt,
    LexiconOpt,
    PipelineArg,
    TextsArg,
    check_distinct,
    check_suffix,
    command,
    load_pipeline,
    progress,
    to_docs,
)

# Texts to choose among, per text to choose: the most valuable ones.
_POOL = 10
# Readings to draw of each text.
_DRAWS = 16


@command("suggest")
def suggest(
    pipeline: PipelineArg,
    input_path: TextsArg,
    output_path: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Tasks: .json for Label Studio, else .jsonl")
    ],
    n: Annotated[int, typer.Option("--n", min=1, help="Texts to choose")] = 200,
    format: Annotated[Tool, typer.Option(help="The tool to label them with")] = Tool.label_studio,
    labelled: Annotated[
        Path | None, typer.Option(help="Labelled data, .spacy, whose texts to leave out")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the readings that are drawn")] = 0,
    column: ColumnOpt = None,
    lexicon: LexiconOpt = None,
    batch_size: BatchSizeOpt = 256,
    gpu_id: GpuIdOpt = -1,
) -> None:
    """Choose the texts that are worth labelling, with the pipeline's reading as a suggestion.

    A text is worth the number of corrections that the model expects in its own reading, and half
    a correction for each name that the entity list does not have; the less, the more it resembles
    one that is chosen already. The best come first. For Label Studio the labelling configuration
    is written beside the tasks (.xml). `spacy absa convert` reads back what the tools export.

    \b
    Example:
      python -m spacy absa suggest training/model-best reviews.csv tasks.json --n 200
    """
    check_suffix(output_path, format.suffix)
    check_distinct([output_path], [input_path, labelled, lexicon])
    nlp = load_pipeline(pipeline, lexicon, gpu_id)
    known = {doc.text for doc in read_docs(labelled)} if labelled else set()
    texts = unique(
        text for text in read_texts(input_path, column) if text.strip() and text not in known
    )
    candidates = _candidates(nlp, progress(texts), batch_size, seed)
    pool = nlargest(_POOL * n, candidates, key=lambda candidate: candidate.value)
    picked = pick(pool, n)
    if not picked:
        raise InputError(f"{input_path}: no text there that is worth labelling: give others.")
    docs = to_docs(nlp.tokenizer, (LabelledText(one.text, one.spans) for one in picked))
    labels = nlp.get_pipe("absa_gru").labels
    colours = {label: DISPLACY_COLORS.get(label, "#d9dbe0") for label in labels}
    write_tasks(output_path, format, docs, colours)
    corrections = sum(candidate.corrections for candidate in picked)
    names = frozenset[str]().union(*(candidate.unknown for candidate in picked))
    msg.good(
        f"{output_path}: {len(docs)} texts with {sum(len(doc.ents) for doc in docs)} entities; "
        f"{corrections:.0f} corrections expected, {len(names)} names are not in the entity list"
    )


def _candidates(
    nlp: Language, texts: Iterable[str], batch_size: int, seed: int
) -> Iterator[Candidate]:
    judge, lexicon = final_judge(nlp), nlp.get_pipe("absa_gru").lexicon
    rng = numpy.random.default_rng(seed)
    for batch in minibatch(texts, batch_size):
        docs = list(nlp.pipe(batch))
        for doc, draws in zip(docs, judge.sample(docs, _DRAWS, rng), strict=True):
            found = [CharSpan(m["start"], m["end"], m["label"]) for m in doc._.absa]
            names = frozenset(fold(m["text"]) for m in doc._.absa if not m["id"])
            yield Candidate(
                doc.text,
                [_on_tokens(doc, span) for span in found],
                expected_corrections(found, draws),
                names if lexicon.entries else frozenset(),
            )


def _on_tokens(doc: Doc, span: CharSpan) -> CharSpan:
    """Training data and Prodigy know tokens only."""
    tokens = doc.char_span(*span, alignment_mode="expand")
    return CharSpan(tokens.start_char, tokens.end_char, span.label)
