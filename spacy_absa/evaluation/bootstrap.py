"""Is one pipeline better than another, or was it the choice of texts?"""

from collections.abc import Sequence
from typing import Any

import numpy

from .readings import EvaluatedText

CONFIDENCE = 0.95


def compare(
    first: Sequence[EvaluatedText],
    second: Sequence[EvaluatedText],
    labels: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Paired bootstrap (Koehn 2004) of `absa_f` and `absa_macro_f`, texts drawn with repetition.

    The readings are of the same texts in the same order. Of each score: its value for `first` and
    `second`, the `difference` (second minus first), the ends `low` and `high` of its 95 % interval
    (percentiles), and the two-sided `p_value`: twice the share of resamples in which the
    difference has not the sign that it mostly has, at most 1, and never below 2 / (resamples + 1).
    """
    counts = numpy.stack([_counts(readings, labels) for readings in (first, second)], axis=1)
    rng = numpy.random.default_rng(seed)
    n_texts = len(counts)
    even = numpy.full(n_texts, 1 / n_texts)
    drawn = numpy.array(
        [numpy.tensordot(rng.multinomial(n_texts, even), counts, axes=1) for _ in range(resamples)]
    )
    measured = counts.sum(axis=0)
    return {
        "absa_f": _difference(_micro_f(measured), _micro_f(drawn)),
        "absa_macro_f": _difference(_macro_f(measured), _macro_f(drawn)),
    }


def _counts(readings: Sequence[EvaluatedText], labels: Sequence[str]) -> numpy.ndarray:
    """Right, found and gold entities per text and label, [D, K, 3]."""
    counts = numpy.zeros((len(readings), len(labels), 3))
    column = {label: number for number, label in enumerate(labels)}
    for row, reading in enumerate(readings):
        for place, span in reading.found.items():
            right = place in reading.gold and reading.gold[place].label_ == span.label_
            counts[row, column[span.label_], :2] += (right, 1)
        for span in reading.gold.values():
            counts[row, column[span.label_], 2] += 1
    return counts


def _micro_f(counts: numpy.ndarray) -> numpy.ndarray:
    """F-scores over all labels, [..., K, 3] to [...]."""
    return _f(counts.sum(axis=-2))


def _macro_f(counts: numpy.ndarray) -> numpy.ndarray:
    """Means of the labels' F-scores, [..., K, 3] to [...]."""
    return _f(counts).mean(axis=-1)


def _f(counts: numpy.ndarray) -> numpy.ndarray:
    right, found, gold = numpy.moveaxis(counts, -1, 0)
    return 2 * right / numpy.maximum(found + gold, 1)


def _difference(measured: numpy.ndarray, drawn: numpy.ndarray) -> dict[str, float]:
    first, second = measured.tolist()
    differences = drawn[:, 1] - drawn[:, 0]
    edge = (1 - CONFIDENCE) / 2
    low, high = numpy.quantile(differences, [edge, 1 - edge]).tolist()
    rarer_sign = min((differences <= 0).sum(), (differences >= 0).sum())
    return {
        "first": first,
        "second": second,
        "difference": second - first,
        "low": low,
        "high": high,
        "p_value": min(1.0, 2 * float(rarer_sign + 1) / (len(differences) + 1)),
    }
