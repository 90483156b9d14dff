"""A lexicon of entity names: aliases, their canonical ids, and where they stand in a text."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from ahocorasick_rs import BytesAhoCorasick, Implementation

from ..data.text import find_surrogate, open_text, read_lines
from ..errors import InputError
from ..folding import fold
from .formats import PARSERS, LexiconEntry, locate
from .matches import Match, Matches
from .spelling import (
    encipher,
    ignored_spaces,
    in_characters,
    is_inside_word,
    number_chars,
    patterns,
    restored,
)


class Lexicon:
    """A set of aliases, found in a text all at once (Aho & Corasick 1975), in linear time.

    Spellings that ``fold`` to the same are one alias, of which the first is kept. An alias is found
    with other spaces in it too: ``宝马X5`` in ``宝马 X5``, and the other way round. A space counts
    only beside another one, between Latin letters and between digits, where it keeps words and
    numbers apart. Raises ``InputError`` for an empty pattern, unpaired surrogates and two ids of
    one alias; ``places`` says for these errors where each entry stands.
    """

    def __init__(
        self, entries: Iterable[LexiconEntry], places: Sequence[str] | None = None
    ) -> None:
        by_alias: dict[str, LexiconEntry] = {}
        for index, entry in enumerate(entries):
            place = places[index] if places else f"lexicon entry {index + 1}"
            _add(by_alias, entry, place)
        aliases = sorted(by_alias)
        self.entries: tuple[LexiconEntry, ...] = tuple(by_alias[alias] for alias in aliases)
        self._ids = np.array([entry.id for entry in self.entries], dtype=object)
        self._lengths = np.fromiter(map(len, aliases), np.int64, len(aliases))
        self._numbers = number_chars(aliases)
        # Linear in memory, and above some 10,000 aliases faster to build and to run than the DFA.
        self._automaton = BytesAhoCorasick(
            patterns(self._numbers, [alias.strip() for alias in aliases]),
            implementation=Implementation.ContiguousNFA,
        )
        # A lexicon does not change. So what was found in the texts that it was last asked for
        # stays true: a prediction asks for its texts for the features, and to decode.
        self._last: tuple[tuple[str, ...], Matches] = (), self._search(())

    @classmethod
    def from_file(cls, path: str | Path) -> "Lexicon":
        """Read a lexicon in the format that the suffix names; each may be compressed (``.gz``).

        - ``.jsonl``: as spaCy's EntityRuler, ``{"label": …, "pattern": "Q7", "id": "audi-q7"}``,
          label and id optional, string patterns only;
        - ``.txt``: an alias per line, optionally a tab and its id; blank lines and lines that
          start with ``#`` are skipped;
        - ``.csv``: the contest's ``View.csv``, tab-separated, with the header ``ViedId  View``.

        Raises ``InputError``, naming file and line, for anything else in it, an empty pattern,
        two ids of one alias, and for a file without entries.
        """
        path = Path(path)
        suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
        if suffix not in PARSERS:
            raise InputError(
                f"{path}: cannot tell the lexicon's format: name it {', '.join(PARSERS)}."
            )
        with open_text(path) as file:
            lexicon = cls.parse(suffix, read_lines(file), str(path))
        if not lexicon:
            raise InputError(f"{path}: the lexicon has no entries: write one alias per line.")
        return lexicon

    @classmethod
    def from_bytes(cls, data: bytes) -> "Lexicon":
        """The lexicon that ``to_bytes`` wrote."""
        return cls.parse(".jsonl", data.decode("ascii").splitlines(), "saved lexicon")

    def to_bytes(self) -> bytes:
        """The entries as EntityRuler JSONL in ASCII; equal lexicons give equal bytes."""
        lines = (json.dumps(entry._asdict(), sort_keys=True) for entry in self.entries)
        return "".join(f"{line}\n" for line in lines).encode("ascii")

    @classmethod
    def parse(cls, suffix: str, lines: Iterable[str | None], source: str) -> "Lexicon":
        """The lexicon in these lines (None: one that is too long to read), by the file's suffix.

        Errors name the ``source``.
        """
        parsed = list(PARSERS[suffix](locate(lines, source)))
        return cls([entry for _, entry in parsed], [place for place, _ in parsed])

    def find(self, text: str) -> list[Match]:
        """All matches in ``text``, overlapping and nested ones too, by start, longest first.

        A match may not cut through a run of Latin letters (no ``mg`` in ``img``); digits and
        other characters protect nothing (宝骏560 is found in 宝骏5602016款).
        """
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> Matches:
        """`find` in each of many texts, far faster: they are searched as one."""
        asked = tuple(texts)
        last, found = self._last  # at once, as other threads may ask for other texts
        if asked != last:
            found = self._search(asked)
            self._last = asked, found
        return found

    def _search(self, texts: tuple[str, ...]) -> Matches:
        numbers = self._numbers("".join(texts))
        ignored = ignored_spaces(numbers)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        cipher = encipher(np.delete(numbers, ignored)).encode()
        found = self._automaton.find_matches_as_indexes(cipher, overlapping=True)
        columns = np.fromiter(chain.from_iterable(found), np.int64, 3 * len(found))
        entry, *places = columns.reshape(-1, 3).T
        start, end = in_characters(cipher, places)
        start, end = restored(start, ignored), restored(end - 1, ignored) + 1
        ends = lengths.cumsum()
        text = ends.searchsorted(start, side="right")
        low, high = (ends - lengths)[text], ends[text]
        whole = (end <= high) & ~(
            (start > low) & is_inside_word(numbers, start)
            | (end < high) & is_inside_word(numbers, end)
        )
        order = np.flatnonzero(whole)
        # Of aliases that differ in spaces alone, the one that has as many as the text goes first.
        respelled = self._lengths[entry] != end - start
        order = order[np.lexsort((respelled[order], -end[order], start[order]))]
        order = order[_changes(start[order]) | _changes(end[order])]
        start, end = start - low, end - low
        return Matches(len(texts), text[order], start[order], end[order], self._ids[entry[order]])

    def __len__(self) -> int:
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lexicon) and self.entries == other.entries

    def __hash__(self) -> int:
        return hash(self.entries)

    def __reduce__(self) -> tuple[type["Lexicon"], tuple[tuple[LexiconEntry, ...]]]:
        return Lexicon, (self.entries,)


def _add(by_alias: dict[str, LexiconEntry], entry: LexiconEntry, place: str) -> None:
    if not entry.pattern.strip():
        raise InputError(f"{place}: the pattern is empty: write an alias or remove the entry.")
    if find_surrogate("".join(entry)) is not None:
        raise InputError(f"{place}: an unpaired surrogate, which no text can hold: mend the entry.")
    alias = fold(entry.pattern)
    known = by_alias.setdefault(alias, entry if entry.id else entry._replace(id=entry.pattern))
    if entry.id not in ("", known.id):
        raise InputError(
            f"{place}: {entry.pattern!r} has the id {entry.id!r}, but {known.pattern!r}, which is "
            f"the same but for case and width, has {known.id!r}: give both the same id."
        )


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each value is another than the one before it; the first one is."""
    return np.diff(values, prepend=-1) != 0
