"""Time-major packing of sequences of different lengths, so that nothing is ever padded.

The layout is that of torch's ``PackedSequence``: sequences sorted by length, longest first, and
row block ``t`` holds step ``t`` of the first ``batch_sizes[t]`` sequences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Packed:
    """``B`` sequences of ``N`` items in all, packed; a sequence's rank is its place in ``order``.

    Step ``t`` of the sequence of rank ``r`` is row ``offsets[t] + r``.
    """

    data: np.ndarray  # [N, ...], time-major
    batch_sizes: np.ndarray  # [longest length] int: sequences that reach step t
    order: np.ndarray  # [B] int: the sequence of each rank
    lengths: np.ndarray  # [B] int: the length of the sequence of each rank, descending

    @cached_property
    def offsets(self) -> np.ndarray:
        """Where the block of each step begins, ``[longest length]`` int."""
        return self.batch_sizes.cumsum() - self.batch_sizes

    @cached_property
    def ranks(self) -> np.ndarray:
        """The rank of each sequence, ``[B]`` int."""
        return self.order.argsort()

    @cached_property
    def last_rows(self) -> np.ndarray:
        """The row of the last item of each sequence that has any, by rank: ``[≤ B]`` int."""
        lengths = self.lengths[: self.batch_sizes[:1].sum()]
        return self.offsets[lengths - 1] + np.arange(len(lengths))

    @cached_property
    def rows(self) -> np.ndarray:
        """The row of each item of each sequence, in their first order: ``[N]`` int."""
        lengths = self.lengths[self.ranks]
        begins = lengths.cumsum() - lengths
        steps = np.arange(lengths.sum()) - begins.repeat(lengths)
        return self.offsets[steps] + self.ranks.repeat(lengths)

    def with_data(self, data: np.ndarray) -> "Packed":
        """Other ``data``, ``[N, ...]``, in the same layout."""
        other = object.__new__(Packed)
        vars(other).update(vars(self), data=data)  # with all that is known of the layout
        return other


def pack(sequences: Sequence[np.ndarray]) -> Packed:
    """Pack arrays ``[n_i, ...]`` that agree in all but their first dimension, which may be 0."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    order = (-lengths).argsort(kind="stable")
    # Sequences longer than t = all but those of length ≤ t.
    batch_sizes = len(lengths) - np.bincount(lengths).cumsum()[:-1]
    layout = Packed(np.empty(0), batch_sizes, order, lengths[order])
    if not len(lengths):
        return layout
    flat = np.concatenate(sequences)
    data = np.empty_like(flat)
    data[layout.rows] = flat
    return layout.with_data(data)


def unpack(packed: Packed) -> list[np.ndarray]:
    """The sequences as they were given to ``pack``."""
    if not len(packed.order):
        return []
    lengths = packed.lengths[packed.ranks]
    return np.split(packed.data[packed.rows], np.cumsum(lengths)[:-1])
