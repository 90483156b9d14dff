"""Tag schemes: how labelled character spans become one tag per character, and back.

Orientation of every matrix over tags in this package, stated here and nowhere else: **the row is
the previous tag, the column is the next tag**. Where a matrix has ``T + 1`` rows and columns,
index ``T`` is the boundary of the text: row ``T`` starts it, column ``T`` ends it.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..types import CharSpan


class _Role(NamedTuple):
    """What a tag may do in an entity."""

    begins: bool  # be its first character
    continues: bool  # follow another character of it
    continued: bool  # be followed by another character of it
    ends: bool  # be its last character


_OUTSIDE = _Role(begins=True, continues=False, continued=False, ends=True)
_ROLES = {
    "io": {"I": _Role(True, True, True, True)},
    "bio": {"B": _Role(True, False, True, True), "I": _Role(False, True, True, True)},
    "biluo": {
        "B": _Role(True, False, True, False),
        "I": _Role(False, True, True, False),
        "L": _Role(False, True, False, True),
        "U": _Role(True, False, False, True),
    },
}


class TagScheme:
    """The ``T`` tags of one scheme (``io``, ``bio`` or ``biluo``) for the given labels.

    ``tags`` holds ``"O"`` first, then label by label, so that a new label only appends tags.
    Raises ``InputError`` for an unknown scheme or a repeated label.
    """

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        if name not in _ROLES:
            raise InputError(f"Unknown tag scheme {name!r}: choose one of {', '.join(_ROLES)}.")
        if len(set(labels)) != len(labels):
            raise InputError(f"Labels must differ from each other, but are {', '.join(labels)}.")
        prefixes = list(_ROLES[name])
        self.name = name
        self.labels: tuple[str, ...] = tuple(labels)
        self.tags: tuple[str, ...] = ("O", *(f"{p}-{y}" for y in labels for p in prefixes))
        # Per tag: the index of its label, -1 for O; and its role, one array per flag.
        self._label_of = np.append(-1, np.repeat(np.arange(len(labels)), len(prefixes)))
        roles = np.array([_OUTSIDE, *list(_ROLES[name].values()) * len(labels)])
        self._role = _Role(*roles.T)

    def __repr__(self) -> str:
        return f"TagScheme({self.name!r}, {list(self.labels)!r})"

    def span_tags(self, label: str, length: int) -> np.ndarray:
        """The tags of an entity of ``length`` ≥ 1 characters, ``[length]`` int.

        Raises ``InputError`` for an unknown label.
        """
        if label not in self.labels:
            raise InputError(
                f"There is an entity of the label {label}, but the labels are "
                f"{', '.join(self.labels)}: correct the data, or add the label before training."
            )
        return self.tags_per_label(length)[self.labels.index(label)]

    def tags_per_label(self, length: int) -> np.ndarray:
        """``span_tags`` of each of the ``K`` labels: ``[K, length]`` int."""
        prefixes = list(_ROLES[self.name])
        if self.name == "io":
            spelt = "I" * length
        elif self.name == "bio":
            spelt = "B" + "I" * (length - 1)
        else:
            spelt = "U" if length == 1 else "B" + "I" * (length - 2) + "L"
        first = 1 + len(prefixes) * np.arange(len(self.labels))
        return first[:, None] + [prefixes.index(prefix) for prefix in spelt]

    @cached_property
    def parts(self) -> tuple[np.ndarray, ...]:
        """The tags of the ``K`` labels, ``[K]`` int each: the tag of an entity of one character,
        and the first, the inner ones and the last of longer entities.
        """
        (only,), (first, inner, last) = self.tags_per_label(1).T, self.tags_per_label(3).T
        return only, first, inner, last

    def encode(self, n_chars: int, spans: Iterable[CharSpan]) -> np.ndarray:
        """The tags of a text with these entities (within it, not overlapping), ``[n_chars]`` int.

        Under ``io`` neighbours of one label merge: the scheme has no border between them.
        """
        tags = np.zeros(n_chars, dtype=np.int64)
        for start, end, label in spans:
            tags[start:end] = self.span_tags(label, end - start)
        return tags

    def with_any_label(self, allowed: np.ndarray) -> np.ndarray:
        """The tags that are left when, of ``allowed`` ones, all but the label is known.

        Both are ``[n_chars, T]`` bool.
        """
        by_label = allowed[:, 1:].reshape(len(allowed), len(self.labels), len(_ROLES[self.name]))
        roles = by_label.any(axis=1)
        return np.hstack([allowed[:, :1], *[roles] * len(self.labels)])

    def decode(self, tags: Sequence[int] | np.ndarray) -> list[CharSpan]:
        """The entities that ``tags`` spell, in text order; ``ValueError`` if they are not legal."""
        return [
            CharSpan(start, end, self.labels[label])
            for start, end, label in zip(*(a.tolist() for a in self.extents(tags)), strict=True)
        ]

    def extents(self, tags: Sequence[int] | np.ndarray) -> tuple[np.ndarray, ...]:
        """`decode` in columns: starts, ends and the indices of the labels, ``[M]`` int each."""
        tags = np.asarray(tags, dtype=np.int64)
        edge = len(self.tags)
        steps = np.append(edge, tags) * (edge + 1) + np.append(tags, edge)
        legal = self.legal.take(steps)
        if not legal.all():
            raise ValueError(f"Tag {np.argmin(legal)} breaks the scheme {self.name!r}.")
        closed = self._closes.take(steps)
        entity = tags > 0
        starts = np.flatnonzero(closed[:-1] & entity)
        ends = np.flatnonzero(closed[1:] & entity) + 1
        return starts, ends, self._label_of[tags[starts]]

    def begin_scores(self, bonus: Mapping[str, float]) -> np.ndarray:
        """``[T + 1, T + 1]``: a label's bonus where an entity of it begins, 0 elsewhere.

        Raises InputError for a bonus of an unknown label.
        """
        unknown = bonus.keys() - set(self.labels)
        if unknown:
            raise InputError(
                f"There is a bonus for {', '.join(sorted(unknown))}, but the labels are "
                f"{', '.join(self.labels)}: correct label_bonus."
            )
        per_label = np.array([0.0, *(bonus.get(label, 0.0) for label in self.labels)])
        scores = np.zeros(self.legal.shape)
        scores[:-1, :-1] = self.boundary * per_label[self._label_of + 1]
        scores[-1, :-1] = per_label[self._label_of + 1]
        return scores

    @cached_property
    def legal(self) -> np.ndarray:
        """``[T + 1, T + 1]`` bool: ``legal[i, j]`` = tag ``j`` may follow tag ``i``.

        Row ``T`` says which tags may start a text, column ``T`` which may end one; ``[T, T]``,
        the empty text, is legal.
        """
        legal = np.outer(np.append(self._role.ends, True), np.append(self._role.begins, True))
        legal[:-1, :-1] |= self._joins
        return legal

    @cached_property
    def boundary(self) -> np.ndarray:
        """``[T, T]`` bool: a tag ``j`` after tag ``i`` closes any entity before it.

        Whether ``j`` may follow ``i`` at all is for ``legal`` to say.
        """
        return self._role.begins & ~self._joins

    @cached_property
    def _closes(self) -> np.ndarray:
        """``boundary`` with the boundary of the text, which is as O: ``[T + 1, T + 1]`` bool."""
        tags = np.append(np.arange(len(self.tags)), 0)
        return self.boundary[np.ix_(tags, tags)]

    @cached_property
    def _joins(self) -> np.ndarray:
        """``[T, T]`` bool: tags ``i``, ``j`` are neighbours inside one entity."""
        same = self._label_of[:, None] == self._label_of
        return same & np.outer(self._role.continued, self._role.continues)
