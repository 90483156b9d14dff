"""Gold annotation as what training may rely on: per character, the tags that are possible."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from ..decoding.schemes import TagScheme
from ..types import CharSpan


def labelled_spans(doc: Doc, spans_key: str | None) -> list[Span]:
    """The labelled spans of a Doc: its entities, or its span group."""
    if spans_key is None:
        return list(doc.ents)
    return list(doc.spans[spans_key]) if spans_key in doc.spans else []


def gold_labels(examples: Iterable[Example], spans_key: str | None) -> list[str]:
    """All labels of the gold spans, sorted."""
    return sorted(
        {
            span.label_
            for example in examples
            for span in labelled_spans(example.reference, spans_key)
        }
    )


class Alignment(NamedTuple):
    """Where stretches of a reference's text are in the prediction's, by their offsets.

    start: where a stretch begins. end: where it ends. Both hold a place for each offset, the end of
    the text included.
    """

    start: Sequence[int]
    end: Sequence[int]


def align(example: Example) -> Alignment | None:
    """The alignment of an example; None where its texts differ by more than white space.

    A reference made from words alone (`Example.from_dict(doc, {"words": …})`) has a blank behind
    each of them.
    """
    reference, predicted = example.reference.text, example.predicted.text
    if reference == predicted:
        identity = range(len(reference) + 1)
        return Alignment(identity, identity)
    if "".join(reference.split()) != "".join(predicted.split()):
        return None
    visible = [i for i, char in enumerate(predicted) if not char.isspace()]
    n_before = [0, *accumulate(not char.isspace() for char in reference)]
    starts, ends = [*visible, len(predicted)], [0, *(i + 1 for i in visible)]
    return Alignment([starts[n] for n in n_before], [ends[n] for n in n_before])


def is_annotated(example: Example, spans_key: str | None) -> bool:
    """Whether a text has gold annotation; a missing span group means that it has no spans."""
    return spans_key is not None or example.reference.has_annotation("ENT_IOB")


def unknown_regions(example: Example, spans_key: str | None) -> list[tuple[int, int]]:
    """Stretches of the prediction's characters whose gold tags are not known.

    That is: tokens whose entity annotation is missing (spaCy marks annotation that misaligns
    with the tokens so), spans that overlap a longer one, which no tag sequence can express, and
    all of a text that is another than the reference's.
    """
    doc, alignment = example.reference, align(example)
    if alignment is None:
        return [(0, len(example.predicted.text))]
    if spans_key is not None:
        spans = labelled_spans(doc, spans_key)
        kept = set(filter_spans(spans))
        unknown = [(s.start_char, s.end_char) for s in spans if s not in kept]
    else:
        unknown = [(t.idx, t.idx + len(t.text_with_ws)) for t in doc if t.ent_iob == 0]
    return [(alignment.start[start], alignment.start[end]) for start, end in unknown]


def allowed_tags(example: Example, scheme: TagScheme, spans_key: str | None) -> numpy.ndarray:
    """Which tags the gold annotation allows, bool (n_chars, n_tags).

    One per character, but all of them where the gold tags are not known.
    """
    n_chars, alignment = len(example.predicted.text), align(example)
    known = []
    if alignment is not None:
        known = [
            CharSpan(alignment.start[s.start_char], alignment.end[s.end_char], s.label_)
            for s in filter_spans(labelled_spans(example.reference, spans_key))
        ]
    allowed = numpy.eye(len(scheme.tags), dtype=bool)[scheme.encode(n_chars, known)]
    for start, end in unknown_regions(example, spans_key):
        allowed[start:end] = True
    return allowed


def count_unknown(examples: Iterable[Example], spans_key: str | None) -> tuple[int, int]:
    """Numbers of characters, and of Docs, with unknown gold tags in partly annotated Docs."""
    n_chars = n_docs = 0
    for example in examples:
        regions = unknown_regions(example, spans_key) if is_annotated(example, spans_key) else []
        n_chars += sum(end - start for start, end in regions)
        n_docs += bool(regions)
    return n_chars, n_docs
