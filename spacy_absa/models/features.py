"""What a tagger can see beside the language model: letter case, and names of the lexicon."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy
from thinc.api import Model
from thinc.types import Floats2d, Ints1d

from ..lexicon import Lexicon, Matches
from ..numbering import CharNumbers
from .types import CharBatch, padded_index

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


# The lexicon of the prediction that this thread is making.
_pinned: ContextVar[Lexicon | None] = ContextVar("lexicon", default=None)


@contextmanager
def pinned_lexicon(lexicon: Lexicon) -> Iterator[None]:
    """Let every layer read this lexicon in the block, whatever another thread may set meanwhile."""
    token = _pinned.set(lexicon)
    try:
        yield
    finally:
        _pinned.reset(token)


def beside(
    left: Model[list[str], CharBatch], right: Model[list[str], CharBatch]
) -> Model[list[str], CharBatch]:
    """Both layers' vectors of each character in one."""
    return Model("beside", _forward_beside, init=_init_beside, layers=[left, right])


def char_features(texts: list[str], matches: Matches) -> Floats2d:
    """The features (n_chars, 9) of texts in a row, with the matches in each of them.

    Those of a text are sorted by start, longest first.
    """
    case = _CASE("".join(texts))
    features = numpy.zeros((len(case), N_FEATURES), dtype="float32")
    features[:, UPPER] = case == 1
    features[:, LOWER] = case == 2
    begins = _begins(texts)
    start, end = _in_a_row(matches, begins)
    features[start, ANY_BEGIN] = 1
    features[:, ANY_INSIDE] = _covered(len(case), start + 1, end)
    features[end - 1, ANY_END] = 1
    start, end = _in_a_row(matches.longest(), begins)
    single = end - start == 1
    features[start[single], SINGLE] = 1
    start, end = start[~single], end[~single]
    features[start, BEGIN] = 1
    features[:, INSIDE] = _covered(len(case), start + 1, end - 1)
    features[end - 1, END] = 1
    return features


def _begins(texts: list[str]) -> Ints1d:
    """Where each text begins, the texts in a row."""
    lengths = numpy.fromiter(map(len, texts), numpy.int64, len(texts))
    return lengths.cumsum() - lengths


def _in_a_row(matches: Matches, begins: Ints1d) -> tuple[Ints1d, Ints1d]:
    """Where all matches start and end, the texts in a row."""
    begin = begins[matches.text]
    return begin + matches.start, begin + matches.end


def _covered(n_chars: int, start: Ints1d, end: Ints1d) -> numpy.ndarray:
    """Whether each character is in any of the spans, none shorter than 0: bool (n_chars,)."""
    opened = numpy.bincount(start, minlength=n_chars + 1)
    closed = numpy.bincount(end, minlength=n_chars + 1)
    return numpy.cumsum(opened - closed)[:n_chars] > 0


_CASE = CharNumbers(lambda char: char.isupper() + 2 * char.islower())


def _forward(
    model: Model, texts: list[str], is_train: bool
) -> tuple[CharBatch, Callable[[CharBatch], list[str]]]:
    pinned = _pinned.get()
    lexicon = model.attrs["lexicon"] if pinned is None else pinned
    dropout = model.attrs["entry_dropout"] if is_train else 0.0
    lengths = numpy.array([len(text) for text in texts], dtype="int64")
    matches = lexicon.find_all(texts)
    if dropout:
        matches = matches.take(numpy.random.random(len(matches.text)) >= dropout)
    data = numpy.zeros((lengths.max(initial=0), len(texts), N_FEATURES), dtype="float32")
    data[padded_index(lengths)] = char_features(texts, matches)
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
