"""Which texts are worth labelling: those that would be corrected most, and no two of a kind."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .folding import fold
from .types import CharSpan

# What a name that the entity list lacks is worth, in corrections, in the first text picked with it.
UNKNOWN_NAME = 0.5
# Buckets of the character pairs by which texts are compared.
_WIDTH = 4096


class Candidate(NamedTuple):
    """A text, its entities by the pipeline, and what labelling it would bring."""

    text: str
    spans: list[CharSpan]
    corrections: float  # expected number of them, see `expected_corrections`
    unknown: frozenset[str]  # names in it that the entity list lacks, folded

    @property
    def value(self) -> float:
        """In corrections, were it the first text to be picked."""
        return self.corrections + UNKNOWN_NAME * len(self.unknown)


def expected_corrections(reading: Iterable[CharSpan], draws: Sequence[Iterable[CharSpan]]) -> float:
    """How many entities an annotator is expected to delete from a reading or add to it.

    ``draws`` are readings drawn from the model's own distribution: the mean number of entities in
    either the reading or the draw alone. One with another label or extent is one to delete and one
    to add.
    """
    reading = set(reading)
    return sum(len(reading.symmetric_difference(draw)) for draw in draws) / len(draws)


def pick(candidates: Sequence[Candidate], n: int) -> list[Candidate]:
    """Choose ``n`` texts, the most valuable first, each unlike those before it.

    Greedy: the value of a text shrinks with its similarity to the most similar one picked before,
    down to nothing for a copy, in the manner of maximal marginal relevance (Carbonell & Goldstein
    1998). Similarity is the cosine of the sets of character pairs, case and width folded. A name
    counts as unknown in the first text picked only. Texts without value are not picked.
    """
    vectors = _pair_vectors([fold(candidate.text) for candidate in candidates])
    value = np.array([candidate.value for candidate in candidates])
    unlike = np.ones(len(candidates))
    with_name: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        for name in candidate.unknown:
            with_name[name].append(i)
    picked = []
    for _ in range(min(n, len(candidates))):
        best = int(np.argmax(value * unlike))
        if value[best] * unlike[best] <= 1e-6:
            break
        picked.append(candidates[best])
        unlike = np.minimum(unlike, 1 - vectors @ vectors[best])
        unlike[best] = 0
        for name in candidates[best].unknown:
            value[with_name.pop(name, [])] -= UNKNOWN_NAME
    return picked


def _pair_vectors(texts: list[str]) -> np.ndarray:
    """Rows of length 1 that hold which neighbouring characters each text has, ``[n, _WIDTH]``."""
    vectors = np.zeros((len(texts), _WIDTH), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        codes = np.frombuffer(f"\0{text}".encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
        # A prime spreads the pairs over the buckets.
        row[(codes[:-1] * 1_000_003 + codes[1:]) % _WIDTH] = 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
