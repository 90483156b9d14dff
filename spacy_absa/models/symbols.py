"""Texts as numbers: the alphabet, and the layer that looks characters up in it."""

from collections.abc import Callable
from functools import lru_cache

import numpy
from thinc.api import Model
from thinc.types import Ints1d

from ..folding import fold
from .types import SymbolBatch

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
    table = _lookup_table(model.attrs["alphabet"])
    lengths = numpy.array([len(text) + 2 for text in texts], dtype="int64")
    batch = numpy.full((lengths.max(initial=2), len(texts)), BOUNDARY, dtype="int64")
    for i, text in enumerate(texts):
        batch[1 : len(text) + 1, i] = _lookup(text, table)
    return SymbolBatch(batch, lengths), lambda d_symbols: []


def _lookup(text: str, table: Ints1d) -> Ints1d:
    code_points = numpy.frombuffer(fold(text).encode("utf-32-le", "surrogatepass"), dtype="uint32")
    return table[numpy.minimum(code_points, len(table) - 1)]


@lru_cache(maxsize=8)
def _lookup_table(alphabet: str) -> Ints1d:
    """Symbol number by code point; the last row stands for every code point beyond."""
    table = numpy.full(max(map(ord, alphabet), default=0) + 2, UNKNOWN, dtype="int64")
    for number, char in enumerate(alphabet, start=N_SPECIAL):
        table[ord(char)] = number
    return table
