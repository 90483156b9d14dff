"""The tagger: characters → language model → encoder → emissions and transitions per tag."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from spacy.tokens import Doc
from thinc.api import Model, chain
from thinc.types import Floats2d

from ..errors import InputError
from .features import beside
from .torch.recurrent import BiGRUEncoder
from .torch_layer import torch_layer
from .types import CharBatch, Emissions
from .windows import with_windows
from .words import beside_vectors, spread


def build_char_tagger(
    charlm: Model[list[str], CharBatch],
    encoder: Model[CharBatch, CharBatch],
    output: Model[list[Floats2d], Emissions],
    features: Model[list[str], CharBatch] | None = None,
    words: Model[list[Doc], list[Floats2d]] | None = None,
    max_length: int = 512,
) -> Model[list[Doc], Emissions]:
    """`spacy_absa.CharTagger.v1`: scores for every tag of every character of a Doc.

    charlm: texts to character vectors. features: further inputs per character. words: vectors of
    tokens, further inputs of each of their characters: any layer of spaCy's that makes them, such
    as `spacy.Tok2Vec.v2` or `spacy.Tok2VecListener.v1`. encoder: character vectors in context.
    output: what the tags of neighbours have to do with each other. max_length: texts with more
    characters are cut into windows, which are encoded on their own and decoded together.
    """
    projection = affine("tag_projection")
    inputs = charlm if features is None else beside(charlm, features)
    if words is None:
        network = with_windows(chain(inputs, encoder, projection), max_length)
    else:
        network = with_windows(
            chain(beside_vectors(inputs), encoder, projection), max_length, spread(words)
        )
    model: Model[list[Doc], Emissions] = chain(network, output)
    model.name = "char_tagger"
    model.set_ref("charlm", charlm)
    if words is not None:
        model.set_ref("words", words)
    model.set_ref("encoder", encoder)
    model.set_ref("projection", projection)
    model.set_ref("output", output)
    return model


def build_bigru_encoder(
    width: int, depth: int = 1, quantize: bool = False, mixed_precision: bool = False
) -> Model[CharBatch, CharBatch]:
    """`spacy_absa.BiGRUEncoder.v1`: `depth` bidirectional GRUs of `width` units a direction.

    quantize: predict with GRUs in 8-bit integers (see `TwoWayGRU`). mixed_precision: train
    them with products in bfloat16 (CPUs with AVX-512 BF16).
    """
    build = partial(
        BiGRUEncoder,
        width=width,
        depth=depth,
        quantize=quantize,
        mixed_precision=mixed_precision,
    )
    return torch_layer(
        "bigru_encoder",
        build,
        _forward_encoder,
        _encoder_sizes,
        attrs={"dropout_rate": 0.0},
    )


def copy_encoder(source: Model[CharBatch, CharBatch], target: Model[CharBatch, CharBatch]) -> None:
    """Copy the weights of one bidirectional GRU encoder to another.

    Raises InputError where the sizes differ.
    """
    if _described(source) != _described(target):
        raise InputError(
            f"The trained encoder has {_described(source)}, but that of this config "
            f"{_described(target)}: give `encoder` and what it reads (`charlm`, `features`) the "
            "same sizes in both configs."
        )
    target.shims[0].load_state(source.shims[0].state())


def build_softmax() -> Model[list[Floats2d], Emissions]:
    """`spacy_absa.Softmax.v1`: each character's tag stands on its own."""
    return Model("softmax", _forward_softmax, dims={"nO": None})


def build_crf() -> Model[list[Floats2d], Emissions]:
    """`spacy_absa.CRF.v1`: a linear-chain conditional random field (Lafferty et al. 2001)."""
    return Model(
        "crf", _forward_crf, init=_init_crf, params={"transitions": None}, dims={"nO": None}
    )


def affine(name: str) -> Model[CharBatch, CharBatch]:
    """An affine map from the encoder's width to another (dimension nO)."""
    return torch_layer(
        name,
        torch.nn.Linear,
        _forward_projection,
        _projection_sizes,
        dims={"nO": None},
    )


def set_n_tags(model: Model[list[Doc], Emissions], n_tags: int) -> None:
    """Set the number of tags before initialisation, which makes the weights anew."""
    for tagger in _taggers(model):
        _resize(tagger, n_tags)


def add_tags(model: Model[list[Doc], Emissions], n_tags: int) -> None:
    """Grow an initialised tagger to `n_tags`; those that it knows keep their weights."""
    for tagger in _taggers(model):
        if tagger.get_ref("projection").has_dim("nO"):
            _grow(tagger, n_tags)


