"""Texts as numbers: the alphabet, and the layer that looks characters up in it."""

from collections.abc import Callable
from functools import lru_cache

import numpy
from thinc.api import Model

from ..folding import fold
from ..numbering import CharNumbers
from .types import SymbolBatch, padded_index

BOUNDARY = 0
UNKNOWN = 1
N_SPECIAL = 2


def symbols() -> Model[list[str], SymbolBatch]:
    """Look up the characters of each text: case and width folded, a boundary on either side.

    The alphabet, one string of distinct folded characters by falling frequency, is the attribute
    `alphabet`, so that it travels with the weights.
    """
    return Model("symbols", forward, attrs={"alphabet": ""})


def n_symbols(layer: Model[list[str], SymbolBatch]) -> int:
    """The number of different symbols, boundary and unknown included."""
    return N_SPECIAL + len(layer.attrs["alphabet"])


def forward(
    model: Model, texts: list[str], is_train: bool
) -> tuple[SymbolBatch, Callable[[object], list]]:
    """Number the characters; a text of n characters takes n + 2 steps."""
    lengths = numpy.array([len(text) + 2 for text in texts], dtype="int64")
    batch = numpy.full((lengths.max(initial=2), len(texts)), BOUNDARY, dtype="int64")
    steps, columns = padded_index(lengths - 2)
    batch[steps + 1, columns] = _numbering(model.attrs["alphabet"])("".join(texts))
    return SymbolBatch(batch, lengths), lambda d_symbols: []


@lru_cache(maxsize=8)
def _numbering(alphabet: str) -> CharNumbers:
    numbers = {char: number for number, char in enumerate(alphabet, start=N_SPECIAL)}
    return CharNumbers(lambda char: numbers.get(fold(char), UNKNOWN))
