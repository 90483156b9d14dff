"""Quotes: which of many to keep while reading, and which of those are typical."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

# Distinct texts that are kept of an entity and a sentiment.
SAMPLE_SIZE = 20
# Characters shown before and behind the name in a long text.
_CONTEXT = 80
# Quotes more alike than this (cosine) are the same to a reader.
_ALIKE = 0.7
_BOUNDARY = re.compile(r"[\s。！？!?；;，,]")


class Mark(NamedTuple):
    """An entity in a quote."""

    start: int
    end: int
    label: str
    score: float
    is_subject: bool  # whether the quote is about it


class Run(NamedTuple):
    """Characters that speak for the sentiment (weight > 0) or against it."""

    start: int
    end: int
    weight: float


class Quote(NamedTuple):
    """A stretch of a text that names an entity; offsets count its characters."""

    text: str
    marks: list[Mark]
    explanation: list[Run]
    score: float  # probability of the entity with this sentiment
    file: str
    line: int


class Excerpt(NamedTuple):
    """A stretch of a text, with an ellipsis where the text goes on."""

    words: str
    shift: int  # of the offsets, from the text to the words
    start: int  # of the stretch in the text
    end: int


def excerpt(text: str, start: int, end: int) -> Excerpt:
    """The surroundings of a name in a text.

    Whole if it is short; else cut at blanks or punctuation where there are some, with an ellipsis.
    """
    if len(text) <= 2 * _CONTEXT:
        return Excerpt(text, 0, 0, len(text))
    low, high = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    if low and (match := _BOUNDARY.search(text, low, start)):
        low = match.end()
    if high < len(text):
        high = max((m.end() for m in _BOUNDARY.finditer(text, end, high)), default=high)
    head, tail = "…" * (low > 0), "…" * (high < len(text))
    return Excerpt(head + text[low:high] + tail, len(head) - low, low, high)


class Sample:
    """A random sample of distinct texts, whatever their number and order.

    It knows texts by their `stable_hash` and keeps the smallest (a bottom-k sketch), so that copies
    of a text count once and the same texts always give the same sample.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, Quote]] = []  # negative hashes: the greatest comes first

    def would_take(self, key: int) -> bool:
        """Whether a text is new to the sample and among the smallest, by its hash."""
        if len(self._heap) == SAMPLE_SIZE and key >= -self._heap[0][0]:
            return False
        return all(key != -kept for kept, _ in self._heap)

    def add(self, key: int, quote: Quote) -> None:
        """Take in a text that it would take."""
        if len(self._heap) < SAMPLE_SIZE:
            heapq.heappush(self._heap, (-key, quote))
        else:
            heapq.heapreplace(self._heap, (-key, quote))

    def quotes(self) -> list[Quote]:
        """Those kept, in the order of their hashes."""
        return [quote for _, quote in sorted(self._heap, key=lambda item: -item[0])]


def typical(quotes: Iterable[Quote], n: int) -> list[Quote]:
    """At most n quotes that are most like all of them, sure, and unlike each other; best first.

    Likeness is the cosine of counts of character pairs to their mean; it is multiplied by the
    probability of the reading.
    """
    vectors = [(_pairs(quote.text), quote) for quote in quotes]
    centre: Counter[str] = Counter()
    for vector, _ in vectors:
        norm = _norm(vector)
        centre.update({pair: count / norm for pair, count in vector.items()})
    ranked = sorted(vectors, key=lambda item: -_cosine(item[0], centre) * item[1].score)
    chosen: list[tuple[Counter[str], Quote]] = []
    for vector, quote in ranked:
        if len(chosen) < n and all(_cosine(vector, other) < _ALIKE for other, _ in chosen):
            chosen.append((vector, quote))
    return [quote for _, quote in chosen]


def _pairs(text: str) -> Counter[str]:
    """Of a text of one character that character."""
    return Counter(text[i : i + 2] for i in range(max(1, len(text) - 1)))


def _norm(vector: Counter[str]) -> float:
    return sqrt(sum(count * count for count in vector.values()))


def _cosine(first: Counter[str], second: Counter[str]) -> float:
    product = sum(count * second[pair] for pair, count in first.items())
    return product / (_norm(first) * _norm(second))
