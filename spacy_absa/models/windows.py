"""Docs as windows of text: long texts are cut, batches are even, results are joined again."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..data.texts import windows
from .types import CharBatch

# Characters, padding included, that one forward pass reads at most: enough to keep the matrix
# products busy, and little enough for the states to stay in a CPU's cache.
BATCH_CHARS = 8192


def with_windows(
    layer: Model[list[str], CharBatch], max_length: int
) -> Model[list[Doc], list[Floats2d]]:
    """Apply a layer for texts to Docs, one output array (n_rows, width) per Doc.

    A text longer than `max_length` characters is cut, after a sentence end where it has one. For
    inference windows of similar length are batched together, in training one batch stays one.
    """
    return Model(
        "with_windows", forward, init=init, layers=[layer], attrs={"max_length": max_length}
    )


def init(model: Model, X: list[Doc] | None = None, Y: Any = None) -> None:
    """Initialise the layer with the windows of the sample."""
    texts = [text for doc in X or [] for text in windows(doc.text, model.attrs["max_length"])]
    model.layers[0].initialize(X=texts or None)


def forward(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    """Cut, run the layer, join."""
    layer = model.layers[0]
    texts: list[str] = []
    ends = []  # of each Doc's windows in `texts`
    for doc in docs:
        texts.extend(windows(doc.text, model.attrs["max_length"]))
        ends.append(len(texts))
    outputs: list[Floats2d] = [model.ops.alloc2f(0, 0)] * len(texts)
    callbacks = []
    for group in _groups(texts, is_train):
        batch, backprop_batch = layer([texts[i] for i in group], is_train)
        for column, i in enumerate(group):
            outputs[i] = batch.data[: batch.lengths[column], column]
        callbacks.append((group, batch, backprop_batch))
    starts = [0, *ends][:-1]
    width = outputs[0].shape[1] if outputs else 0
    joined = [_join(outputs[s:e], width, model) for s, e in zip(starts, ends, strict=True)]

    def backprop(d_joined: list[Floats2d]) -> list[Doc]:
        d_outputs: list[Floats2d] = []
        for d_doc, start, end in zip(d_joined, starts, ends, strict=True):
            cuts = numpy.cumsum([len(output) for output in outputs[start:end]])
            d_outputs.extend(model.ops.xp.split(d_doc, cuts[:-1]) if start < end else [])
        for group, batch, backprop_batch in callbacks:
            d_data = model.ops.xp.zeros_like(batch.data)
            for column, i in enumerate(group):
                d_data[: len(d_outputs[i]), column] = d_outputs[i]
            backprop_batch(CharBatch(d_data, batch.lengths))
        return []

    return joined, backprop


def _groups(texts: list[str], is_train: bool) -> Iterator[list[int]]:
    """Batches of text numbers: one in training, else by length, of limited padded size."""
    if is_train:
        yield list(range(len(texts)))
        return
    group: list[int] = []
    for i in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        if group and len(texts[group[0]]) * (len(group) + 1) > BATCH_CHARS:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def _join(pieces: list[Floats2d], width: int, model: Model) -> Floats2d:
    if not pieces:
        return model.ops.alloc2f(0, width)
    return pieces[0] if len(pieces) == 1 else model.ops.xp.concatenate(pieces)
