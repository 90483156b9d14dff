"""Scorers of the components, for `spacy train` and `spacy evaluate`."""

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy
from spacy.scorer import PRFScore, get_ner_prf
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import to_numpy
from thinc.types import Floats2d

from ..data.contest import settle
from ..models.types import Hints
from ..scoring import contest_scores
from .gold import align, is_annotated, labelled_spans, unknown_regions

Scorer = Callable[..., dict[str, Any]]
# Entities by their first character and the one behind their last.
Places = dict[tuple[int, int], Span]
Rows = dict[tuple[int, str], str]

# Of what `score_entity_sentiment` returns, in the choice of the best model.
SCORE_WEIGHTS = {
    "absa_f": 0.5,
    "absa_macro_f": 0.5,
    "absa_p": None,
    "absa_r": None,
    "absa_span_f": None,
    "absa_polarity_acc": None,
    "absa_contest_f": None,
    "absa_per_type": None,
}


def make_perplexity_scorer() -> Scorer:
    """`spacy_absa.perplexity_scorer.v1`: see `score_perplexity`."""
    return score_perplexity


def score_perplexity(examples: Iterable[Example], **kwargs: Any) -> dict[str, float]:
    """Perplexity and bits per character over all texts, ends of text included.

    `lm_probability` is 1 / perplexity, the geometric mean probability of a character: unlike
    perplexity it grows as the model improves, which `spacy train` needs to choose the best one.
    """
    nats = n_chars = 0.0
    for example in examples:
        if example.predicted._.perplexity is not None:
            weight = len(example.predicted.text) + 1
            nats += math.log(example.predicted._.perplexity) * weight
            n_chars += weight
    if not n_chars:
        return {}
    mean = nats / n_chars
    return {
        "lm_probability": math.exp(-mean),
        "lm_perplexity": math.exp(mean),
        "lm_bits_per_char": mean / math.log(2),
    }


def make_hints_scorer() -> Scorer:
    """`spacy_absa.hints_scorer.v1`: see `score_hints`."""
    return score_hints


def score_hints(
    examples: Iterable[Example],
    *,
    predictions: Sequence[Floats2d],
    hints: Sequence[Hints],
    **kwargs: Any,
) -> dict[str, float]:
    """hints_r2: the share of the hints' variance that the predictions explain.

    That is 1 for perfect predictions, and 0 for ones as good as the mean of each component of the
    hints. predictions: per text (n_chars, width). Characters without a hint count neither way.
    """
    pairs = list(zip(predictions, hints, strict=True))
    if not any(hint.known.any() for _, hint in pairs):
        return {}
    gold = numpy.concatenate([hint.vectors[hint.known] for _, hint in pairs])
    found = numpy.concatenate([to_numpy(prediction)[hint.known] for prediction, hint in pairs])
    unexplained = numpy.square(found - gold).sum() / numpy.square(gold - gold.mean(0)).sum()
    return {"hints_r2": 1 - float(unexplained)}


def make_absa_scorer() -> Scorer:
    """`spacy_absa.absa_scorer.v1`: see `score_entity_sentiment`."""
    return score_entity_sentiment


