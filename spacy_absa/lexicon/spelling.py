"""How names are spelled in a text: characters as numbers, and the spaces that do not count."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, chain, pairwise

import numpy as np

from ..folding import fold
from ..numbering import CharNumbers


def number_chars(aliases: Sequence[str]) -> CharNumbers:
    """Four times a character's cipher, plus its kind.

    Ciphers fit an automaton's few bytes: 0 for characters in no alias, then by frequency. They are
    code points of other characters, so they leave out the surrogates.
    """
    ciphers = chain(range(1, 0xD800), range(0xE000, 0x110000))
    by_char = {char: next(ciphers) for char, _ in Counter(chain(*aliases)).most_common()}
    return CharNumbers(lambda char: 4 * by_char.get(fold(char), 0) + _kind(char))


# Kinds of characters, the last two bits of their numbers.
_OTHER, _LATIN, _DIGIT, _SPACE = range(4)


def _kind(char: str) -> int:
    char = fold(char)
    if char == " ":
        return _SPACE
    if char.isdecimal():
        return _DIGIT
    return _LATIN if char < "\u0250" and char.isalpha() else _OTHER  # the Latin blocks end there


def encipher(numbers: np.ndarray) -> str:
    """A text in ciphers, of the numbers of its characters."""
    return (numbers >> 2).tobytes().decode("utf-32-le")


def ignored_spaces(numbers: np.ndarray) -> np.ndarray:
    """The places of spaces that do not count, ascending; at the text's ends they may or may not."""
    spaces = np.flatnonzero(numbers & 3 == _SPACE)
    before, after = (numbers.take(spaces + step, mode="wrap") & 3 for step in (-1, 1))
    apart = (before == after) & (before != _OTHER) | (before == _SPACE) | (after == _SPACE)
    return spaces[~apart]


def restored(places: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Where characters were before those at the ``removed`` places (ascending) were taken out."""
    return places + (removed - np.arange(len(removed))).searchsorted(places, side="right")


def is_inside_word(numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether there are Latin letters on both sides of each place, not counting the text's ends."""
    before, after = (numbers.take(place, mode="wrap") & 3 for place in (places - 1, places))
    return (before == _LATIN) & (after == _LATIN)


def patterns(numbers: CharNumbers, aliases: Sequence[str]) -> list[bytes]:
    """What the automaton looks for: aliases without the spaces that do not count, in UTF-8."""
    joined = numbers("".join(aliases))
    ignored = ignored_spaces(joined)
    cipher = encipher(np.delete(joined, ignored))
    ends = np.fromiter(accumulate(map(len, aliases)), np.int64, len(aliases))
    ends -= ignored.searchsorted(ends)
    return [cipher[start:end].encode() for start, end in pairwise([0, *ends.tolist()])]


def in_characters(utf8: bytes, offsets: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Offsets of bytes, each where a character begins or the text ends, as those of characters."""
    # All bytes of a character but its first are 0b10xxxxxx, the least as signed numbers.
    begins = np.flatnonzero(np.frombuffer(utf8, np.int8) >= -64)
    return [begins.searchsorted(places) for places in offsets]
