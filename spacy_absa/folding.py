"""Folding of characters that readers take for the same: full- and half-width, upper and lower case.

One character always becomes one character, so that offsets into the text stay as they are.
"""

import unicodedata


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
