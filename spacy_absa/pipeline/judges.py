"""Who has the last word on opinions: a finder of entities, or with it the reader behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.types import Floats2d

from ..decoding.marginals import draw
from ..types import CharSpan
from .absa_gru import AbsaGRU
from .absa_polarity import AbsaPolarity, mix
from .char_pipe import SentimentPipe
from .decoder import Extents, draw_readings, label_shares
from .gold import labelled_spans


@dataclass(frozen=True)
class TaggerAndReader:
    """`absa_gru` and an `absa_polarity` behind it, as one that judges like the whole pipeline.

    The tagger says what is an entity, both say what is thought of it. Settings of the tagger's
    decoder and calibrations have no say.
    """

    tagger: AbsaGRU
    reader: AbsaPolarity

    @property
    def labels(self) -> tuple[str, ...]:
        """The sentiment labels, in the order of the probabilities."""
        return self.tagger.labels

    def opinions(self, docs: Iterable[Doc], extents: Sequence[Extents]) -> list[Floats2d]:
        """See `AbsaGRU.opinions`; the extents of a Doc are rivals for the reader."""
        docs = list(docs)
        return self._mix(self.tagger.opinions(docs, extents), docs, extents)

    def sample(
        self, docs: Iterable[Doc], n: int, rng: numpy.random.Generator
    ) -> list[list[list[CharSpan]]]:
        """Draw `n` readings of each Doc: entities of the tagger, their labels of both.

        Given the entities, each label is drawn on its own. Returns what `AbsaGRU.sample` does.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return self.tagger.sample(docs, n, rng)
        lattice, scheme = self.tagger.lattice(docs), self.tagger.scheme
        draws = [[_extents(r) for r in those] for those in draw_readings(lattice, scheme, n, rng)]
        # What else is an entity is an input of the reader: each set of them is read once.
        groups = [(i, those) for i, drawn in enumerate(draws) for those in dict.fromkeys(drawn)]
        shares = self._mix(
            label_shares(lattice, scheme, groups),
            [docs[i] for i, _ in groups],
            [those for _, those in groups],
        )
        of_group = dict(zip(groups, shares, strict=True))
        return [
            [self._draw_labels(those, of_group[i, those], rng) for those in drawn]
            for i, drawn in enumerate(draws)
        ]

    def surprise(self, examples: Sequence[Example]) -> list[float]:
        """See `AbsaGRU.surprise`; each label counts with what both say in the tagger's place."""
        nats = self.tagger.surprise(examples)
        known = [i for i, value in enumerate(nats) if value < numpy.inf]
        docs = [examples[i].predicted for i in known]
        gold = [labelled_spans(examples[i].reference, self.tagger.spans_key) for i in known]
        extents = [[(span.start_char, span.end_char) for span in spans] for spans in gold]
        if any(extents):
            before = self.tagger.opinions(docs, extents)
            after = self._mix(before, docs, extents)
            for i, spans, old, new in zip(known, gold, before, after, strict=True):
                label = (range(len(spans)), [self.labels.index(span.label_) for span in spans])
                least = numpy.finfo("float64").tiny
                nats[i] += float(numpy.log(numpy.maximum(old[label], least) / new[label]).sum())
        return nats

    def _mix(
        self, before: list[Floats2d], docs: list[Doc], extents: Sequence[Extents]
    ) -> list[Floats2d]:
        """The tagger's probabilities with the reader's, whose labels may be in another order."""
        self.reader.check_labels(self.labels, f"the component {self.tagger.name!r}")
        order = [self.reader.labels.index(label) for label in self.labels]
        own = self.reader.opinions(docs, extents)
        return [
            mix(one, other[:, order], self.reader.share)
            for one, other in zip(before, own, strict=True)
        ]

    def _draw_labels(
        self, extents: Extents, shares: Floats2d, rng: numpy.random.Generator
    ) -> list[CharSpan]:
        return [
            CharSpan(start, end, self.labels[label])
            for (start, end), label in zip(extents, draw(shares, rng).tolist(), strict=True)
        ]


def reader_behind(nlp: Language, finder: SentimentPipe) -> AbsaPolarity | None:
    """The last component that judges once more what a finder of entities has found, if any."""
    readers = [
        pipe
        for _, pipe in nlp.pipeline
        if isinstance(pipe, AbsaPolarity) and pipe.spans_key == finder.spans_key
    ]
    return readers[-1] if readers else None


def final_judge(nlp: Language, name: str = "absa_gru") -> AbsaGRU | TaggerAndReader:
    """Whose opinions of the entities of the tagger `name` are the pipeline's."""
    tagger = nlp.get_pipe(name)
    reader = reader_behind(nlp, tagger)
    return TaggerAndReader(tagger, reader) if reader else tagger


def _extents(reading: list[CharSpan]) -> tuple[tuple[int, int], ...]:
    return tuple((span.start, span.end) for span in reading)
