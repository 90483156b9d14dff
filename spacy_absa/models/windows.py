"""Docs as windows of text: long texts are cut, batches are even, results are joined again."""

from collections.abc import Callable, Iterator, Sequence, Sized
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..data.texts import windows
from .types import CharBatch, TextsAndVectors

# Characters, padding included, that one forward pass reads at most: enough to keep the matrix
# products busy, and little enough for the states to stay in a CPU's cache.
BATCH_CHARS = 8192


def with_windows(
    layer: Model[list[str] | TextsAndVectors, CharBatch],
    max_length: int,
    vectors: Model[list[Doc], list[Floats2d]] | None = None,
) -> Model[list[Doc], list[Floats2d]]:
    """Apply a layer for texts to Docs, one output array (n_rows, width) per Doc.

    A text longer than `max_length` characters is cut, after a sentence end where it has one. For
    inference windows of similar length are batched together, in training one batch stays one.
    `vectors` reads whole Docs; what it says of each character is cut as the texts are, and handed
    to the layer beside them.
    """
    layers = [layer] if vectors is None else [layer, vectors]
    return Model(
        "with_windows", forward, init=init, layers=layers, attrs={"max_length": max_length}
    )


def init(model: Model, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Initialise the layers with the sample and its windows."""
    layer, *readers = model.layers
    texts, bounds = _cut(X or [], model.attrs["max_length"])
    for reader in readers:
        reader.initialize(X=X)
    vectors = [_split(reader.predict(X), texts, bounds) for reader in readers if texts]
    layer.initialize(X=_inputs(texts, vectors, list(range(len(texts))), model) or None)


def forward(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    """Cut, run the layer, join."""
    layer, *readers = model.layers
    texts, bounds = _cut(docs, model.attrs["max_length"])
    read = [reader(docs, is_train) for reader in readers]
    vectors = [_split(by_doc, texts, bounds) for by_doc, _ in read]
    outputs = model.ops.alloc2f(0, 0)
    ends = [0] * (len(texts) + 1)
    callbacks = []
    for group in groups(texts, BATCH_CHARS, is_train):
        batch, backprop_batch = layer(_inputs(texts, vectors, group, model), is_train)
        if not len(outputs):
            # At once: rows kept from each group would split the memory that the next one reuses.
            more = int(batch.lengths[0]) - len(texts[group[0]])  # the language model has one more
            ends = [0, *accumulate(len(text) + more for text in texts)]
            outputs = model.ops.alloc2f(ends[-1], batch.data.shape[2])
        for i, rows in zip(group, _unpad(batch), strict=True):
            outputs[ends[i] : ends[i + 1]] = rows
        if is_train:  # or all that the layers keep for it would stay in memory to the end
            callbacks.append((group, backprop_batch))

    def backprop(d_joined: list[Floats2d]) -> list[Doc]:
        d_outputs = _split(d_joined, [range(a, b) for a, b in pairwise(ends)], bounds)
        d_vectors: list[Floats2d] = [model.ops.alloc2f(0, 0)] * len(texts)
        for group, backprop_batch in callbacks:
            d_inputs = backprop_batch(_pad([d_outputs[i] for i in group], model))
            if read:
                for i, rows in zip(group, _unpad(d_inputs[1]), strict=True):
                    d_vectors[i] = rows
        for _, backprop_reader in read:
            backprop_reader(_join(d_vectors, bounds, model))
        return []

    return [outputs[ends[start] : ends[end]] for start, end in pairwise(bounds)], backprop


def groups(texts: Sequence[Sized], limit: int, is_train: bool) -> Iterator[list[int]]:
    """Batches of text numbers: one in training, else by length, of a padded size up to `limit`."""
    if is_train:
        yield list(range(len(texts)))
        return
    group: list[int] = []
    for i in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        if group and len(texts[group[0]]) * (len(group) + 1) > limit:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def _cut(docs: list[Doc], max_length: int) -> tuple[list[str], list[int]]:
    """All windows in a row, and the bounds of each Doc's in it."""
    by_doc = [list(windows(doc.text, max_length)) for doc in docs]
    return list(chain(*by_doc)), [0, *accumulate(map(len, by_doc))]


def _inputs(
    texts: list[str], vectors: list[list[Floats2d]], group: list[int], model: Model
) -> list[str] | TextsAndVectors:
    """What the layer reads of the windows of a group."""
    chosen = [texts[i] for i in group]
    if not vectors:
        return chosen
    return chosen, _pad([vectors[0][i] for i in group], model)


def _pad(arrays: list[Floats2d], model: Model) -> CharBatch:
    lengths = numpy.array([len(array) for array in arrays], dtype="int64")
    data = model.ops.alloc3f(max(lengths), len(arrays), arrays[0].shape[1])
    for column, array in enumerate(arrays):
        data[: len(array), column] = array
    return CharBatch(data, lengths)


def _unpad(batch: CharBatch) -> list[Floats2d]:
    return [batch.data[:length, column] for column, length in enumerate(batch.lengths)]


def _split(by_doc: list[Floats2d], like: Sequence[Sized], bounds: list[int]) -> list[Floats2d]:
    """The rows of each window, which are as many as its counterpart in `like` has."""
    pieces: list[Floats2d] = []
    for array, (start, end) in zip(by_doc, pairwise(bounds), strict=True):
        cuts = [0, *accumulate(len(window) for window in like[start:end])]
        pieces.extend(array[a:b] for a, b in pairwise(cuts))
    return pieces


def _join(pieces: list[Floats2d], bounds: list[int], model: Model) -> list[Floats2d]:
    """The rows of the windows of each Doc."""
    none = model.ops.alloc2f(0, pieces[0].shape[1] if pieces else 0)
    return [
        pieces[start] if end - start == 1 else model.ops.xp.concatenate([none, *pieces[start:end]])
        for start, end in pairwise(bounds)
    ]
