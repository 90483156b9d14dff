"""Exact Viterbi decoding under a tag scheme, with or without a lexicon of entities.

One search serves the three modes. A state is what a path has just read: a *closed* tag (the last
of a lexicon match that ends here), a *free* tag (any other), or the boundary before the text. Paths
go on by *free steps* of one character, or by *jumps* over a whole lexicon match. After a closed tag
only a tag that closes the entity may follow; a match cannot be prolonged.

========== =========== =================
mode       free steps  jumps
========== =========== =================
``off``    to any tag  none
``prefer`` to any tag  earn the bonus
``force``  to O only   earn no bonus
========== =========== =================

Equal scores: closed beats free, a long match beats a short one, then the lower tag wins. For this
to hold exactly, scores are rounded to a grid on which float64 sums are exact in any order.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

import numpy as np

from ..errors import InputError
from ..types import CharSpan
from .matches import Match, Matches
from .packing import Packed, pack
from .schemes import TagScheme

Mode = Literal["off", "prefer", "force"]

# Finer than float32 resolves a score of 16. Sums of up to 15 states stay exact, marks included, up
# to 2^29: 200,000 characters of 2,500.
_GRID = 2.0**20
# Numbers of this size have no digits below the grid: added and taken away again, it rounds to it.
_ROUND = 1.5 * 2.0**52 / _GRID


def viterbi(
    emissions: Sequence[np.ndarray],
    transitions: np.ndarray,
    scheme: TagScheme,
    matches: Sequence[Sequence[Match]] | None = None,
    mode: Mode = "off",
    bonus: float = 0.0,
) -> list[list[CharSpan]]:
    """The entities of the best path through each text, in text order.

    ``emissions`` holds ``[n_i, T]`` scores per text, ``transitions`` ``[T + 1, T + 1]`` scores
    oriented as in ``schemes`` (zeros for none; illegal ones are masked here), ``matches`` the
    lexicon matches per text, in any order, which ``off`` ignores. Adjacent matches stay separate
    entities. Raises ``InputError`` for an unknown mode or a negative bonus.
    """
    space = search_space(emissions, transitions, scheme, matches, mode, bonus)
    return _Search(*space).entities(scheme) if emissions else []


def search_space(
    emissions: Sequence[np.ndarray],
    transitions: np.ndarray,
    scheme: TagScheme,
    matches: Sequence[Sequence[Match]] | None,
    mode: Mode,
    bonus: float,
) -> "tuple[Packed, Steps, Jumps]":
    """What a search walks through, from the arguments of ``viterbi``: the emissions on the grid.

    Raises as ``viterbi``.
    """
    if mode not in get_args(Mode):
        raise InputError(f"Unknown lexicon mode {mode!r}: use one of {', '.join(get_args(Mode))}.")
    if not bonus >= 0:
        raise InputError(f"The bonus of a lexicon match must be 0 or more, not {bonus}.")
    packed = pack(emissions)
    packed = packed.with_data(_on_grid(packed.data))
    transitions = np.where(scheme.legal, _on_grid(transitions), -np.inf)
    reward = _on_grid(bonus) if mode == "prefer" else 0.0
    usable = [] if mode == "off" or matches is None else matches
    jumps = Jumps.of(Matches.of(usable), packed, transitions, scheme, reward)
    return packed, Steps.of(transitions, scheme, mode), jumps


def _on_grid(scores: np.ndarray | float) -> np.ndarray:
    return (np.asarray(scores, dtype=np.float64) + _ROUND) - _ROUND


class Steps(NamedTuple):
    """Scores of going on from each of the ``S`` states, -inf where it may not be done.

    The states are the closed tags (none in mode ``off``), the free tags, the boundary: closed
    ones first, so that the first of equal maxima is the one to prefer.
    """

    free: np.ndarray  # [S, T] to a free tag
    jump: np.ndarray  # [S, T] to a tag that begins a match
    end: np.ndarray  # [S] to the end of the text

    @classmethod
    def of(cls, transitions: np.ndarray, scheme: TagScheme, mode: Mode) -> "Steps":
        """What a mode allows."""
        tags, end = transitions[:, :-1], transitions[:, -1]
        starts_entity = np.vstack([scheme.boundary, np.ones(len(scheme.tags), dtype=bool)])
        new = np.where(starts_entity, tags, -np.inf)
        if mode == "off":
            return cls(free=tags, jump=new, end=end)
        free = np.vstack([new[:-1], tags])
        if mode == "force":
            free[:, 1:] = -np.inf
        return cls(free=free, jump=np.vstack([tags[:-1], new]), end=np.append(end[:-1], end))


class Jumps(NamedTuple):
    """``M`` lexicon matches, with each of ``K`` labels."""

    text: np.ndarray  # [M] index of the text
    start: np.ndarray  # [M]
    end: np.ndarray  # [M]
    first: np.ndarray  # [M, K] tag of the first character
    last: np.ndarray  # [M, K] tag of the last character
    score: np.ndarray  # [M, K] of emissions and transitions inside, and the bonus

    @classmethod
    def of(
        cls,
        matches: Matches,
        emissions: Packed,
        transitions: np.ndarray,
        scheme: TagScheme,
        bonus: float,
    ) -> "Jumps":
        """The matches of each text, scored."""
        text, start, end = matches.text, matches.start, matches.end
        first, last = np.empty((2, len(text), len(scheme.labels)), dtype=np.int64)
        score = np.empty(first.shape)
        rank = emissions.ranks[text]
        for length in np.unique(end - start).tolist():
            these = np.flatnonzero(end - start == length)
            tags = scheme.tags_per_label(length)
            first[these], last[these] = tags[:, 0], tags[:, -1]
            rows = emissions.offsets[start[these, None] + np.arange(length)] + rank[these, None]
            # [M', 1, length] rows with [K, length] tags
            emitted = emissions.data[rows[:, None], tags].sum(axis=-1)
            score[these] = emitted + transitions[tags[:, :-1], tags[:, 1:]].sum(axis=-1) + bonus
        return cls(text, start, end, first, last, score)

    def take(self, order: np.ndarray) -> "Jumps":
        """Some of them, in an order."""
        return Jumps(*(field[order] for field in self))


class _Search:
    """The best score of each state after each character, and how the best paths came there.

    Column ``at[p] + r`` stands for position ``p`` (0 before the first character) in the text of
    rank ``r``. A cell, ``state * W + column``, is a place in a table ``[S, W]`` of all states and
    columns.
    """

    def __init__(self, packed: Packed, steps: Steps, jumps: Jumps) -> None:
        n_texts = len(packed.order)
        self.packed = packed
        self.steps = steps
        self.n_states, self.n_tags = steps.free.shape
        self.n_closed = self.n_states - self.n_tags - 1
        self.width = n_texts + len(packed.data)
        self.at = np.append(0, n_texts + packed.offsets)
        target = self.at[jumps.end] + packed.ranks[jumps.text]
        order = np.lexsort((jumps.start, target))  # by end, so by step; the longest first
        self.jumps = jumps.take(order)
        self.target = target[order]
        self.source = self.at[self.jumps.start] + packed.ranks[self.jumps.text]
        # Added to a score, these say which state it came from, below the grid; an equal score of
        # an earlier state is the higher one then.
        self.unit = 2.0 ** -np.ceil(np.log2(self.n_states + 1)) / _GRID
        self.marks = (self.n_states // 2 - np.arange(self.n_states)) * self.unit

    def entities(self, scheme: TagScheme) -> list[list[CharSpan]]:
        """The entities of the best paths, per text."""
        tags, jumps, labels = self._trace()
        lengths = self.packed.lengths[self.packed.ranks]
        # One O behind each text, so that all texts decode as one.
        row_of_tags = np.zeros(len(tags) + len(lengths), dtype=np.int64)
        text = np.repeat(np.arange(len(lengths)), lengths)
        row_of_tags[np.arange(len(tags)) + text] = tags[self.packed.rows]
        begins = np.cumsum(lengths + 1) - lengths - 1
        start, end, label = scheme.extents(row_of_tags)
        text = begins.searchsorted(start, side="right") - 1
        free = (text, start - begins[text], end - begins[text], label)
        taken = (self.jumps.text[jumps], self.jumps.start[jumps], self.jumps.end[jumps], labels)
        text, start, end, label = np.hstack([free, taken])
        order = np.lexsort((start, text))
        names = map(scheme.labels.__getitem__, label[order].tolist())
        places = zip(start[order].tolist(), end[order].tolist(), names, strict=True)
        spans = list(map(CharSpan._make, places))
        bounds = text[order].searchsorted(np.arange(len(lengths) + 1)).tolist()
        return [spans[low:high] for low, high in pairwise(bounds)]

    def _forward(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Best scores of the states, of paths that end with a jump; marks of where they came from.

        ``[S, W]``, ``[M, K]``; ``[T, N]`` for the free states, ``[M, K]``.
        """
        n_texts, batch_sizes = len(self.packed.order), self.packed.batch_sizes
        best = np.full((self.n_states, self.width), -np.inf)
        best[-1, :n_texts] = 0.0
        free = best[self.n_closed : -1]
        emitted = np.ascontiguousarray(self.packed.data.T)
        lowered = emitted - _ROUND
        marked = np.empty_like(emitted)
        steps = (self.steps.free + self.marks[:, None])[:, :, None]
        sums = np.empty((self.n_states, self.n_tags, batch_sizes[:1].sum()))
        reached, reached_marks = np.empty((2, *self.jumps.score.shape))
        starts = self.at.tolist()
        edge, tags = slice(-1, None), slice(-1)  # the first step comes from the boundary alone
        jumps = np.searchsorted(self.target, np.append(self.at, self.width)).tolist()
        for t, n in enumerate(batch_sizes.tolist()):
            here, there = starts[t], starts[t + 1]
            row = there - n_texts
            best_sums = marked[:, row : row + n]
            states = tags if t else edge
            onward = sums[states, :, :n]
            np.add(best[states, None, here : here + n], steps[states], out=onward)
            np.maximum.reduce(onward, axis=0, out=best_sums)
            after = free[:, there : there + n]
            np.add(best_sums, _ROUND, out=after)
            after += lowered[:, row : row + n]
            if jumps[t + 1] < jumps[t + 2]:
                these = slice(jumps[t + 1], jumps[t + 2])
                onto = self.steps.jump[:, self.jumps.first[these]] + self.marks[:, None, None]
                best_sums = (best[:, self.source[these], None] + onto).max(axis=0)
                rounded = (best_sums + _ROUND) - _ROUND
                reached[these] = rounded + self.jumps.score[these]
                np.subtract(best_sums, rounded, out=reached_marks[these])
                cells = self.jumps.last[these], self.target[these, None]
                np.maximum.at(best, cells, reached[these])
        marked -= free[:, n_texts:]
        marked += emitted
        return best, reached, marked, reached_marks

    def _trace(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The best paths: free tags (O inside matches) as packed; jumps taken and their labels."""
        with np.errstate(invalid="ignore"):  # from states that no path reaches
            best, reached, marked, reached_marks = self._forward()
            origin = self._origins(best, reached)
            before = self._before(marked, reached_marks, origin)
        n_texts, batch_sizes = len(self.packed.order), self.packed.batch_sizes
        # All texts go back together, a step or jump a turn; the first column points to itself.
        last = self.at[self.packed.lengths] + np.arange(n_texts)
        cell = (best[:, last] + self.steps.end[:, None]).argmax(axis=0) * self.width + last
        visited = np.empty(len(self.packed.data), dtype=np.int64)
        done = 0
        for n in batch_sizes.tolist():
            visited[done : done + n] = cell[:n]
            cell = before.take(cell[:n])
            done += n
        state, column = np.divmod(visited, self.width)
        tags = np.zeros(len(visited), dtype=np.int64)
        free = (state >= self.n_closed) & (column >= n_texts)
        tags[column[free] - n_texts] = state[free] - self.n_closed
        closed = state < self.n_closed
        jumps, labels = np.divmod(origin[state[closed], column[closed]], reached.shape[1] or 1)
        return tags, jumps, labels

    def _origins(self, best: np.ndarray, reached: np.ndarray) -> np.ndarray:
        """The longest jump that gave each closed state its score, times K + label: ``[C, W]``.

        Where no jump ends it is out of range.
        """
        target = np.broadcast_to(self.target[:, None], reached.shape)
        hits = reached == best[self.jumps.last, target]
        origin = np.full((self.n_closed, self.width), hits.size)
        np.minimum.at(origin, (self.jumps.last[hits], target[hits]), np.flatnonzero(hits))
        return origin

    def _before(
        self, marked: np.ndarray, reached_marks: np.ndarray, origin: np.ndarray
    ) -> np.ndarray:
        """The cell before each cell on the best path to it, ``[S * W]``."""
        sizes = self.packed.batch_sizes
        n_texts = len(self.packed.order)
        columns = np.arange(self.width)
        columns[n_texts:] -= np.repeat(np.append(n_texts, sizes)[:-1], sizes)
        before = np.empty((self.n_states, self.width), dtype=np.int64)
        jump_cells = self._states(reached_marks) * self.width + self.source[:, None]
        before[: self.n_closed] = np.append(jump_cells, 0)[origin]
        before[self.n_closed : -1, n_texts:] = self._states(marked) * self.width
        before[self.n_closed : -1, n_texts:] += columns[n_texts:]
        before[-1] = (self.n_states - 1) * self.width + columns
        return before.ravel()

    def _states(self, marks: np.ndarray) -> np.ndarray:
        return self.n_states // 2 - (marks / self.unit).astype(np.int64)
