"""The reader of entities: from a text and an entity in it to a score per sentiment label."""

from collections.abc import Callable, Iterator, Sequence, Sized
from functools import partial
from typing import Any, NamedTuple

import numpy
from thinc.api import Model, chain
from thinc.types import Floats2d, Ints1d

from .features import beside
from .torch.polarity import TargetHead
from .torch_layer import torch_layer
from .types import CharBatch, Targets, padded_index
from .windows import BATCH_CHARS, groups
from .words import beside_vectors

# Columns of each of the two marks: dropout that hides whole inputs rarely hides all of them.
MARK_WIDTH = 4
# Any input shows the sizes of the layers.
SAMPLE = Targets("本田", [(0, 2)])


class Window(NamedTuple):
    """The text around a target, whose characters are `start` to `end` of it.

    rivals: whether each character belongs to another entity (n_chars,).
    """

    text: str
    start: int
    end: int
    rivals: Ints1d


def build_polarity_reader(
    charlm: Model[list[str], CharBatch],
    encoder: Model[CharBatch, CharBatch],
    features: Model[list[str], CharBatch] | None = None,
    width: int = 192,
    context: int = 90,
) -> Model[list[Targets], Floats2d]:
    """`spacy_absa.PolarityReader.v1`: one reading of the text for each entity in it.

    charlm: texts to character vectors. features: further inputs per character. To these come
    marks of the target's characters and of those of the other entities. encoder: character
    vectors in context. width: of the hidden layer. context: characters read on either side of
    the target. Returns one row of unnormalised scores (n_entities, n_labels) for each entity of
    each text, in order; no row depends on what else is in the batch.
    """
    inputs = charlm if features is None else beside(charlm, features)
    head = target_head(width)
    model: Model[list[Targets], Floats2d] = Model(
        "polarity_reader",
        _forward,
        init=_init,
        layers=[chain(beside_vectors(inputs), encoder), head],
        attrs={"context": context},
    )
    model.set_ref("charlm", charlm)
    model.set_ref("head", head)
    return model


def target_head(width: int) -> Model[tuple[CharBatch, CharBatch], Floats2d]:
    """Encoded characters, and the marks of the targets, to scores per label (dimension nO)."""
    return torch_layer(
        "target_head",
        partial(TargetHead, width=width),
        _forward_head,
        _head_sizes,
        attrs={"dropout_rate": 0.0},
        dims={"nO": None},
    )


def heads(model: Model[list[Targets], Floats2d]) -> list[Model]:
    """The layers of a reader, or of several, that make the scores of the labels."""
    return [node.get_ref("head") for node in model.walk() if node.has_ref("head")]


def add_outputs(model: Model[list[Targets], Floats2d], n_labels: int) -> None:
    """Grow an initialised reader to `n_labels`; those that it knows keep their weights."""
    for head in heads(model):
        if head.has_dim("nO"):
            shim = head.shims[0]
            old = shim.state()
            head.set_dim("nO", n_labels, force=True)
            shim.build(**{**shim.cfg, "n_labels": n_labels})
            new = shim.state()
            for name, weights in old.items():  # the last layer alone gets further rows
                new[name][: len(weights)] = weights
            shim.load_state(new)


def around(text: Targets, context: int) -> Iterator[Window]:
    """The window of each entity of a text."""
    opened, closed = numpy.zeros((2, len(text.text) + 1), dtype="int64")
    for start, end in text.places:
        opened[start] += 1
        closed[end] += 1
    covers = numpy.cumsum(opened - closed)
    for start, end in text.places:
        first, last = max(start - context, 0), min(end + context, len(text.text))
        others = covers[first:last].copy()
        others[start - first : end - first] -= 1
        yield Window(text.text[first:last], start - first, end - first, others > 0)


def marks(windows: list[Window]) -> CharBatch:
    """Which characters are the target's, and which another entity's, `MARK_WIDTH` times each."""
    lengths = numpy.array([len(window.text) for window in windows], dtype="int64")
    data = numpy.zeros((max(lengths), len(windows), 2 * MARK_WIDTH), dtype="float32")
    for column, window in enumerate(windows):
        data[window.start : window.end, column, :MARK_WIDTH] = 1
    rivals = numpy.concatenate([window.rivals for window in windows])
    data[(*padded_index(lengths), slice(MARK_WIDTH, None))] = rivals[:, None]
    return CharBatch(data, lengths)


def read_in_groups(
    model: Model,
    inputs: Sequence[Sized],
    limit: int,
    is_train: bool,
    read: Callable[[list[int]], tuple[Floats2d, Callable[[Floats2d], Any]]],
) -> tuple[Floats2d, Callable[[Floats2d], list[Targets]]]:
    """One row of scores for each input; `read` gives those of a group of them, by their numbers.

    The groups are those of `groups`, of a padded size up to `limit`.
    """
    scores = model.ops.alloc2f(0, 0)
    callbacks = []
    for group in groups(inputs, limit, is_train):
        rows, backprop_group = read(group)
        if not len(scores):
            scores = model.ops.alloc2f(len(inputs), rows.shape[1])
        scores[group] = rows
        if is_train:
            callbacks.append((group, backprop_group))

    def backprop(d_scores: Floats2d) -> list[Targets]:
        for group, backprop_group in callbacks:
            backprop_group(d_scores[group])
        return []

    return scores, backprop


def _init(model: Model, X: list[Targets] | None = None, Y: Any = None) -> None:
    reader, head = model.layers
    windows = list(around(SAMPLE, model.attrs["context"]))
    marked = marks(windows)
    sample = ([window.text for window in windows], marked)
    reader.initialize(X=sample)
    head.initialize(X=(reader.predict(sample), marked))


def _forward(
    model: Model, texts: list[Targets], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Targets]]]:
    windows = [window for text in texts for window in around(text, model.attrs["context"])]
    return read_in_groups(
        model,
        [window.text for window in windows],
        BATCH_CHARS,
        is_train,
        lambda group: _read(model, [windows[i] for i in group], is_train),
    )


def _read(
    model: Model, windows: list[Window], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """The scores of a batch of windows."""
    reader, head = model.layers
    marked = marks(windows)
    marked = CharBatch(model.ops.asarray3f(marked.data), marked.lengths)
    encoded, backprop_reader = reader(([window.text for window in windows], marked), is_train)
    scores, backprop_head = head((encoded, marked), is_train)

    def backprop(d_scores: Floats2d) -> None:
        backprop_reader(backprop_head(d_scores))

    return scores, backprop


def _head_sizes(model: Model, X: tuple[CharBatch, CharBatch]) -> dict[str, int]:
    return {"n_in": X[0].data.shape[2], "n_labels": model.get_dim("nO")}


def _forward_head(
    model: Model, X: tuple[CharBatch, CharBatch], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], CharBatch]]:
    encoded, marked = X
    further = marked.data[..., 0], encoded.lengths, model.attrs["dropout_rate"]
    scores, backprop = model.shims[0](encoded.data, *further, is_train=is_train)
    return scores, lambda d_scores: CharBatch(backprop(d_scores), encoded.lengths)
