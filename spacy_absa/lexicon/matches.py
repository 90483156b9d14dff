"""Where the aliases of a lexicon stand in texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np


class Match(NamedTuple):
    """An alias found in a text: characters ``start`` to ``end`` (exclusive), and its id."""

    start: int
    end: int
    id: str


@dataclass(frozen=True, eq=False)
class Matches(Sequence[list[Match]]):
    """All matches in many texts: ``M`` in four arrays, or those of a text by its index."""

    n_texts: int
    text: np.ndarray  # [M] int, index of the text, ascending
    start: np.ndarray  # [M] int
    end: np.ndarray  # [M] int
    ids: np.ndarray  # [M] of str

    @classmethod
    def of(cls, by_text: Sequence[Sequence[Match]]) -> "Matches":
        """The matches of each text, in their order."""
        if isinstance(by_text, Matches):
            return by_text
        counts = np.fromiter(map(len, by_text), np.int64, len(by_text))
        text = np.repeat(np.arange(len(by_text)), counts)
        columns = np.array(list(chain(*by_text)), dtype=object).reshape(-1, 3).T
        return cls(len(by_text), text, *columns[:2].astype(np.int64), columns[2])

    def __len__(self) -> int:
        return self.n_texts

    def __getitem__(self, index: int) -> list[Match]:
        index = range(self.n_texts)[index]
        these = slice(self._bounds[index], self._bounds[index + 1])
        columns = (self.start[these], self.end[these], self.ids[these])
        return list(map(Match, *(column.tolist() for column in columns)))

    @cached_property
    def _bounds(self) -> list[int]:
        return self.text.searchsorted(np.arange(self.n_texts + 1)).tolist()

    def take(self, which: np.ndarray) -> "Matches":
        """Some of them, by index or as a mask, in ascending order of texts."""
        columns = (self.text, self.start, self.end, self.ids)
        return Matches(self.n_texts, *(column[which] for column in columns))

    def longest(self) -> "Matches":
        """Those that do not overlap: from left to right, the longest of those that start first.

        They have to be sorted by start, longest first.
        """
        kept, last, reach = [], -1, 0
        places = zip(self.text.tolist(), self.start.tolist(), self.end.tolist(), strict=True)
        for index, (text, start, end) in enumerate(places):
            if text != last or start >= reach:
                kept.append(index)
                last, reach = text, end
        return self.take(np.array(kept, dtype=np.int64))
