"""The reader of entities that is a pretrained transformer (extra ``transformer``)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy
from thinc.api import Model, chain
from thinc.types import Floats2d

from ..extras import require
from .polarity import SAMPLE, around, read_in_groups
from .pretrained import BATCH_TOKENS, load_pretrained, pad, tokenizer_of
from .torch_layer import TorchShim, torch_layer
from .types import Targets

if TYPE_CHECKING:
    from tokenizers import Encoding

_NAME = "spacy_absa.TransformerReader.v1"


def build_transformer_reader(
    path: str | None,
    width: int | None = None,
    context: int = 90,
    learn_rate_scale: float = 0.1,
    learn_pieces: bool = False,
    mixed_precision: bool = False,
) -> Model[list[Targets], Floats2d]:
    """`spacy_absa.TransformerReader.v1`: a transformer reads the text for each entity in it.

    It reads the pair of the entity and the text around it, in which 《》 mark the entity (sentence
    pairs: Sun et al. 2019, "Utilizing BERT for Aspect-Based Sentiment Analysis via Constructing
    Auxiliary Sentence"). What is too long for the transformer is cut off.

    path: the folder of a pretrained one, as transformers saves it: `config.json`,
    `tokenizer.json` and weights. Read at initialisation; a trained pipeline holds all of it.
    width: of the hidden layer; by default the transformer's. context: characters read on either
    side of the entity. learn_rate_scale: fine-tune the transformer at this share of the learning
    rate; 0 freezes it. learn_pieces: fine-tune the vectors of its word pieces, too, of which a
    large vocabulary has many more than the corpus holds. mixed_precision: multiply matrices in
    bfloat16, faster where the processor knows it. Returns one row of unnormalised scores
    (n_entities, n_labels) for each entity of each text, in order; no row depends on what else is
    in the batch.
    Raises InputError where transformers is not installed or the folder does not hold one.
    """
    require("transformer", "transformers", what=_NAME)
    from .torch.pairs import PairEncoder, PairHead

    build = partial(PairEncoder, mixed_precision=mixed_precision, learn_pieces=learn_pieces)
    shim = TorchShim(build, learn_rate_scale)
    encoder: Model[list[Encoding], Floats2d] = Model(
        "pair_encoder",
        _forward_encoder,
        init=partial(_init_encoder, path),
        shims=[shim],
        attrs={"tokenizer": ""},
    )
    head = torch_layer(
        "pair_head",
        PairHead,
        _forward_head,
        partial(_head_sizes, width),
        attrs={"dropout_rate": 0.0},
        dims={"nO": None},
    )
    model: Model[list[Targets], Floats2d] = Model(
        "transformer_reader",
        _forward,
        init=_init,
        layers=[chain(encoder, head)],
        attrs={"context": context},
    )
    model.set_ref("encoder", encoder)
    model.set_ref("head", head)
    return model


def pairs(text: Targets, context: int) -> Iterator[tuple[str, str]]:
    """Each entity of a text, and the text around it, in which it is marked."""
    for window in around(text, context):
        before, after = window.text[: window.start], window.text[window.end :]
        target = window.text[window.start : window.end]
        yield target, f"{before}《{target}》{after}"


def _init(model: Model, X: list[Targets] | None = None, Y: Any = None) -> None:
    model.get_ref("encoder").initialize()  # or there would be no tokenizer for the sample
    model.layers[0].initialize(X=_encode(model, [SAMPLE]))


def _forward(
    model: Model, texts: list[Targets], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Targets]]]:
    encodings = _encode(model, texts)
    return read_in_groups(
        model,
        encodings,
        BATCH_TOKENS,
        is_train,
        lambda group: model.layers[0]([encodings[i] for i in group], is_train),
    )


def _encode(model: Model, texts: list[Targets]) -> "list[Encoding]":
    """The pieces of all pairs, not yet padded."""
    tokenizer = tokenizer_of(model.get_ref("encoder").attrs["tokenizer"])
    context = model.attrs["context"]
    return tokenizer.encode_batch([pair for text in texts for pair in pairs(text, context)])


def _init_encoder(path: str | None, model: Model, X: Any = None, Y: Any = None) -> None:
    shim = model.shims[0]
    if shim.is_built:
        return
    tokenizer, limit = load_pretrained(path, shim, _NAME)
    tokenizer.enable_truncation(limit)
    tokenizer.no_padding()
    model.attrs["tokenizer"] = tokenizer.to_str()


def _forward_encoder(
    model: Model, encodings: "list[Encoding]", is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    pad(encodings)
    rows = [(e.ids, e.attention_mask, e.type_ids, _in_target(e)) for e in encodings]
    pieces, *further = (numpy.array(part, dtype="int64") for part in zip(*rows, strict=True))
    return model.shims[0](pieces, *further, is_train=is_train)


def _in_target(encoding: "Encoding") -> list[bool]:
    """Which pieces are of the first segment; not those that mark its ends."""
    return [segment == 0 for segment in encoding.sequence_ids]


def _head_sizes(width: int | None, model: Model, X: Floats2d) -> dict[str, int]:
    n_in = X.shape[1]
    return {"n_in": n_in, "width": width or n_in // 3, "n_labels": model.get_dim("nO")}


def _forward_head(
    model: Model, X: Floats2d, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    return model.shims[0](X, model.attrs["dropout_rate"], is_train=is_train)
