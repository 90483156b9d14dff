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
from ..lexicon import Match, Matches
from ..types import CharSpan
from .entities import score_entities
from .loops import compiled_loops
from .packing import Packed, pack
from .schemes import TagScheme

Mode = Literal["off", "prefer", "force"]

# Finer than float32 resolves a score of 1; sums stay exact up to 2^29, 200,000 characters of 2,500.
_GRID = 2.0**24


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
    steps = np.asarray(np.multiply(scores, _GRID, dtype=np.float64))
    return np.multiply(np.rint(steps, out=steps), 1 / _GRID, out=steps)


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
        where = matches.text, matches.start, matches.end
        first, last, score = score_entities(emissions, transitions, scheme, *where)
        return cls(*where, first, last, score + bonus)

    def take(self, order: np.ndarray) -> "Jumps":
        """Some of them, in an order."""
        return Jumps(*(field[order] for field in self))


class _Search:
    """The best score of each state after each character, and the best path.

    Column ``at[p] + r`` of ``best`` stands for position ``p`` (0 before the first character) in the
    text of rank ``r``.
    """

    def __init__(self, packed: Packed, steps: Steps, jumps: Jumps) -> None:
        n_texts = len(packed.order)
        self.packed = packed
        self.steps = steps
        self.n_tags = steps.free.shape[1]
        self.n_closed = len(steps.free) - self.n_tags - 1
        self.at = np.append(0, n_texts + packed.offsets)
        target = self.at[jumps.end] + packed.ranks[jumps.text]
        order = np.lexsort((jumps.start, target))  # by end, so by step; the longest first
        self.jumps = jumps.take(order)
        self.target = target[order]
        self.source = self.at[self.jumps.start] + packed.ranks[self.jumps.text]
        self.best, self.reached = self._forward()

    def entities(self, scheme: TagScheme) -> list[list[CharSpan]]:
        """The entities of the best paths, per text."""
        tags, taken = self._trace()
        jumps, labels = np.divmod(taken, len(scheme.labels) or 1)
        lengths = self.packed.lengths[self.packed.ranks]
        # One O behind each text, so that all texts decode as one.
        text = np.repeat(np.arange(len(lengths)), lengths)
        row_of_tags = np.zeros(len(tags) + len(lengths), dtype=np.int64)
        row_of_tags[np.arange(len(tags)) + text] = tags[self.packed.rows]
        begins = np.cumsum(lengths + 1) - lengths - 1
        start, end, label = scheme.extents(row_of_tags)
        text = begins.searchsorted(start, side="right") - 1
        free = (text, start - begins[text], end - begins[text], label)
        matched = (self.jumps.text[jumps], self.jumps.start[jumps], self.jumps.end[jumps], labels)
        text, start, end, label = np.hstack([free, matched])
        order = np.lexsort((start, text))
        names = map(scheme.labels.__getitem__, label[order].tolist())
        spans = list(map(CharSpan, start[order].tolist(), end[order].tolist(), names))
        bounds = text[order].searchsorted(np.arange(len(lengths) + 1)).tolist()
        return [spans[low:high] for low, high in pairwise(bounds)]

    def _forward(self) -> tuple[np.ndarray, np.ndarray]:
        """Best scores ``[S, B + N]``, and those of the paths that end with each jump ``[M, K]``."""
        batch_sizes, n_texts = self.packed.batch_sizes, len(self.packed.order)
        best = np.full((len(self.steps.free), n_texts + len(self.packed.data)), -np.inf)
        best[-1, :n_texts] = 0.0
        free = best[self.n_closed : -1]
        free[:, n_texts:] = self.packed.data.T
        reached = np.empty(self.jumps.score.shape)
        bounds = np.searchsorted(self.target, np.append(self.at, best.shape[1]))
        if loops := compiled_loops():
            free_steps = np.ascontiguousarray(self.steps.free)
            where = self.at, batch_sizes, free_steps, self.steps.jump, bounds
            loops.forward(best, reached, *where, self.source, self.target, *self.jumps[3:])
            return best, reached
        steps = self.steps.free[:, :, None]
        starts, jumps = self.at.tolist(), bounds.tolist()
        for t, n in enumerate(batch_sizes.tolist()):
            here, there = starts[t], starts[t + 1]
            free[:, there : there + n] += (best[:, None, here : here + n] + steps).max(axis=0)
            if jumps[t + 1] < jumps[t + 2]:
                these = slice(jumps[t + 1], jumps[t + 2])
                before = best[:, self.source[these], None]
                onto = self.steps.jump[:, self.jumps.first[these]]
                reached[these] = (before + onto).max(axis=0) + self.jumps.score[these]
                cells = self.jumps.last[these], self.target[these, None]
                np.maximum.at(best, cells, reached[these])
        return best, reached

    def _trace(self) -> tuple[np.ndarray, np.ndarray]:
        """The best paths: free tags (O inside matches) as packed; jumps taken, times K + label."""
        end = 2 * self.n_tags
        into = np.hstack([self.steps.free, self.steps.jump, self.steps.end[:, None]])
        origin = self._origins()
        first = self.n_tags + self.jumps.first.ravel()
        tags = np.zeros(len(self.packed.data), dtype=np.int64)
        if loops := compiled_loops():
            where = into, self.at, self.packed.lengths, origin
            start = self.jumps.start.repeat(self.reached.shape[1])
            return tags, loops.trace(self.best, *where, first, start, tags)
        taken: list[np.ndarray] = []
        # All texts go back together, a character a turn, and wait where a jump has passed it. By
        # rank: what follows, as a column of `into`; the position from which a text goes on.
        follows = np.full(len(self.packed.order), end)
        resume = np.full(len(follows), len(self.packed.batch_sizes))
        columns = self.at.tolist()
        for t, n in reversed(list(enumerate(self.packed.batch_sizes.tolist()))):
            column = columns[t + 1]
            scores = self.best[:, column : column + n] + into.take(follows[:n], axis=1)
            tag = scores.argmax(axis=0) - self.n_closed
            row = slice(column - len(follows), column - len(follows) + n)
            if not self.n_closed:
                tags[row] = follows[:n] = tag
                continue
            awake = resume[:n] > t
            free = awake & (tag >= 0)
            np.copyto(tags[row], tag, where=free)
            np.copyto(follows[:n], tag, where=free)
            closed = np.flatnonzero(awake ^ free)
            if len(closed):
                jumps = origin[tag[closed], column + closed]
                follows[closed] = first[jumps]
                resume[closed] = self.jumps.start[jumps // self.reached.shape[1]]
                taken.append(jumps)
        return tags, np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)

    def _origins(self) -> np.ndarray:
        """The longest jump that gave each closed state its score, times K + label: ``[C, B + N]``.

        Where no jump ends it is out of range.
        """
        target = np.broadcast_to(self.target[:, None], self.reached.shape)
        hits = self.reached == self.best[self.jumps.last, target]
        origin = np.full((self.n_closed, self.best.shape[1]), hits.size)
        np.minimum.at(origin, (self.jumps.last[hits], target[hits]), np.flatnonzero(hits))
        return origin
