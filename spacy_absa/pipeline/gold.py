"""Gold annotation as what training may rely on: per character, the tags that are possible."""

from collections.abc import Iterable

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


def unknown_regions(doc: Doc, spans_key: str | None) -> list[tuple[int, int]]:
    """Stretches of characters whose gold tags are not known.

    That is: tokens whose entity annotation is missing (spaCy marks annotation that misaligns
    with the tokens so), and spans that overlap a longer one, which no tag sequence can express.
    """
    if spans_key is not None:
        spans = labelled_spans(doc, spans_key)
        kept = set(filter_spans(spans))
        return [(s.start_char, s.end_char) for s in spans if s not in kept]
    return [(t.idx, t.idx + len(t.text_with_ws)) for t in doc if t.ent_iob == 0]


def allowed_tags(example: Example, scheme: TagScheme, spans_key: str | None) -> numpy.ndarray:
    """Which tags the gold annotation allows, bool (n_chars, n_tags).

    One per character, but all of them where the gold tags are not known, and everywhere if the
    reference is another text than the prediction's.
    """
    doc = example.reference
    n_chars = len(example.predicted.text)
    if doc.text != example.predicted.text:
        return numpy.ones((n_chars, len(scheme.tags)), dtype=bool)
    spans = filter_spans(labelled_spans(doc, spans_key))
    known = [CharSpan(s.start_char, s.end_char, s.label_) for s in spans]
    allowed = numpy.eye(len(scheme.tags), dtype=bool)[scheme.encode(n_chars, known)]
    for start, end in unknown_regions(doc, spans_key):
        allowed[start:end] = True
    return allowed


def count_unknown(examples: Iterable[Example], spans_key: str | None) -> tuple[int, int]:
    """Numbers of characters, and of Docs, with unknown gold tags in partly annotated Docs."""
    n_chars = n_docs = 0
    for example in examples:
        doc = example.reference
        regions = unknown_regions(doc, spans_key) if doc.has_annotation("ENT_IOB") else []
        n_chars += sum(end - start for start, end in regions)
        n_docs += bool(regions)
    return n_chars, n_docs
