"""Why an entity got its label: which characters moved the sentiment, by occlusion."""

import warnings
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from thinc.types import Floats1d, Floats2d

from ..errors import InputError
from .absa_gru import AbsaGRU
from .absa_polarity import AbsaPolarity
from .judges import TaggerAndReader, final_judge

# All of them have `labels` and `opinions`.
Judge = AbsaGRU | AbsaPolarity | TaggerAndReader

# Stands for a hidden character. No alphabet holds it, so the model reads an unknown character.
HIDDEN = "\N{REPLACEMENT CHARACTER}"
# Tokens that are hidden together, at most: most Chinese words have no more characters.
MAX_WINDOW = 3
# Runs with less than this share of the greatest weight are left out,
MIN_SHARE = 0.4
# and all of them where the greatest is below this many nats a token: nothing moved the sentiment.
MIN_NATS = 0.1
# Tokens on either side of an entity.
DEFAULT_REACH = 40


class Explainer:
    """The component `absa_explain`: explains what others have found and judged. See `explain`."""

    def __init__(self, explained: Judge, reach: int) -> None:
        self.explained = explained
        self.reach = reach

    def __call__(self, doc: Doc) -> Doc:
        """Add the explanations to `doc._.absa`; warns where there is nothing to explain yet."""
        if doc._.absa is None:
            warnings.warn(
                "absa_explain got a text that no component before it has judged: put it behind "
                "the one that it explains.",
                stacklevel=2,
            )
        explain(self.explained, [doc], reach=self.reach)
        return doc


@Language.factory(
    "absa_explain",
    requires=["doc._.absa"],
    assigns=["doc._.absa"],
    default_config={"component": "absa_gru", "reach": DEFAULT_REACH},
)
def make_explainer(nlp: Language, name: str, component: str, reach: int) -> Explainer:
    """Create the component, which stands behind what it explains.

    component: the `absa_gru`, explained together with an `absa_polarity` behind it; or, behind a
    finder of another kind, the `absa_polarity`. Raises InputError where the pipeline has none yet.
    """
    if component not in nlp.component_names:
        raise InputError(
            f"{name} explains the component {component!r}, but the pipeline has none yet: "
            "add absa_explain behind it, or name another one as its `component`."
        )
    judge = nlp.get_pipe(component)
    if isinstance(judge, AbsaGRU):
        judge = final_judge(nlp, component)
    if not isinstance(judge, Judge):
        raise InputError(
            f"{name} explains the component {component!r}, which has no opinions: name the "
            "absa_gru or the absa_polarity as its `component`."
        )
    return Explainer(judge, reach)


def explain(judge: Judge, docs: Iterable[Doc], *, reach: int = DEFAULT_REACH) -> None:
    """Add to each entry of `doc._.absa` its `"explanation"`, the characters that moved its label.

    An explanation is a list of dicts `{"start": int, "end": int, "text": str, "weight": float}`:
    runs of the characters of `doc.text`, in order, outside of the entity. A weight above 0 speaks
    for the label, one below against it; the greatest of an entity is 1 or -1.

    Occlusion (Zeiler & Fergus 2014, section 2.2): every window of one to three tokens is hidden
    behind unknown characters, and the model asked again. What counts is by how many nats the
    log-odds of the label drop, given that the entity is one. A token's weight is the mean drop per
    token of the windows that hold it; neighbours of one sign make a run, which has their mean.
    Single tokens alone miss what is said twice over, and wide windows blur. Gradient x input
    (Simonyan et al. 2014) would be quicker, but its slope at the sentence as it stands says little
    of a negation that turns the label, and it needs a way through each kind of input layer; this
    needs nothing of the model but its answers.

    judge: who gave the labels, such as `nlp.get_pipe("absa_gru")`; of a pipeline with
    `absa_polarity`, `judges.final_judge(nlp)`. reach: tokens on either side of an entity that are
    looked at, as its only context. The cost grows with its square: an entity takes up to six
    `reach` runs of the model over two `reach` tokens, with `absa_polarity` one more for each entity
    in reach. Tokens are those of the Doc, so that word vectors (`words` of the model) see whole
    words hidden; of an embedding that listens to another component the vectors stay.

    Raises InputError for a label that the judge does not know.
    """
    for doc in docs:
        for entry in doc._.absa or []:
            entry["explanation"] = _explain(judge, doc, entry, reach)