def score_entity_sentiment(
    examples: Iterable[Example],
    *,
    labels: Sequence[str],
    spans_key: str | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Compare entities by their characters, whatever the tokens.

    absa_p/r/f: exact span and label. absa_macro_f: mean of the F-scores per label.
    absa_span_f: spans alone. absa_polarity_acc: share of right labels on the spans found.
    absa_contest_f: the measure of the BDCI-2016 contest, on one answer per (text, name).
    absa_per_type: precision, recall and F-score per label.
    Predictions that touch characters without known gold annotation count neither way, nor do
    entities with the labels of other components.
    Of `doc.spans[spans_key]` each comes by the name absa_KEY_p and so on as well, by which several
    components in a pipeline can be told apart.
    Of `doc.ents` besides what spaCy has (`ents_p/r/f`, `ents_per_type`), as `spacy evaluate`
    prints that alone.
    """
    known = [example for example in examples if is_annotated(example, spans_key)]
    scores = score_places(places(known, labels, spans_key), labels)
    if spans_key is None:
        # spaCy's scorer takes no reference with another text
        same = [example for example in known if align(example) is not None]
        return {**get_ner_prf(same), **scores} if known else scores
    return scores | {name.replace("absa", f"absa_{spans_key}", 1): scores[name] for name in scores}


def places(
    examples: Sequence[Example], labels: Sequence[str], spans_key: str | None
) -> list[tuple[Places, Places]]:
    """The gold entities of each text, and those found where the gold annotation is known.

    Entities of labels that another component sets in one of these texts are left out on both sides.
    """
    found = chain(*(labelled_spans(example.predicted, spans_key) for example in examples))
    others = {s.label_ for s in found if s.label_ not in labels and not s._.sentiment_scores}
    return [
        (_gold(example, spans_key, others), _predicted(example, spans_key, labels))
        for example in examples
    ]


def score_places(texts: Sequence[tuple[Places, Places]], labels: Sequence[str]) -> dict[str, Any]:
    """The scores of `score_entity_sentiment`, of the gold and the found entities of each text."""
    per_label: dict[str, PRFScore] = defaultdict(PRFScore)
    spans, total = PRFScore(), PRFScore()
    gold_rows: Rows = {}
    predicted_rows: Rows = {}
    n_right_labels = 0
    for number, (gold, found) in enumerate(texts):
        spans.score_set(set(found), set(gold))
        total.score_set(keys_of(found), keys_of(gold))
        for label in {*labels, *(span.label_ for span in gold.values())}:
            per_label[label].score_set(keys_of(found, label), keys_of(gold, label))
        n_right_labels += sum(
            gold[place].label_ == span.label_ for place, span in found.items() if place in gold
        )
        gold_rows |= _rows(number, gold)
        predicted_rows |= _rows(number, found)
    if not texts:
        return {}
    return {
        "absa_p": total.precision,
        "absa_r": total.recall,
        "absa_f": total.fscore,
        "absa_macro_f": sum(s.fscore for s in per_label.values()) / max(len(per_label), 1),
        "absa_span_f": spans.fscore,
        "absa_polarity_acc": n_right_labels / spans.tp if spans.tp else 0.0,
        "absa_contest_f": contest_scores(gold_rows, predicted_rows)["contest_f1"],
        "absa_per_type": {label: s.to_dict() for label, s in sorted(per_label.items())},
    }


def _gold(example: Example, spans_key: str | None, others: Container[str]) -> Places:
    """By their places in the prediction's text, as far as that is the reference's."""
    spans = labelled_spans(example.reference, spans_key)
    alignment = align(example)
    if alignment is None:
        return {}
    return {
        (alignment.start[s.start_char], alignment.end[s.end_char]): s
        for s in spans
        if s.label_ not in others
    }


def _predicted(example: Example, spans_key: str | None, labels: Sequence[str]) -> Places:
    unknown = unknown_regions(example, spans_key)
    spans = (_by_sentiment(s, labels) for s in labelled_spans(example.predicted, spans_key))
    return {
        (s.start_char, s.end_char): s
        for s in spans
        if s.label_ in labels
        and not any(s.start_char < end and start < s.end_char for start, end in unknown)
    }


def _by_sentiment(span: Span, labels: Sequence[str]) -> Span:
    """A span with its sentiment for a label, which `absa_polarity` sets beside other labels."""
    scores = span._.sentiment_scores
    if span.label_ in labels or not scores:
        return span
    return Span(span.doc, span.start, span.end, max(scores, key=scores.get))


def keys_of(places: Places, label: str | None = None) -> set[tuple[int, int, str]]:
    """Start, end and label of the spans, or of those with this label: what is compared."""
    return {(*place, span.label_) for place, span in places.items() if label in (None, span.label_)}


def _rows(number: int, places: Places) -> Rows:
    """The contest's view of a text: one label per name."""
    mentions = [
        {"text": s.text, "label": s.label_, "scores": s._.sentiment_scores or {s.label_: 1.0}}
        for s in places.values()
    ]
    return {(number, view): label for view, label in settle(mentions).items()}
