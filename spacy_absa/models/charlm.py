"""The character language model: as a model of its own, and as the tagger's input layer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import numpy
from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d
from torch import Tensor

from ..folding import fold
from .symbols import N_SPECIAL, n_symbols, symbols
from .torch.charlm import CharStates, CharVectors, NextCharHead
from .torch_layer import torch_layer
from .types import CharBatch, SymbolBatch
from .windows import with_windows


def build_char_lm(
    vector_width: int,
    width: int,
    use: Literal["vectors", "states"] = "states",
    learn_rate_scale: float = 1.0,
    quantize: bool = False,
    mixed_precision: bool = False,
) -> Model[list[str], CharBatch]:
    """`spacy_absa.CharLM.v1`: characters as vectors from a (pretrained) language model.

    vector_width: width of a character's embedding. width: units of each of the two GRUs.
    use: `vectors`, only the embedding (the system of 2016), or `states`, the contextual states of
    both GRUs (2 * width). learn_rate_scale: fine-tune at this share of the learning rate; 0
    freezes the layer. quantize: predict with GRUs in 8-bit integers (see `TwoWayGRU`).
    mixed_precision: train GRUs with products in bfloat16 (CPUs with AVX-512 BF16).
    """
    if use == "vectors":
        build = partial(CharVectors, vector_width=vector_width)
    else:
        build = partial(
            CharStates,
            vector_width=vector_width,
            width=width,
            quantize=quantize,
            mixed_precision=mixed_precision,
        )
    lookup = symbols()
    vectors = torch_layer(
        f"char_{use}",
        build,
        _forward_vectors,
        partial(_vectors_sizes, lookup),
        learn_rate_scale=learn_rate_scale,
    )
    model: Model[list[str], CharBatch] = chain(lookup, vectors, without_boundaries())
    model.name = "char_lm"
    model.set_ref("symbols", lookup)
    model.set_ref("vectors", vectors)
    return model


def build_language_model(
    charlm: Model[list[str], CharBatch], max_length: int = 512
) -> Model[list[Doc], list[Floats2d]]:
    """`spacy_absa.CharLanguageModel.v1`: how surprising each character of a Doc is.

    charlm: `spacy_absa.CharLM.v1` with `use = "states"`. Returns per Doc an array (n, 2) in nats:
    column 0 holds the surprise of every character and of the end, read from the left, column 1
    that of the start and every character, read from the right. Texts above `max_length`
    characters are cut into windows, each of which has a start and an end.
    """
    head = torch_layer(
        "next_char",
        NextCharHead,
        _forward_head,
        partial(_head_sizes, charlm),
        attrs={"dropout_rate": 0.0},
    )
    scorer: Model[list[str], CharBatch] = Model(
        "score_chars", _forward_scorer, init=_init_scorer, layers=[charlm, head]
    )
    model = with_windows(scorer, max_length)
    model.set_ref("charlm", charlm)
    return model


def set_alphabet(charlm: Model[list[str], CharBatch], alphabet: str) -> None:
    """Give the layer its alphabet: distinct folded characters, by falling frequency."""
    charlm.get_ref("symbols").attrs["alphabet"] = alphabet


def copy_charlm(source: Model[list[str], CharBatch], target: Model[list[str], CharBatch]) -> None:
    """Copy alphabet and weights; of `states` to `vectors` only the embedding.

    Raises InputError where the sizes differ.
    """
    set_alphabet(target, source.get_ref("symbols").attrs["alphabet"])
    shim = target.get_ref("vectors").shims[0]
    shim.build(n_symbols=n_symbols(target.get_ref("symbols")))
    state = source.get_ref("vectors").shims[0].state()
    shim.load_state({name: state[name] for name in shim.state() if name in state})


@contextmanager
def perturbed(charlms: Sequence[Model[list[str], CharBatch]], size: float) -> Iterator[None]:
    """Make the batch that was learned last harder, for a while: the fast gradient method.

    The embeddings of its characters move along their accumulated gradient, all together by `size`
    times their norm (Miyato et al. 2017, "Adversarial training methods for semi-supervised text
    classification"). What is learned meanwhile adds to the same gradient.
    """
    weights = [charlm.get_ref("vectors").shims[0].module.embedding.weight for charlm in charlms]
    kept = [(weight, weight.data) for weight in weights if weight.grad is not None]
    for weight, data in kept:
        weight.data = data + _step_uphill(data, weight.grad, size)
    try:
        yield
    finally:
        for weight, data in kept:
            weight.data = data


def nearest_characters(
    charlm: Model[list[str], CharBatch], char: str, n: int
) -> list[tuple[str, float]]:
    """The characters whose embeddings have the highest cosine similarity to that of `char`.

    Raises KeyError for a character outside the alphabet.
    """
    alphabet = charlm.get_ref("symbols").attrs["alphabet"]
    place = alphabet.find(fold(char))
    if place < 0 or len(char) != 1:
        raise KeyError(f"{char!r} is not a character of the model's alphabet.")
    vectors = charlm.get_ref("vectors").shims[0].state()["embedding.weight"][N_SPECIAL:]
    vectors = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors[place]
    ranked = [i for i in numpy.argsort(-similarity) if i != place]
    return [(alphabet[i], float(similarity[i])) for i in ranked[:n]]


def without_boundaries() -> Model[CharBatch, CharBatch]:
    """Drop the first step and the last: the vectors of the boundary symbols."""
    return Model("without_boundaries", _forward_inner)


def _forward_inner(
    model: Model, X: CharBatch, is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], CharBatch]]:
    def backprop(dY: CharBatch) -> CharBatch:
        return CharBatch(model.ops.xp.pad(dY.data, ((1, 1), (0, 0), (0, 0))), X.lengths)

    return CharBatch(X.data[1:-1], X.lengths - 2), backprop


def _step_uphill(vectors: Tensor, gradient: Tensor, size: float) -> Tensor:
    norm = vectors[gradient.any(dim=1)].norm()
    return gradient * (size * norm / gradient.norm().clamp(min=1e-12))


def _vectors_sizes(lookup: Model[list[str], SymbolBatch], model: Model, X: Any) -> dict[str, int]:
    return {"n_symbols": n_symbols(lookup)}


def _head_sizes(
    charlm: Model[list[str], CharBatch], model: Model, X: tuple[CharBatch, SymbolBatch]
) -> dict[str, int]:
    return {
        "n_symbols": n_symbols(charlm.get_ref("symbols")),
        "width": X[0].data.shape[2] // 2,
    }


def _forward_vectors(
    model: Model, X: SymbolBatch, is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], None]]:
    symbols = model.ops.asarray(X.symbols)
    data, backprop = model.shims[0](symbols, X.lengths, is_train=is_train)
    return CharBatch(data, X.lengths), lambda dY: backprop(dY.data)


def _forward_head(
    model: Model, X: tuple[CharBatch, SymbolBatch], is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], CharBatch]]:
    states, batch = X
    further = batch.symbols, batch.lengths, model.attrs["dropout_rate"]
    nll, backprop = model.shims[0](states.data, *further, is_train=is_train)

    def backprop_states(d_nll: CharBatch) -> CharBatch:
        return CharBatch(backprop(d_nll.data), batch.lengths)

    return CharBatch(nll, batch.lengths - 1), backprop_states


def _init_scorer(model: Model, X: list[str] | None = None, Y: Any = None) -> None:
    charlm, head = model.layers
    charlm.initialize(X=X)
    if X is not None:
        batch = charlm.get_ref("symbols").predict(X)
        head.initialize(X=(charlm.get_ref("vectors").predict(batch), batch))


def _forward_scorer(
    model: Model, texts: list[str], is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], list[str]]]:
    charlm, head = model.layers
    batch = charlm.get_ref("symbols").predict(texts)
    states, backprop_states = charlm.get_ref("vectors")(batch, is_train)
    nll, backprop_nll = head((states, batch), is_train)

    def backprop(d_nll: CharBatch) -> list[str]:
        backprop_states(backprop_nll(d_nll))
        return []

    return nll, backprop