def _explain(judge: Judge, doc: Doc, entry: dict[str, Any], reach: int) -> list[dict[str, Any]]:
    if entry["label"] not in judge.labels:
        raise InputError(
            f"The label {entry['label']} is another component's than the one that is to explain "
            "it: add absa_explain right behind that one, or name the other as its `component`."
        )
    entity = doc.char_span(entry["start"], entry["end"], alignment_mode="expand")
    first, last = max(entity.start - reach, 0), min(entity.end + reach, len(doc))
    windows = [
        (i, i + size)
        for size in range(1, MAX_WINDOW + 1)
        for i in range(first, last - size + 1)
        if i + size <= entity.start or i >= entity.end
    ]
    if not windows:
        return []
    variants = [_hide(doc[first:last], start, end) for start, end in [(0, 0), *windows]]
    rows = _opinions(judge, variants, doc, entry, doc[first].idx)
    log_odds = _log_odds(rows, judge.labels.index(entry["label"]))
    drops = log_odds[0] - log_odds[1:]
    weights, counts = numpy.zeros((2, len(doc)))
    for (start, end), drop in zip(windows, drops, strict=True):
        weights[start:end] += drop / (end - start)
        counts[start:end] += 1
    return _runs(doc, weights / numpy.maximum(counts, 1))


def _hide(span: Span, start: int, end: int) -> Doc:
    """A copy of the span's words, those from token `start` to `end` of its Doc hidden."""
    words = [
        HIDDEN * len(token) if start <= token.i < end and not token.is_space else token.text
        for token in span
    ]
    copy = Doc(span.doc.vocab, words, [bool(token.whitespace_) for token in span])
    if span.doc.tensor is not None and len(span.doc.tensor):  # None behind a `doc_cleaner`
        copy.tensor = span.doc.tensor[span.start : span.end]  # what a listener has heard of them
    return copy


def _opinions(
    judge: Judge, docs: list[Doc], doc: Doc, entry: dict[str, Any], offset: int
) -> Floats2d:
    """Probability of each label in each variant of the text from `offset` on, were it an entity."""
    length = len(docs[0].text)
    others = [
        (max(other["start"] - offset, 0), min(other["end"] - offset, length))
        for other in doc._.absa
        if other is not entry
    ]
    rivals = [(start, end) for start, end in others if start < end]
    extents = [(entry["start"] - offset, entry["end"] - offset), *rivals]
    return numpy.stack([rows[0] for rows in judge.opinions(docs, [extents] * len(docs))])


def _log_odds(shares: Floats2d, label: int) -> Floats1d:
    """Log-odds of a label by rows of probabilities."""
    odds = shares[:, label], numpy.delete(shares, label, axis=1).sum(axis=1)
    of_label, of_others = (numpy.log(numpy.maximum(p, numpy.finfo(p.dtype).tiny)) for p in odds)
    return of_label - of_others


def _runs(doc: Doc, weights: Floats1d) -> list[dict[str, Any]]:
    """Neighbouring tokens of one sign, with their mean weight, scaled to the greatest run's."""
    greatest = abs(weights).max()
    if greatest < MIN_NATS:
        return []
    signs = numpy.sign(weights) * (abs(weights) >= MIN_SHARE * greatest)
    runs = []
    for sign, group in groupby(range(len(doc)), key=signs.__getitem__):
        if sign:
            tokens = list(group)
            span = doc[tokens[0] : tokens[-1] + 1]
            runs.append((span, weights[tokens].mean()))
    scale = max(abs(weight) for _, weight in runs)
    return [
        {
            "start": span.start_char,
            "end": span.end_char,
            "text": span.text,
            "weight": round(float(weight / scale), 4),
        }
        for span, weight in runs
    ]