def encoders(model: Model[list[Doc], Emissions]) -> list[Model[CharBatch, CharBatch]]:
    """The encoder of each member of an ensemble, or of the tagger itself."""
    return [tagger.get_ref("encoder") for tagger in _taggers(model)]


def charlms(model: Model[list[Doc], Emissions]) -> list[Model[list[str], CharBatch]]:
    """The character layer of each member of an ensemble, or of the tagger itself."""
    return [tagger.get_ref("charlm") for tagger in _taggers(model)]


def _taggers(model: Model) -> list[Model]:
    """The members of an ensemble, or the tagger itself."""
    return [node for node in model.walk() if node.has_ref("projection")]


def _grow(model: Model[list[Doc], Emissions], n_tags: int) -> None:
    projection, output = model.get_ref("projection"), model.get_ref("output")
    shim = projection.shims[0]
    old = shim.state()
    n_old = projection.get_dim("nO")
    known = output.get_param("transitions") if output.has_param("transitions") else None
    _resize(model, n_tags)
    shim.build(in_features=old["weight"].shape[1], out_features=n_tags)
    new = shim.state()
    new["weight"][:n_old], new["bias"][:n_old] = old["weight"], old["bias"]
    shim.load_state(new)
    if known is not None:
        output.set_param("transitions", _grown(known, n_tags, output))


def _resize(tagger: Model[list[Doc], Emissions], n_tags: int) -> None:
    """Set the number of tags of all layers that know it; transitions are forgotten."""
    output = tagger.get_ref("output")
    if output.has_param("transitions"):
        output.set_param("transitions", None)
        # thinc keeps gradients, and optimizers their moments, by the layer's number.
        with Model.global_id_lock:
            Model.global_id += 1
            output.id = Model.global_id
    ends = (tagger.get_ref("projection"), output)
    for layer in tagger.walk():
        if layer in ends or (layer.layers and layer.layers[-1] in ends):
            layer.set_dim("nO", n_tags, force=True)


def _grown(transitions: Floats2d, n_tags: int, model: Model) -> Floats2d:
    """Insert tags before the last row and column, which stand for the boundary of the text."""
    n_old = len(transitions) - 1
    rows = [*range(n_old), n_tags]
    grown = model.ops.alloc2f(n_tags + 1, n_tags + 1)
    grown[model.ops.xp.ix_(rows, rows)] = transitions
    return grown


def _described(encoder: Model[CharBatch, CharBatch]) -> str:
    layers = encoder.shims[0].module.layers
    n_in = layers[0].forwards.input_size
    return f"depth {len(layers)}, width {layers[0].width} and {n_in} inputs"


def _encoder_sizes(model: Model, X: CharBatch) -> dict[str, int]:
    return {"n_in": X.data.shape[2]}


def _projection_sizes(model: Model, X: CharBatch) -> dict[str, int]:
    return {"in_features": X.data.shape[2], "out_features": model.get_dim("nO")}


def _forward_encoder(
    model: Model, X: CharBatch, is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], CharBatch]]:
    dropout = model.attrs["dropout_rate"]
    data, backprop = model.shims[0](X.data, X.lengths, dropout, is_train=is_train)
    return CharBatch(data, X.lengths), lambda dY: CharBatch(backprop(dY.data), X.lengths)


def _forward_projection(
    model: Model, X: CharBatch, is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], CharBatch]]:
    data, backprop = model.shims[0](X.data, is_train=is_train)
    return CharBatch(data, X.lengths), lambda dY: CharBatch(backprop(dY.data), X.lengths)


def _forward_softmax(
    model: Model, X: list[Floats2d], is_train: bool
) -> tuple[Emissions, Callable[[Emissions], list[Floats2d]]]:
    return Emissions(X, None), lambda dY: dY.scores


def _init_crf(model: Model, X: Any = None, Y: Any = None) -> None:
    if model.has_dim("nO") and not model.has_param("transitions"):
        n_states = model.get_dim("nO") + 1
        model.set_param("transitions", model.ops.alloc2f(n_states, n_states))


def _forward_crf(
    model: Model, X: list[Floats2d], is_train: bool
) -> tuple[Emissions, Callable[[Emissions], list[Floats2d]]]:
    def backprop(dY: Emissions) -> list[Floats2d]:
        model.inc_grad("transitions", dY.transitions)
        return dY.scores

    return Emissions(X, model.get_param("transitions")), backprop
