"""Words in context from a pretrained transformer, through transformers (extra ``transformer``)."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..extras import require
from .pretrained import BATCH_TOKENS, load_pretrained, tokenizer_of
from .torch_layer import TorchShim
from .windows import groups

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_NAME = "spacy_absa.Transformer.v1"
# The share of the pieces of a window of a long text that is in the next window too.
_OVERLAP = 1 / 8


def build_transformer(
    path: str | None, learn_rate_scale: float = 1.0, mixed_precision: bool = False
) -> Model[list[Doc], list[Floats2d]]:
    """`spacy_absa.Transformer.v1`: a transformer's last states, arrays (n_tokens, width).

    path: the folder of a pretrained one, as transformers saves it: `config.json`,
    `tokenizer.json` and weights. Read at initialisation; a trained pipeline holds all of it.
    learn_rate_scale: fine-tune at this share of the learning rate; 0 freezes it.
    mixed_precision: multiply matrices in bfloat16, faster where the processor knows it.
    Raises InputError where transformers is not installed or the folder does not hold one.
    """
    require("transformer", "transformers", what=_NAME)
    from .torch.pieces import PieceEncoder

    shim = TorchShim(partial(PieceEncoder, mixed_precision=mixed_precision), learn_rate_scale)
    return Model(
        "transformer", _forward, init=partial(_init, path), shims=[shim], attrs={"tokenizer": ""}
    )


def _init(path: str | None, model: Model, X: list[Doc] | None = None, Y: Any = None) -> None:
    shim = model.shims[0]
    if shim.is_built:
        return
    tokenizer, limit = load_pretrained(path, shim, _NAME)
    tokenizer.enable_truncation(limit, stride=int(limit * _OVERLAP))
    tokenizer.enable_padding()
    model.attrs["tokenizer"] = tokenizer.to_str()


def _forward(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    outputs: list[Floats2d] = [model.ops.alloc2f(0, 0)] * len(docs)
    callbacks = []
    for group in groups(docs, BATCH_TOKENS, is_train):
        batch = [docs[i] for i in group]
        vectors, backprop_group = _encode(model, batch, is_train)
        ends = list(accumulate(map(len, batch)))
        for i, rows in zip(group, model.ops.xp.split(vectors, ends[:-1]), strict=True):
            outputs[i] = rows
        if is_train:  # in prediction they would keep the tensors of all groups
            callbacks.append((group, backprop_group))

    def backprop(d_outputs: list[Floats2d]) -> list[Doc]:
        for group, backprop_group in callbacks:
            backprop_group(model.ops.xp.concatenate([d_outputs[i] for i in group]))
        return []

    return outputs, backprop


def _encode(
    model: Model, docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """The vectors of the tokens of all Docs, in a row."""
    pieces, mask, owners = _windows(tokenizer_of(model.attrs["tokenizer"]), docs)
    return model.shims[0](pieces, mask, owners, sum(map(len, docs)), is_train=is_train)


def _windows(tokenizer: "Tokenizer", docs: list[Doc]) -> tuple[numpy.ndarray, ...]:
    """Numbers of pieces, mask and numbers of their tokens (or -1): arrays (n_windows, n_pieces)."""
    words = [[token.text for token in doc] for doc in docs]
    encodings = tokenizer.encode_batch(words, is_pretokenized=True)
    starts = accumulate(map(len, words), initial=0)
    rows = []
    for start, first in zip(starts, encodings, strict=False):
        for window in (first, *first.overflowing):
            owners = [-1 if word is None else start + word for word in window.word_ids]
            rows.append((window.ids, window.attention_mask, owners))
    return tuple(numpy.array(column, dtype="int64") for column in zip(*rows, strict=True))
