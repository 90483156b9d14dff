"""Several annotators of the same texts: how far they agree, where they do not, and what counts."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from ..types import CharSpan
from .annotation_tools import Annotation
from .labelled import Labelled

# What each annotator says of a text, by text.
Readings = dict[str, dict[str, list[CharSpan]]]


class Conflict(NamedTuple):
    """A text that its annotators read differently; ``settled`` where most of them agree."""

    id: str
    text: str
    readings: dict[str, list[CharSpan]]
    settled: bool


class Agreement(NamedTuple):
    """How two annotators agree on the texts that both have read."""

    first: str
    second: str
    n_texts: int
    f1: float


def settle(annotations: Iterable[Annotation]) -> tuple[list[Labelled], list[Conflict]]:
    """One reading per text, in order of appearance, and the texts with more than one.

    Of an annotator's readings of a text the last counts. Where annotators differ, a reading that
    more than half of them share is taken, down to the last span; otherwise the text is left out.
    """
    ids: dict[str, str] = {}
    readings: Readings = {}
    for annotation in annotations:
        ids.setdefault(annotation.text, annotation.id)
        readings.setdefault(annotation.text, {})[annotation.annotator] = annotation.spans
    texts, conflicts = [], []
    for text, by_annotator in readings.items():
        votes = Counter(map(tuple, by_annotator.values()))
        spans, n_votes = votes.most_common(1)[0]
        settled = 2 * n_votes > len(by_annotator)
        if len(votes) > 1:
            conflicts.append(Conflict(ids[text], text, by_annotator, settled))
        if settled:
            texts.append(Labelled(ids[text], text, list(spans)))
    return texts, conflicts


def agreement(annotations: Iterable[Annotation]) -> list[Agreement]:
    """F1 of exact, labelled spans between each two annotators with texts in common.

    The one's spans are measured against the other's; which is which makes no difference. For spans
    it stands in for Cohen's kappa, which needs a number of negative cases (Hripcsak & Rothschild
    2005, "Agreement, the F-measure, and reliability in information retrieval"). 1 where neither
    has found a span.
    """
    by_annotator: dict[str, dict[str, set[CharSpan]]] = {}
    for annotation in annotations:
        by_annotator.setdefault(annotation.annotator, {})[annotation.text] = set(annotation.spans)
    pairs = []
    for first, second in combinations(sorted(by_annotator), 2):
        one, other = by_annotator[first], by_annotator[second]
        shared = one.keys() & other.keys()
        n_spans = sum(len(one[text]) + len(other[text]) for text in shared)
        n_same = sum(len(one[text] & other[text]) for text in shared)
        if shared:
            pairs.append(
                Agreement(first, second, len(shared), 2 * n_same / n_spans if n_spans else 1.0)
            )
    return pairs
