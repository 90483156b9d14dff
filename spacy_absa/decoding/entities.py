"""What it scores to read characters as one entity, per label."""

import numpy as np

from .packing import Packed
from .schemes import TagScheme


def score_entities(
    scores: Packed,
    transitions: np.ndarray,
    scheme: TagScheme,
    text: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first tags, the last tags and the scores inside ``M`` entities, each ``[M, K]``.

    ``scores`` are those of the tags at each character, ``[N, T]`` packed, ``transitions`` is
    oriented as in ``schemes``; ``text``, ``start`` and ``end``, ``[M]`` int, say where the entities
    are, none of them empty. The labels are in the order of ``scheme.labels``.
    """
    only, begin, middle, finish = scheme.parts
    length = end - start
    several = (length > 1)[:, None]
    first, last = np.where(several, begin, only), np.where(several, finish, only)
    # all characters of the entities in a row
    ends = length.cumsum()
    begins = ends - length
    step = np.arange(length.sum()) + (start - begins).repeat(length)
    row = scores.offsets[step] + scores.ranks[text].repeat(length)
    tags = middle[None].repeat(len(row), axis=0)
    tags[ends - 1], tags[begins] = last, first
    emitted = scores.data.reshape(-1, len(scheme.tags))[row[:, None], tags]
    n_inner = np.maximum(length - 3, 0)[:, None]
    onward = transitions[begin, middle] + transitions[middle, finish]
    moved = np.where(
        (length > 2)[:, None],
        onward + n_inner * transitions[middle, middle],
        np.where(several, transitions[begin, finish], 0.0),
    )
    return first, last, np.add.reduceat(emitted, begins) + moved
