"""Folding of characters that readers take for the same: full- and half-width, upper and lower case.

One character always becomes one character, so that offsets into the text stay as they are.
"""

import sys
import unicodedata
from collections.abc import Callable

import numpy as np


class _Table(dict[int, int]):
    """Code point → folded code point, filled as characters come up."""

    def __missing__(self, code: int) -> int:
        self[code] = folded = _fold_code(code)
        return folded


def _fold_code(code: int) -> int:
    if 0xD800 <= code <= 0xDFFF:  # an unpaired surrogate: no UTF-8, so nothing downstream takes it
        return 0xFFFD
    folded = unicodedata.normalize("NFKC", chr(code)).lower()
    return ord(folded) if len(folded) == 1 else code


_TABLE = _Table()


def fold(text: str) -> str:
    """``text`` in half-width and lower case: ``Ｑ７``, ``q7`` and ``Q7`` meet as ``q7``.

    Per character NFKC, then lower case, where that is one character. The length never changes.
    Unpaired surrogates become U+FFFD, so that the result can always be encoded.
    """
    return text.translate(_TABLE)


class CharNumbers:
    """A number for each character of a text, looked up in a table of all code points.

    ``number`` gives that of a *folded* character, 0 or more; it is asked once per code point, when
    the character first comes up.
    """

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number
        # One more than the number, 0 where it is not known yet: memory is only taken where a
        # script is in use.
        self._table = np.zeros(sys.maxunicode + 1, dtype=np.uint32)

    def __call__(self, text: str) -> np.ndarray:
        """The numbers of a text's characters, ``[len(text)]`` uint32."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        numbers = self._table.take(codes)
        if not numbers.all():
            for code in np.unique(codes[numbers == 0]).tolist():
                self._table[code] = 1 + self._number(chr(_TABLE[code]))
            numbers = self._table.take(codes)
        return numbers - np.uint32(1)
