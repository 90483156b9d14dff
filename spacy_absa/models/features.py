"""What a tagger can see beside the language model: letter case, and names of the lexicon."""

from collections.abc import Callable

import numpy
from thinc.api import Model
from thinc.types import Floats2d

from ..decoding.lexicon import Lexicon, Match, longest
from .types import CharBatch

# Columns of the features: the character is an upper-case or a lower-case letter; its role in the
# longest matches; whether any match, nested ones too, begins here, goes on here or ends here.
UPPER, LOWER, BEGIN, INSIDE, END, SINGLE, ANY_BEGIN, ANY_INSIDE, ANY_END = range(9)
N_FEATURES = 9


def build_char_features(entry_dropout: float = 0.2) -> Model[list[str], CharBatch]:
    """`spacy_absa.CharFeatures.v1`: nine inputs of 0 or 1 per character.

    The case, which the language model does not see, and the character's roles in the names of the
    component's lexicon. entry_dropout: the share of matches that training leaves out, so that the
    tagger does not come to rely on the lexicon to know every name.
    """
    attrs = {"lexicon": Lexicon([]), "entry_dropout": entry_dropout}
    return Model("char_features", _forward, attrs=attrs)


def set_lexicon(model: Model, lexicon: Lexicon) -> None:
    """Give the lexicon to every layer that reads one."""
    for node in model.walk():
        if "lexicon" in node.attrs:
            node.attrs["lexicon"] = lexicon


def beside(
    left: Model[list[str], CharBatch], right: Model[list[str], CharBatch]
) -> Model[list[str], CharBatch]:
    """Both layers' vectors of each character in one."""
    return Model("beside", _forward_beside, init=_init_beside, layers=[left, right])


def char_features(text: str, matches: list[Match]) -> Floats2d:
    """The features (n_chars, 9) of a text with these matches, sorted by start, longest first."""
    features = numpy.zeros((len(text), N_FEATURES), dtype="float32")
    features[:, UPPER] = [char.isupper() for char in text]
    features[:, LOWER] = [char.islower() for char in text]
    for start, end, _ in matches:
        features[start, ANY_BEGIN] = 1
        features[start + 1 : end, ANY_INSIDE] = 1
        features[end - 1, ANY_END] = 1
    for start, end, _ in longest(matches):
        features[start + 1 : end - 1, INSIDE] = 1
        features[start, SINGLE if end - start == 1 else BEGIN] = 1
        features[end - 1, END] = end - start > 1
    return features


def _forward(
    model: Model, texts: list[str], is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], list[str]]]:
    lexicon, dropout = model.attrs["lexicon"], model.attrs["entry_dropout"] if is_train else 0.0
    lengths = numpy.array([len(text) for text in texts], dtype="int64")
    data = numpy.zeros((lengths.max(initial=0), len(texts), N_FEATURES), dtype="float32")
    for i, text in enumerate(texts):
        matches = lexicon.find(text)
        if dropout:
            matches = [match for match in matches if numpy.random.random() >= dropout]
        data[: len(text), i] = char_features(text, matches)
    return CharBatch(model.ops.asarray3f(data), lengths), lambda dY: []


def _init_beside(model: Model, X: list[str] | None = None, Y: object = None) -> None:
    for layer in model.layers:
        layer.initialize(X=X)


def _forward_beside(
    model: Model, texts: list[str], is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], list[str]]]:
    (left, backprop_left), (right, backprop_right) = (
        layer(texts, is_train) for layer in model.layers
    )
    width = left.data.shape[2]

    def backprop(dY: CharBatch) -> list[str]:
        backprop_left(CharBatch(dY.data[..., :width], dY.lengths))
        backprop_right(CharBatch(dY.data[..., width:], dY.lengths))
        return []

    data = model.ops.xp.concatenate([left.data, right.data], axis=2)
    return CharBatch(data, left.lengths), backprop
