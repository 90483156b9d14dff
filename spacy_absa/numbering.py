"""Texts as numbers: what a function says of each character, at the speed of an array."""

import sys
from collections.abc import Callable

import numpy as np


class CharNumbers:
    """A number for each character of a text, looked up in a table of all code points.

    ``number`` gives that of a character, 0 or more; it is asked once per code point, when the
    character first comes up.
    """

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number
        # One more than the number, 0 where it is not known yet: memory is only taken where a
        # script is in use.
        self._table = np.zeros(sys.maxunicode + 1, dtype=np.uint32)

    def __call__(self, text: str) -> np.ndarray:
        """The numbers of a text's characters, ``[len(text)]`` uint32."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        numbers = self._table.take(codes, mode="clip")  # all are in range: the fastest mode
        if not numbers.all():
            for code in np.unique(codes[numbers == 0]).tolist():
                self._table[code] = 1 + self._number(chr(code))
            numbers = self._table.take(codes, mode="clip")
        numbers -= np.uint32(1)
        return numbers
