"""What flows between the layers of the models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from thinc.types import Floats2d, Floats3d, Ints1d, Ints2d


@dataclass
class SymbolBatch:
    """Texts as symbol numbers, padded, each between two boundary symbols.

    symbols: (n_steps, batch); lengths: (batch,), boundaries included.
    """

    symbols: Ints2d
    lengths: Ints1d


@dataclass
class CharBatch:
    """One vector per character, padded.

    data: (n_steps, batch, width); lengths: (batch,) in characters.
    """

    data: Floats3d
    lengths: Ints1d


@dataclass
class Emissions:
    """What the decoder needs.

    scores: one array (n_chars, n_tags) per text. transitions: (n_tags + 1, n_tags + 1), oriented
    as `spacy_absa.decoding.schemes` states, or None where each tag stands on its own. A gradient
    has the same shape.
    """

    scores: list[Floats2d]
    transitions: Floats2d | None


class Targets(NamedTuple):
    """A text and the entities in it that are to be judged: from a character up to another."""

    text: str
    places: list[tuple[int, int]]


class Hints(NamedTuple):
    """What a teacher knows of the characters of a text.

    vectors: (n_chars, width). known: (n_chars,) bool; the vectors of the others say nothing.
    """

    vectors: Floats2d
    known: numpy.ndarray


# From texts to the hints of each of them.
Teacher = Callable[[Sequence[str]], list[Hints]]

# Texts, and vectors for their characters from elsewhere.
TextsAndVectors = tuple[list[str], CharBatch]


def padded_index(lengths: Ints1d) -> tuple[Ints1d, Ints1d]:
    """The step and the column of each character in a padded batch, text after text."""
    columns = numpy.repeat(numpy.arange(len(lengths)), lengths)
    begins = numpy.cumsum(lengths) - lengths
    return numpy.arange(len(columns)) - begins[columns], columns
