"""The k best readings of a text: list Viterbi, with or without a lexicon of entities.

Each state keeps its k best beginnings instead of one (Seshadri & Sundberg 1994, the parallel list
algorithm). In mode `prefer` one reading has several paths, as a name may be read free or as a
match; beginnings that read the text alike are one, the best of them, so that the k results differ.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..lexicon import Match
from ..types import CharSpan
from .schemes import TagScheme
from .viterbi import Jumps, Mode, Steps, search_space


class ScoredReading(NamedTuple):
    """The entities of a path, in text order, and its score: bonuses of the lexicon included."""

    score: float
    entities: list[CharSpan]


class _Beginnings(NamedTuple):
    """The best ways to read a text up to a place, ``H`` of them."""

    scores: np.ndarray  # [H]
    states: np.ndarray  # [H] int, as in ``Steps``
    readings: np.ndarray  # [H] int, as in ``_Trie``


# A way on from a beginning: score, number of the beginning's reading, the symbols that follow.
_Candidate = tuple[float, int, Sequence[int]]


def k_best(
    emissions: np.ndarray,
    transitions: np.ndarray,
    scheme: TagScheme,
    k: int,
    matches: Sequence[Match] = (),
    mode: Mode = "off",
    bonus: float = 0.0,
) -> list[ScoredReading]:
    """The best ``k`` readings of one text, at least one, best first, or all if there are fewer.

    The arguments are those of ``viterbi``, whose answer scores as the first one does (and is it,
    but for ties). Takes time in proportion to the text's length times ``k``.
    """
    packed, steps, jumps = search_space([emissions], transitions, scheme, [matches], mode, bonus)
    search = _Search(packed.data, steps, jumps, scheme, k)
    return [ScoredReading(score, search.trie.entities(end, scheme)) for score, end in search.best()]


class _Trie:
    """Readings up to a place, each the number of a node; alike readings have the same number.

    A symbol of a reading is ``2 * tag``, plus 1 if nothing before it belongs to its entity.
    """

    def __init__(self) -> None:
        self._steps = [(0, 0)]  # per node: the one before, the symbol
        self._numbers: dict[tuple[int, int], int] = {}

    def number(self, reading: int, symbols: Sequence[int]) -> int:
        """The number of a reading that goes on with these symbols."""
        for symbol in symbols:
            step = (reading, symbol)
            if step not in self._numbers:
                self._numbers[step] = len(self._steps)
                self._steps.append(step)
            reading = self._numbers[step]
        return reading

    def entities(self, reading: int, scheme: TagScheme) -> list[CharSpan]:
        """What a reading finds, in text order."""
        symbols = []
        while reading:
            reading, symbol = self._steps[reading]
            symbols.append(symbol)
        spans: list[CharSpan] = []
        for place, symbol in enumerate(reversed(symbols)):
            tag, is_new = divmod(symbol, 2)
            if is_new and tag:
                spans.append(CharSpan(place, place + 1, scheme.tags[tag].partition("-")[2]))
            elif tag:
                spans[-1] = spans[-1]._replace(end=place + 1)
        return spans


class _Search:
    """The k best beginnings of each state, place by place."""

    def __init__(
        self, emissions: np.ndarray, steps: Steps, jumps: Jumps, scheme: TagScheme, k: int
    ) -> None:
        self.trie = _Trie()
        self.steps = steps
        self.jumps = jumps
        self.scheme = scheme
        self.k = k
        n_tags = len(scheme.tags)
        self.n_closed = len(steps.free) - n_tags - 1
        always = np.ones((1, n_tags), dtype=bool)
        self._is_new = np.vstack([*[always] * self.n_closed, scheme.boundary, always])
        edge = len(steps.free) - 1
        self.places = [_Beginnings(np.zeros(1), np.array([edge]), np.zeros(1, dtype=np.int64))]
        for scores in emissions:
            self.places.append(self._step(scores))

    def best(self) -> list[tuple[float, int]]:
        """Scores and numbers of the best readings of the whole text."""
        ends = self.places[-1]
        scores = ends.scores + self.steps.end[ends.states]
        return self._pick(_candidates(scores, ends.readings, [()] * len(scores)))

    def _step(self, scores: np.ndarray) -> _Beginnings:
        before = self.places[-1]
        free = before.scores[:, None] + self.steps.free[before.states] + scores
        kept = []
        for tag in range(len(scores)):
            symbols = (2 * tag + self._is_new[before.states, tag])[:, None].tolist()
            found = _candidates(free[:, tag], before.readings, symbols)
            kept.append((self.n_closed + tag, self._pick(found)))
        by_last: dict[int, list[_Candidate]] = {}
        for jump in np.flatnonzero(self.jumps.end == len(self.places)).tolist():
            self._jump(jump, by_last)
        kept += [(last, self._pick(found)) for last, found in by_last.items()]
        flat = [(score, state, reading) for state, those in kept for score, reading in those]
        best, states, readings = zip(*flat, strict=True)
        return _Beginnings(np.array(best), np.array(states), np.array(readings))

    def _jump(self, jump: int, by_last: dict[int, list[_Candidate]]) -> None:
        """Add to the candidates, by the tag that they end with, those over one match."""
        start, end = self.jumps.start[jump].item(), self.jumps.end[jump].item()
        before = self.places[start]
        first, last = self.jumps.first[jump], self.jumps.last[jump]
        scores = before.scores[:, None] + self.steps.jump[before.states[:, None], first]
        scores = scores + self.jumps.score[jump]
        inside = 2 * self.scheme.tags_per_label(end - start)
        inside[:, 0] += 1
        for label, tag in enumerate(last.tolist()):
            symbols = [inside[label].tolist()] * len(scores)
            found = _candidates(scores[:, label], before.readings, symbols)
            by_last.setdefault(tag, []).extend(found)

    def _pick(self, candidates: list[_Candidate]) -> list[tuple[float, int]]:
        """Scores and numbers of the k best that differ."""
        picked: dict[int, float] = {}
        for score, reading, symbols in sorted(candidates, key=lambda c: -c[0]):
            if score == -np.inf or len(picked) == self.k:
                break
            picked.setdefault(self.trie.number(reading, symbols), score)
        return [(score, number) for number, score in picked.items()]


def _candidates(
    scores: np.ndarray, readings: np.ndarray, symbols: Sequence[Sequence[int]]
) -> list[_Candidate]:
    return list(zip(scores.tolist(), readings.tolist(), symbols, strict=True))
