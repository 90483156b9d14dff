"""Vectors of tokens as inputs of a model that reads characters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, Ints1d

from .types import CharBatch, TextsAndVectors


def spread(words: Model[list[Doc], list[Floats2d]]) -> Model[list[Doc], list[Floats2d]]:
    """Give each character the vector of its token: arrays (n_chars, width), one per Doc.

    Blanks between tokens get zeros.
    """
    return Model("spread", _forward_spread, init=_init_spread, layers=[words])


def beside_vectors(
    inputs: Model[list[str], CharBatch],
) -> Model[TextsAndVectors, CharBatch]:
    """The vectors that a layer gives to the characters of texts, and further ones, in one."""
    return Model("beside_vectors", _forward_beside, init=_init_beside, layers=[inputs])


@contextmanager
def listeners_at_rest(model: Model) -> Iterator[None]:
    """Hand no gradients to the `tok2vec` that a model listens to, for a while.

    It learns once from each batch: after its last listener has called, spaCy runs it backwards.
    """
    listeners = [node for node in model.walk() if isinstance(node, Tok2VecListener)]
    kept = [listener._backprop for listener in listeners]
    for listener in listeners:
        listener._backprop = _nothing
    try:
        yield
    finally:
        for listener, backprop in zip(listeners, kept, strict=True):
            listener._backprop = backprop


def _nothing(d_vectors: list[Floats2d]) -> list[Doc]:
    return []


def token_numbers(doc: Doc) -> Ints1d:
    """The number of the token that holds each character of the text, -1 for blanks between."""
    numbers = numpy.full(len(doc.text), -1, dtype="int64")
    for token in doc:
        numbers[token.idx : token.idx + len(token)] = token.i
    return numbers


def _init_spread(model: Model, X: list[Doc] | None = None, Y: object = None) -> None:
    model.layers[0].initialize(X=X)


def _forward_spread(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    vectors, backprop_words = model.layers[0](docs, is_train)
    numbers = [model.ops.asarray1i(token_numbers(doc)) for doc in docs]
    # The last row, which the number -1 points to, belongs to the blanks.
    padded = [model.ops.xp.pad(array, ((0, 1), (0, 0))) for array in vectors]

    def backprop(d_chars: list[Floats2d]) -> list[Doc]:
        d_padded = [model.ops.xp.zeros_like(array) for array in padded]
        for d_rows, index, d_doc in zip(d_padded, numbers, d_chars, strict=True):
            model.ops.scatter_add(d_rows, index, d_doc)
        return backprop_words([d_rows[:-1] for d_rows in d_padded])

    return [rows[index] for rows, index in zip(padded, numbers, strict=True)], backprop


def _init_beside(model: Model, X: TextsAndVectors | None = None, Y: object = None) -> None:
    model.layers[0].initialize(X=X and X[0])


def _forward_beside(
    model: Model, X: TextsAndVectors, is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], TextsAndVectors]]:
    texts, vectors = X
    chars, backprop_chars = model.layers[0](texts, is_train)
    width = chars.data.shape[2]

    def backprop(dY: CharBatch) -> TextsAndVectors:
        d_texts = backprop_chars(CharBatch(dY.data[..., :width], dY.lengths))
        return d_texts, CharBatch(dY.data[..., width:], dY.lengths)

    data = model.ops.xp.concatenate([chars.data, vectors.data], axis=2)
    return CharBatch(data, chars.lengths), backprop
